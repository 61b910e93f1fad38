"""Runs that are stopped or killed, and go on: they end bit-equal to one that never was (FAULTS rows 25 and 26)."""

import errno
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.conftest import ROOT
from tests.run.kills import STEPS, end_of, executed, same, tiny_run
from tests.run.test_execute import Told
from topobench.cards import Validation
from topobench.run import train, validation
from topobench.run.claims import alone
from topobench.run.execute import Stopped, execute
from topobench.run.settings import Settings
from topobench.run.store import Store
from topobench.run.train import Trainer
from topobench.scores import read_record


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """A tiny run, and the store in which it was executed without a pause."""
    folder = tmp_path_factory.mktemp("straight")
    run = tiny_run(folder / "data")
    assert executed(run, folder / "store").training["losses"]["steps"] == list(range(1, STEPS + 1))
    return run, folder / "store"


@pytest.mark.parametrize("stop", range(STEPS))
@pytest.mark.parametrize("every", [0, 1000])
def test_26_stopped_at_each_of_its_steps(straight, tmp_path, stop, every):
    """Weights, optimiser, best state, figures and maps, whether there was a checkpoint at every step or at the stop."""
    run, store = straight
    told, settings = Told(), Settings(checkpoint_seconds=every)
    with pytest.raises(Stopped):
        execute(run, tmp_path, told, lambda: len(told.steps) == stop, settings)
    assert [step for _, step in told.steps] == list(range(stop))
    again = Told()
    execute(run, tmp_path, again, lambda: False, settings)
    assert [step for _, step in again.steps] == list(range(stop, STEPS))
    assert [step for step, _ in told.validations + again.validations] == [2, 4, 6]
    assert same(end_of(run, tmp_path), end_of(run, store))


def test_26_stopped_among_the_images_held_out(straight, tmp_path, monkeypatch):
    """Two are held out, and after the first of them a stop is asked for: all are scored again, and it ends equal."""
    run, _ = straight
    rule = Validation(times=3, share=0.5)
    run = replace(run, budget=run.budget.model_copy(update={"validation": rule}))
    executed(run, tmp_path / "straight")
    sound, scored = validation.score_samples, []

    def scoring(*arguments):
        for rows in sound(*arguments):
            scored.append(rows)
            yield rows

    monkeypatch.setattr(validation, "score_samples", scoring)
    told = Told()
    with pytest.raises(Stopped):
        execute(run, tmp_path / "stopped", told, lambda: bool(scored))
    assert (len(scored), len(told.steps), told.validations) == (1, 2, [])
    executed(run, tmp_path / "stopped")
    assert len(scored) == 1 + 3 * 2
    assert same(end_of(run, tmp_path / "stopped"), end_of(run, tmp_path / "straight"))


def test_26_stopped_at_every_step_of_one_run(straight, tmp_path):
    run, store = straight
    for _ in range(STEPS):
        told = Told()
        with pytest.raises(Stopped):
            execute(run, tmp_path, told, lambda told=told: len(told.steps) == 1)
    executed(run, tmp_path)
    assert same(end_of(run, tmp_path), end_of(run, store))


def kills(*arguments):
    command = [sys.executable, "-m", "tests.run.kills", *map(str, arguments)]
    result = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert result.returncode == 0, result.stderr
    return int(result.stdout)


def test_25_killed_at_every_file_operation(tmp_path):
    assert kills("operations", 1, tmp_path) > 40


def test_25_killed_at_twenty_random_moments(tmp_path):
    assert kills("random", 20, tmp_path) == 20


def test_27_a_refused_checkpoint_is_noted_and_the_one_before_goes_on(straight, tmp_path):
    run, store = straight
    told = Told()
    with pytest.raises(Stopped):
        execute(run, tmp_path, told, lambda: len(told.steps) == 4, Settings(checkpoint_seconds=0))
    newest = max(Store(tmp_path).place(run.identity()).checkpoints.glob("step-*.pt"))
    newest.write_bytes(newest.read_bytes()[:-1])
    again = Told()
    execute(run, tmp_path, again, lambda: False)
    [note] = again.notes
    assert f"checkpoint {newest} is refused: it is damaged" in note
    assert again.steps[0][1] == 3
    assert same(end_of(run, tmp_path), end_of(run, store))


def test_27_no_sound_checkpoint_fails_the_run_and_trains_nothing(straight, tmp_path):
    run, _ = straight
    told = Told()
    with pytest.raises(Stopped):
        execute(run, tmp_path, told, lambda: len(told.steps) == 3)
    [only] = Store(tmp_path).place(run.identity()).checkpoints.glob("step-*.pt")
    only.write_bytes(b"")
    again = Told()
    record = execute(run, tmp_path, again, lambda: False)
    assert record.status.startswith("failed: checkpoint ")
    assert record.status.endswith("Remove that folder to train from the start.")
    assert again.steps == []


