"""How runs are shown: a table that fits the terminal while they go on and is whole at the end, else plain lines."""

import io
import os
import pty
import re
import select
import subprocess
import sys

import pytest
from rich.console import Console

from tests.test_scores import record
from topobench.cards import Budget
from topobench.cli.live import LiveTable
from topobench.cli.progress import Lines, watching
from topobench.cli.words import clock
from topobench.run.device import Device
from topobench.run.matrix import Run
from topobench.run.watcher import Step

LOSSES = {"cross-entropy": 0.2134, "topological": 0.5}
BUDGET = Budget(seconds=100.0, batch=1, crop=1)


def step(part, number=41):
    return Step(number, part, LOSSES, 1e-3, {"data": 0.0, "network": 0.1, "loss": 0.1})


class Data:
    def __init__(self, name):
        self.card = type("Card", (), {"name": name})


def matrix(count, *sets):
    """Runs of four names, of which each fourth is a null row."""
    names = (
        "null-threshold",
        "enhanced-topo",
        "unet-betti-matching",
        "a-name-of-somebody-that-is-longer-than-any-screen",
    )
    data = [Data(name) for name in sets or ("synthetic-membranes",)]
    return [
        Run(
            names[k % 4], None, data[k // 4 % len(data)], k // 4, k % 4 or None, BUDGET if k % 4 else None,
            Device("cpu", "float32", 1), ("hu2019",),
        )
        for k in range(count)
    ]  # fmt: skip


class Screen:
    """A live table on a terminal of so many columns and lines, with a clock that is set by hand."""

    def __init__(self, runs, width=80, height=24, encoding="utf-8"):
        self.file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        self.console = Console(file=self.file, width=width, height=height, force_terminal=True, legacy_windows=False)
        self.time, self.size = 0.0, (width, height)
        self.table = LiveTable(self.console, runs, lambda: self.time)

    def lines(self):
        """What is shown; never more than there is room for."""
        width, height = self.size
        self.console.begin_capture()
        self.console.print(self.table.view())
        found = re.sub(r"\x1b\[[\d;]*m", "", self.console.end_capture()).rstrip("\n").split("\n")
        assert max(map(len, found)) <= width
        assert self.table.over or len(found) <= height
        return [line.rstrip() for line in found]


def test_every_state_has_its_words():
    runs = matrix(8)
    screen = Screen(runs)
    table = screen.table
    for run in runs[:7]:
        table.run_started(run)
    table.run_ended(runs[0], record(), True)
    table.run_ended(runs[1], record(), False)
    table.run_ended(runs[2], record("failed: NaN or infinite loss at step 812; take another rate"), False)
    table.stepped(runs[3], step(0.2))
    screen.time = 30
    table.stepped(runs[3], step(0.5))
    table.scored(runs[5], 1, 8)
    screen.time = 33
    table.scored(runs[5], 4, 8)
    assert [line.split(maxsplit=1) for line in screen.lines()] == [
        ["run", "fold  seed  state             left  losses"],
        ["null-threshold", "0        found"],
        ["enhanced-topo", "0     1  finished in 2 s"],
        ["unet-betti-matching", "0     2  failed: NaN or infinite loss at …"],
        ["a-name-of-somebody-that-is-longe…", "0     3  ━━━━╌╌╌╌  50%     0:50  cross-en…"],
        ["null-threshold", "1        starting"],
        ["enhanced-topo", "1     1  scoring 4 of 8     0:04"],
        ["unet-betti-matching", "1     2  starting"],
        ["a-name-of-somebody-that-is-longe…", "1     3  waiting"],
        ["all", "runs: 3 of 8 ended, 1 failed; 0:33 elapsed, about 1:06 left"],
    ]
    table.validated(runs[3], 50, 3.25)
    screen.console.width, screen.size = 160, (160, 24)
    assert "cross-entropy 0.213, topological 0.500, held out 3.250" in screen.lines()[4]


def test_low_screen_shows_what_goes_on_then_what_ended_last():
    runs = matrix(40, "synthetic-membranes", "massachusetts-roads")
    screen = Screen(runs, height=10)
    for number, run in enumerate(runs[:22]):
        screen.table.run_started(run)
        screen.table.stepped(run, step(0.1))
        if number < 20:
            screen.table.run_ended(run, record("failed: x") if number == 3 else record(), number < 2)
    heads, *shown, hidden, last = screen.lines()
    assert heads.split()[:3] == ["run", "data", "set"]
    assert [line.split()[0] for line in shown] == [run.name if len(run.name) < 20 else "a-name-of-somebody…"
                                                   for run in runs[15:22]]  # fmt: skip
    assert hidden == "not shown: 12 finished, 2 found, 1 failed, 18 waiting"
    assert last.startswith("all runs: 20 of 40 ended, 1 failed; 0:00 elapsed")
    screen.table.over = True
    assert len(screen.lines()) == 42
    assert sum("stopped at 10%" in line for line in screen.lines()) == 2


@pytest.mark.parametrize("width", [80, 60, 40])
@pytest.mark.parametrize("sets", [("synthetic-membranes",), ("synthetic-membranes", "massachusetts-roads")])
def test_nothing_is_wrapped_and_folds_and_seeds_are_there(width, sets):
    runs = matrix(12, *sets)
    lines = Screen(runs, width).lines()
    assert len(lines) == 1 + 12 + 1
    if width >= 60:
        assert all(re.search(rf" {run.fold} +{run.seed or ''} +waiting", line)
                   for run, line in zip(runs, lines[1:], strict=False))  # fmt: skip


def test_terminal_that_is_not_utf8():
    runs = matrix(3)
    screen = Screen(runs, encoding="ascii")
    screen.table.run_started(runs[1])
    screen.table.stepped(runs[1], step(0.5))
    assert "####----  50%" in "".join(screen.lines())
    assert "".join(screen.lines()).isascii()


def test_time_left_counts_what_was_done_here_alone():
    runs = matrix(3)[1:]
    screen = Screen(runs)
    screen.table.run_started(runs[0])
    screen.table.stepped(runs[0], step(0.8))  # it goes on from a checkpoint
    assert screen.lines()[-1] == "all runs: 0 of 2 ended; 0:00 elapsed"
    screen.time = 9.0
    screen.table.stepped(runs[0], step(0.9))
    assert "90%     0:09" in screen.lines()[1]
    assert screen.lines()[-1].endswith("0:09 elapsed, about 1:59 left")  # 0.09 of a run in 9 s, and 1.19 are left


@pytest.mark.parametrize(
    ("width", "name", "losses"), [(110, "unet-betti-matching", "cross-ent…"), (60, "unet-be…", "…")]
)
def test_worker_and_host_stand_beside_the_run(width, name, losses):
    runs = matrix(4)
    screen = Screen(runs, width)
    assert "worker" not in screen.lines()[0]
    screen.table.sent(runs[2], "node7, w1")
    screen.table.sent(runs[1], "node12, w20")
    screen.table.run_started(runs[2])
    for moment, part in ((0.0, 0.0), (1.0, 0.25)):
        screen.time = moment
        screen.table.stepped(runs[2], step(part))
    heads, _, second, third, *_ = (line.split() for line in screen.lines())
    assert heads[:5] == ["run", "fold", "seed", "worker", "state"]
    assert second[1:] == ["0", "1", "node12,", "w20", "waiting"]
    assert third == [name, "0", "2", "node7,", "w1", "━━╌╌╌╌╌╌", "25%", "0:03", losses]


def test_live_table_leaves_the_whole_list_and_prints_notes_above():
    runs = matrix(30)
    screen = Screen(runs, height=10)
    with screen.table as table:
        table.noted(runs[4], "checkpoint [x] is refused")
        table.run_ended(runs[1], record("failed: why"), False)
    screen.file.seek(0)
    said = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", screen.file.read())
    assert "null-threshold on synthetic-membranes, fold 1: checkpoint [x] is refused" in said
    assert "enhanced-topo on synthetic-membranes, fold 0 seed 1: failed: why" in said
    assert said.rstrip().split("\n")[-31].split()[0] == "null-threshold"
    assert said.rstrip().endswith("all runs: 1 of 30 ended, 1 failed; 0:00 elapsed")


def test_lines_of_several_runs(capsys):
    runs = matrix(3)[1:]
    first, second = (f"[{k}/2] {run.label}: " for k, run in enumerate(runs, start=1))
    told = Lines(runs)
    told.run_started(runs[1])
    told.run_started(runs[0])
    told.sent(runs[0], "node7, w1")
    told.said("worker node8, w2: it declares no GPU. It gets no runs.")
    told.stepped(runs[1], step(0.01, 0))  # too soon after its last line: nothing is said
    told.times[id(runs[1])] -= 100
    told.stepped(runs[1], step(0.013, 1))
    told.stepped(runs[0], step(0.013, 1))  # every run has its own ten seconds
    told.validated(runs[0], 2, 1.25)
    told.times[id(runs[0])] -= 100
    told.scored(runs[0], 3, 8)
    told.noted(runs[0], "something")
    told.run_ended(runs[1], record("failed: NaN"), False)
    assert capsys.readouterr().err.splitlines() == [
        f"{second}starts",
        f"{first}starts",
        f"{first}sent to worker node7, w1",
        "worker node8, w2: it declares no GPU. It gets no runs.",
        f"{second}step 2 (1%), cross-entropy 0.213, topological 0.500",
        f"{first}on the images held out after step 2: 1.250",
        f"{first}scored 3 of 8 images",
        f"{first}something",
        f"{second}failed: NaN",
    ]


SHOW = """
from tests.cli.test_progress import matrix, record, step, watching
runs = matrix(2)
with watching(runs) as watcher:
    watcher.run_started(runs[1])
    watcher.stepped(runs[1], step(0.5))
    watcher.run_ended(runs[1], record(), False)
"""


@pytest.mark.parametrize(("term", "live"), [("xterm", True), ("dumb", False)])
def test_terminals(term, live):
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": term}
    process = subprocess.Popen([sys.executable, "-c", SHOW], stderr=theirs, env=environment)
    os.close(theirs)
    said = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            said += os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
    os.close(ours)
    assert process.wait() == 0
    assert (b"\x1b[" in said) == live
    assert (b"all runs: 1 of 2 ended" in said) == live
    assert (b"[2/2]" in said) != live


def test_no_terminal_whatever_the_environment_asks_for(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    runs = matrix(2)
    with watching(runs) as watcher:
        watcher.run_started(runs[1])
    assert capsys.readouterr().err == f"[2/2] {runs[1].label}: starts\n"


def test_clock():
    assert [clock(seconds) for seconds in (None, 7.4, 725, 3723)] == ["-:--", "0:07", "12:05", "1:02:03"]
