"""Progress on a terminal of 80 columns: name, bar, count and times are all there."""

import io

import pytest
from rich.console import Console

from tests.test_scores import record
from topobench.cards import Budget
from topobench.cli.progress import _Bars, _Lines, bars
from topobench.run.device import Device
from topobench.run.matrix import Run
from topobench.run.watcher import Step


def step(number, losses):
    return Step(number, (number + 1) / 150, losses, 1e-3, {"data": 0.0, "network": 0.1, "loss": 0.1})


class Card:
    name = "synthetic-membranes"


class Data:
    card = Card()


@pytest.fixture
def run():
    budget = Budget(steps=150, batch=1, crop=1)
    return Run("enhanced-topo", None, Data(), 0, 0, budget, Device("cpu", "float32", 2), ("hu2019",))


def test_bars_fit_80_columns(run):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, legacy_windows=False)
    with bars(console) as progress:
        shown = _Bars(progress, 5)
        shown.run_started(run)
        shown.stepped(run, step(41, {"cross-entropy": 0.213, "topological": 0.5}))
        progress.refresh()
        lines = screen.getvalue()
        shown.scored(run, 3, 8)
        shown.run_ended(run, record(), False)
    for part in ("enhanced-topo", "42/150", "cross-entropy 0.2", "0/5"):
        assert part in lines
    assert "enhanced-topo on synthetic-membranes, fold 0 seed 0: finished in 2 s" in screen.getvalue()
    assert "3/8" in screen.getvalue()


def test_lines_hold_no_control_codes(run, capsys):
    told = _Lines(2)
    told.run_started(run)
    told.stepped(run, step(0, {"cross-entropy": 0.2}))  # too soon after the last line: nothing is said
    told.said -= 100
    told.stepped(run, step(1, {"cross-entropy": 0.2}))
    told.run_ended(run, record("failed: NaN"), False)
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "[1/2] enhanced-topo on synthetic-membranes, fold 0 seed 0: starts",
        "[1/2] enhanced-topo on synthetic-membranes, fold 0 seed 0: step 2 (1%), cross-entropy 0.200",
        "[1/2] enhanced-topo on synthetic-membranes, fold 0 seed 0: failed: NaN",
    ]