@pytest.mark.parametrize("kind", ["checkpoints", "predictions", "records", "progress"])
def test_31_a_full_disk_ends_all_with_the_path_and_what_is_there_stays(straight, tmp_path, monkeypatch, kind):
    run, store = straight
    fsync, full = os.fsync, [True]

    def filling(handle):
        name = str(Path(f"/proc/self/fd/{handle}").readlink())
        if full[0] and f"/{kind}/" in name and ".part" in name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", filling)
    with pytest.raises(OSError, match="No space left on device") as error:
        executed(run, tmp_path)
    assert f"/{kind}/" in error.value.filename
    assert not list(tmp_path.rglob("*.part"))
    assert not Store(tmp_path).place(run.identity()).record.exists()
    full[0] = False
    executed(run, tmp_path)
    assert same(end_of(run, tmp_path), end_of(run, store))


def test_30_a_torn_record_is_made_anew_without_training(straight, tmp_path):
    run, store = straight
    executed(run, tmp_path)
    record = Store(tmp_path).place(run.identity()).record
    sound = read_record(record)
    for content in (record.read_bytes()[:100], record.read_bytes().replace(b'"fold": 0', b'"fold": 1')):
        record.write_bytes(content)
        told = Told()
        assert execute(run, tmp_path, told, lambda: False).rows == sound.rows
        assert told.steps == []
    assert same(end_of(run, tmp_path), end_of(run, store))


def test_a_run_that_another_process_is_at_is_waited_for(straight, tmp_path):
    run, _ = straight
    place = Store(tmp_path).place(run.identity())
    told = Told()
    with alone(place, pytest.fail), pytest.raises(Stopped):
        execute(run, tmp_path, told, lambda: True)
    assert told.notes == ["another process is at this run; waiting for it"]
    assert told.steps == []
    executed(run, tmp_path)  # it let go
    assert place.finished()


def test_the_peak_of_memory_is_that_of_all_processes_that_were_at_the_run(straight, tmp_path, monkeypatch):
    """Neither a stop late in the run nor a later scoring by another protocol makes it less."""
    run, _ = straight
    told = Told()
    monkeypatch.setattr(train, "peak_memory_mib", lambda: 5e6)
    with pytest.raises(Stopped):
        execute(run, tmp_path, told, lambda: len(told.steps) == 3)
    monkeypatch.undo()
    executed(run, tmp_path)
    record = execute(replace(run, protocols=("hu2019", "pitfalls")), tmp_path, Told(), lambda: False)
    assert record.cost["peak_memory_mib"] == 5e6


def test_a_finished_run_of_which_nothing_is_left_is_not_trained_again_by_accident(straight, tmp_path):
    """Else rows of two trainings, which differ on a GPU or with a budget of seconds, would stand in one record."""
    run, _ = straight
    executed(run, tmp_path)
    place = Store(tmp_path).place(run.identity())
    shutil.rmtree(place.checkpoints)
    shutil.rmtree(place.predictions)
    before, told = place.record.read_bytes(), Told()
    record = execute(replace(run, protocols=("hu2019", "pitfalls")), tmp_path, told, lambda: False)
    assert record.status.startswith("failed: it is finished, and neither its maps nor its last checkpoint are there")
    assert told.steps == []
    assert place.record.read_bytes() == before


def test_30_a_record_under_the_name_of_another_run_is_not_taken_for_it(straight, tmp_path):
    run, _ = straight
    other = replace(run, seed=1)
    executed(run, tmp_path)
    places = [Store(tmp_path).place(each.identity()) for each in (run, other)]
    places[1].record.write_bytes(places[0].record.read_bytes())
    assert places[0].finished()
    assert places[1].finished() is None
    executed(other, tmp_path)
    assert read_record(places[1].record).seed == 1


@pytest.mark.parametrize("folder", [".", "store"])
def test_29_whatever_a_plugin_raises_can_be_recorded(straight, tmp_path, monkeypatch, folder):
    """Words that are not Unicode; the system's errors about files that are not the store's, however they name them."""
    run, _ = straight
    monkeypatch.chdir(tmp_path)

    for raised, words in (
        (ValueError("name \udcff"), r"ValueError: name \udcff"),
        (RuntimeError("several\n\n# lines\n"), "RuntimeError: several # lines"),
        (FileNotFoundError(errno.ENOENT, "none", b"a/b"), "FileNotFoundError: [Errno 2] none: b'a/b'"),
        (FileNotFoundError(errno.ENOENT, "none", "a/b"), "FileNotFoundError: [Errno 2] none: 'a/b'"),
        (OSError(errno.EIO, "broken", 7), "OSError: [Errno 5] broken: 7"),
    ):
        monkeypatch.setattr(Trainer, "_take_step", Mock(side_effect=raised))
        assert executed(run, Path(folder)).status == f"failed: {words}"
