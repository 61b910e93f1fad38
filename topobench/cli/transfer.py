"""How downloads and long readings show their progress: a bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TransferSpeedColumn

from topobench.data.fetch import Watcher

__all__ = ["downloading", "reading"]

EVERY = 10.0  # seconds between two plain lines of one download


@contextmanager
def downloading() -> Iterator[Watcher]:
    """Show the progress of downloads while the block lasts."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Bar(progress)


@contextmanager
def reading() -> Iterator[Callable[[int, int], None]]:
    """Show how many files of how many have been read, on a terminal; elsewhere nothing."""
    console = Console(stderr=True)
    columns = TextColumn("reading"), BarColumn(bar_width=24), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=None)
        yield lambda done, of: progress.update(bar, completed=done, total=of)


class _Lines:
    """Plain lines on standard error."""

    def __init__(self) -> None:
        self.said = time.monotonic()

    def begins(self, name: str, number: int, of: int) -> None:
        if number in (1, of) or time.monotonic() - self.said > EVERY:
            self.says(f"{name} ({number} of {of})")

    def received(self, done: int, total: int | None) -> None:
        if time.monotonic() - self.said > EVERY:
            self.says(f"{done / 2**20:.0f} MiB" + (f" of {total / 2**20:.0f} MiB" if total else ""))

    def says(self, sentence: str) -> None:
        self.said = time.monotonic()
        click.echo(sentence, err=True)


class _Bar:
    """One bar: the file at hand."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.bar = progress.add_task("", total=None)

    def begins(self, name: str, number: int, of: int) -> None:
        self.progress.reset(self.bar, total=None, description=f"[{number}/{of}] {name}")

    def received(self, done: int, total: int | None) -> None:
        self.progress.update(self.bar, completed=done, total=total)

    def says(self, sentence: str) -> None:
        self.progress.console.print(sentence, markup=False, highlight=False)
