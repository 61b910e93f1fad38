"""How runs show their progress: a live table on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click
from rich.console import Console

from topobench.cards import load_protocol
from topobench.cli.live import LiveTable
from topobench.cli.words import ending, losses
from topobench.run.matrix import Run
from topobench.run.watcher import Overseer, Step
from topobench.types import RunRecord

__all__ = ["watching"]

EVERY = 10.0  # seconds between two plain lines of one run


@contextmanager
def watching(runs: Sequence[Run]) -> Iterator[Overseer]:
    """Show the progress of runs, one or several of which go on at once, while the block lasts."""
    console = Console(stderr=True)
    if not sys.stderr.isatty() or console.is_dumb_terminal:  # which rich would take FORCE_COLOR's word for
        yield Lines(runs)
        return
    with LiveTable(console, runs) as table:
        yield table


class Lines:
    """Plain lines on standard error: where there is no terminal, no control codes."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.numbers = {id(run): number for number, run in enumerate(runs, start=1)}
        self.times: dict[int, float] = {}

    def run_started(self, run: Run) -> None:
        """Say so."""
        self._say(run, "starts")

    def stepped(self, run: Run, step: Step) -> None:
        """Say how far the training is, every ten seconds."""
        if self._is_due(run):
            self._say(run, f"step {step.number + 1} ({step.part:.0%}), {losses(step.losses)}")

    def validated(self, run: Run, step: int, value: float) -> None:
        """Say what came out."""
        rule = run.budget.validation if run.budget else None
        figure = f"{load_protocol(rule.protocol).ranked_by} " if rule else ""
        self._say(run, f"on the images held out after step {step}: {figure}{value:.3f}")

    def noted(self, run: Run, sentence: str) -> None:
        """Say it."""
        self._say(run, sentence)

    def sent(self, run: Run, where: str) -> None:
        """Say where."""
        self._say(run, f"sent to worker {where}")

    def said(self, sentence: str) -> None:
        """Say it."""
        click.echo(sentence, err=True)

    def scored(self, run: Run, images: int, of: int) -> None:
        """Say how many images are scored, every ten seconds."""
        if self._is_due(run):
            self._say(run, f"scored {images} of {of} images")

    def run_ended(self, run: Run, record: RunRecord, found: bool) -> None:
        """Say how."""
        self._say(run, ending(record, found))

    def _is_due(self, run: Run) -> bool:
        return time.monotonic() - self.times[id(run)] > EVERY

    def _say(self, run: Run, what: str) -> None:
        self.times[id(run)] = time.monotonic()
        click.echo(f"[{self.numbers[id(run)]}/{len(self.numbers)}] {run.label}: {what}", err=True)
