"""A run has one claim that counts, whoever dies, is held up, or lives on another machine with another clock."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.run.small import narrow, small_images
from tests.run.test_execute import Told
from topobench.cards import Budget
from topobench.run import claims
from topobench.run.claims import Claims, alone
from topobench.run.device import Device
from topobench.run.execute import execute
from topobench.run.matrix import Run
from topobench.run.store import Store

HOLDER = """
import sys, time
from pathlib import Path
from topobench.run.claims import Claims
from topobench.run.store import Store

claim = Claims(Store(Path(sys.argv[1])).named("run")).take()
print(claim.path.name, flush=True)
time.sleep(60)
"""
ELSEWHERE = "another-host 0a1b - 17 4242\n"


@pytest.fixture
def place(tmp_path):
    return Store(tmp_path).named("run")


def numbers(place):
    return sorted(path.name for path in place.claims.iterdir())


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "000001\n"
    yield process
    process.kill()
    process.wait()


def test_one_has_it_until_it_is_given_back(place):
    first, second = Claims(place), Claims(place)
    claim = first.take()
    assert second.take() is None
    assert first.take() is None
    claim.give_back()
    other = second.take()
    assert numbers(place) == ["000002"]  # what came before is cleared away
    claim.look()
    other.look()
    assert (claim.lost, other.lost) == (True, False)
    other.give_back()


def test_folder_that_was_cleared_away(place):
    claim = Claims(place).take()
    shutil.rmtree(place.claims)
    claim.look()
    assert not claim.lost
    claim.give_back()


def test_of_many_at_once_one_gets_it(place):
    for _ in range(20):
        taken, start = [], threading.Barrier(8)

        def take(taken=taken, start=start):
            mine = Claims(place)
            start.wait()
            taken.append(mine.take())

        threads = [threading.Thread(target=take) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        [claim] = filter(None, taken)
        claim.give_back()


def test_that_of_a_process_that_lives_is_left_alone_and_that_of_one_that_was_killed_is_not(place, holder):
    assert Claims(place).take() is None
    os.kill(holder.pid, signal.SIGKILL)
    while (state := claims._began(holder.pid)) != "ended":  # nobody has waited for it: it is still in the list
        assert state.isdigit()
    claim = Claims(place).take()
    assert claim.path.name == "000002"
    claim.give_back()


def test_number_of_a_process_that_another_has_by_now(place, holder):
    [path] = place.claims.iterdir()
    path.write_text(path.read_text().rpartition(" ")[0] + " 1\n")  # began one tick after the boot
    Claims(place).take().give_back()


@pytest.mark.parametrize("content", [ELSEWHERE, "", "torn", f"x y z {2**80} 1\n"])
def test_that_of_another_machine_counts_until_nothing_changed_for_long(place, monkeypatch, content):
    """The clock of the file, or of that machine, may be any."""
    monkeypatch.setattr(claims, "DEAD", 0.3)
    place.claims.mkdir(parents=True)
    path, mine = place.claims / "000007", Claims(place)
    path.write_text(content)
    for moment in (1e9, 4e9, 0, 2e9):  # what it is touched with
        os.utime(path, (moment, moment))
        assert mine.take() is None
        time.sleep(0.2)
        assert mine.take() is None
    time.sleep(0.2)
    claim = mine.take()
    assert claim.path.name == "000008"
    claim.give_back()


def test_clock_that_is_set_back_changes_nothing(place, monkeypatch):
    monkeypatch.setattr(claims, "DEAD", 0.3)
    monkeypatch.setattr(claims, "BEAT", 0.05)
    with alone(place, pytest.fail) as claim:
        started, mine = time.monotonic(), Claims(place)
        monkeypatch.setattr(time, "time", lambda: 5.0)
        while time.monotonic() < started + 1:
            assert mine.take() is None
        assert not claim.lost
    mine.take().give_back()


def test_network_file_system_that_lists_late(place, monkeypatch):
    """It does not list what another machine has created, or what it has removed."""
    listed, late = claims._numbers, {}
    monkeypatch.setattr(claims, "_numbers", lambda folder: late.pop("list", None) or listed(folder))
    first = Claims(place).take()
    late["list"] = [0]
    mine = Claims(place)
    assert mine.take() is None  # for 1 is there
    assert mine.take() is None
    first.give_back()
    second = Claims(place).take()
    late["list"] = [0]  # 1 was removed, and 2 is not listed
    assert Claims(place).take() is None
    assert numbers(place) == ["000002"]
    second.give_back()


def test_run_of_a_process_that_was_held_up_is_the_others(tmp_path, monkeypatch):
    """It writes nothing any more, waits, and finds the record of who took it over."""
    cpu = Device("cpu", "float32", 1)
    budget = Budget(steps=3, batch=1, crop=64)
    run = Run("unet-ce", narrow("unet-ce"), small_images(), 0, 0, budget, cpu, ("hu2019",))
    place, taken, take = Store(tmp_path).place(run.identity()), [], Claims.take

    def noting(asked):
        taken.append(take(asked))
        return taken[-1]

    class HeldUp(Told):
        def stepped(self, run, step):
            super().stepped(run, step)
            if len(self.steps) == 1:
                with monkeypatch.context() as patched:
                    patched.setattr(claims, "DEAD", -1.0)
                    self.others = take(Claims(place))
                taken[0].look()

        def noted(self, run, sentence):
            super().noted(run, sentence)
            if len(self.notes) == 2:
                assert not place.checkpoints.exists()
                self.others.give_back()
                self.record = execute(run, tmp_path, Told(), lambda: False)

    monkeypatch.setattr(Claims, "take", noting)
    told = HeldUp()
    assert execute(run, tmp_path, told, lambda: False) == told.record
    assert told.notes == [
        "this process was held up for so long that another took the run over; waiting for it",
        "another process is at this run; waiting for it",
    ]
    assert told.found == [True]
    assert told.steps == [("unet-ce", 0)]
