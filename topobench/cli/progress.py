"""How runs show their progress: live bars on a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from topobench.run.matrix import Run
from topobench.run.watcher import Step, Watcher
from topobench.types import RunRecord

__all__ = ["watching"]

EVERY = 10.0  # seconds between two plain lines of one run


@contextmanager
def watching(runs: int) -> Iterator[Watcher]:
    """Show the progress of so many runs while the block lasts."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(runs)
        return
    with bars(console) as progress:
        yield _Bars(progress, runs)


def bars(console: Console) -> Progress:
    """Return the live display: what, bar, count and times always fit; the losses take what room is left."""
    note = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    return Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=16), MofNCompleteColumn(), TimeElapsedColumn(),
        TimeRemainingColumn(), TextColumn("{task.fields[note]}", table_column=note),
        console=console, expand=True,
    )  # fmt: skip


class _Lines:
    """Plain lines on standard error: where there is no terminal, no control codes."""

    def __init__(self, runs: int) -> None:
        self.runs, self.number, self.said = runs, 0, 0.0

    def run_started(self, run: Run) -> None:
        self.number += 1
        self._say(run, "starts")

    def stepped(self, run: Run, step: Step) -> None:
        if time.monotonic() - self.said > EVERY:
            self._say(run, f"step {step.number + 1} ({step.part:.0%}), {_losses(step.losses)}")

    def validated(self, run: Run, step: int, value: float) -> None:
        pass

    def noted(self, run: Run, sentence: str) -> None:
        self._say(run, sentence)

    def scored(self, run: Run, images: int, of: int) -> None:
        if time.monotonic() - self.said > EVERY:
            self._say(run, f"scored {images} of {of} images")

    def run_ended(self, run: Run, record: RunRecord, found: bool) -> None:
        self._say(run, _ending(record, found))

    def _say(self, run: Run, what: str) -> None:
        self.said = time.monotonic()
        click.echo(f"[{self.number}/{self.runs}] {run.label}: {what}", err=True)


class _Bars:
    """One bar for all runs, one for the run at hand, and a line that stays for each run that has ended."""

    def __init__(self, progress: Progress, runs: int) -> None:
        self.progress = progress
        self.all = progress.add_task("all runs", total=runs, note="")
        self.current = progress.add_task("starting", total=None, note="")

    def run_started(self, run: Run) -> None:
        total = run.budget.steps if run.budget else None
        self.progress.reset(self.current, total=total, description=run.name, note="")

    def stepped(self, run: Run, step: Step) -> None:
        self.progress.update(self.current, completed=step.number + 1, note=_losses(step.losses))

    def validated(self, run: Run, step: int, value: float) -> None:
        pass

    def noted(self, run: Run, sentence: str) -> None:
        self.progress.console.print(f"{run.label}: {sentence}", markup=False, highlight=False)

    def scored(self, run: Run, images: int, of: int) -> None:
        self.progress.update(self.current, total=of, completed=images, note="scoring")

    def run_ended(self, run: Run, record: RunRecord, found: bool) -> None:
        self.progress.console.print(f"{run.label}: {_ending(record, found)}", markup=False, highlight=False)
        self.progress.advance(self.all)


def _losses(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in values.items())


def _ending(record: RunRecord, found: bool) -> str:
    if found:
        return f"finished before, found as {record.run_id[:12]}"
    if not record.finished:
        return record.status
    seconds = record.cost.get("train_seconds", 0.0) + record.cost.get("score_seconds", 0.0)
    return f"finished in {seconds:.0f} s"
