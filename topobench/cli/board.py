"""The leaderboard on the terminal, beside the files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from topobench.cli.tables import grid
from topobench.errors import RecordError
from topobench.leaderboard import Entry, Table, write_leaderboard
from topobench.leaderboard.audit import audit
from topobench.metrics import FIGURES
from topobench.scores import read_records

__all__ = ["board", "check_records"]

NARROW = 8  # letters of a heading's line, so that six columns and the methods fit a terminal


def board(paths: Sequence[Path], output: Path) -> None:
    """Read records, write their leaderboard into `output`, and print its tables."""
    records, skipped = read_records(paths)
    for sentence in skipped:
        click.echo(f"Skipped: {sentence}", err=True)
    if not records:
        raise RecordError(f"no records in {', '.join(map(str, paths))}.")
    for table in write_leaderboard(records, output, skipped):
        _print(table)
    click.echo(f"Leaderboard: {output / 'leaderboard.md'} and {output / 'index.html'}")


def check_records(paths: Sequence[Path]) -> int:
    """Print what keeps records from being published; return 1 if anything does, else 0."""
    found = audit(paths)
    if not found.records:
        raise RecordError(f"no records in {', '.join(map(str, paths))}.")
    for finding in found.findings:
        click.echo(finding)
    faults, notices = len(found.faults), len(found.notices)
    click.echo(
        f"{_counted(found.records, 'record')}, {_counted(faults, 'fault') if faults else 'no faults'}"
        + (f", {_counted(notices, 'notice')}" if notices else "")
    )
    return int(faults > 0)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def _print(table: Table) -> None:
    """Print a table that fits 80 columns."""
    console = Console(highlight=False, markup=False)
    lines = grid(gap=1)
    lines.add_column("#", justify="right", no_wrap=True)
    lines.add_column("method", overflow="fold")  # where room lacks, names give way and figures do not
    for name in table.columns:
        lines.add_column(_heading(name), justify="right", no_wrap=True)
    for entry in table.entries:
        method = entry.method if entry.kind == "trained" else f"{entry.method} ({entry.kind})"
        lines.add_row(str(entry.rank or "-"), method, *(_cell(entry, name) for name in table.columns))
    console.print(f"\n{table.title}")
    console.print(lines)
    if any(entry.undefined.get(name) for entry in table.entries for name in table.columns):
        console.print("\n* undefined for some images, which the mean leaves out; leaderboard.md says for how many")
    console.print(f"\n{table.conditions} Ranked by {table.ranked_by}.\n")
    for label, reason in table.failures:
        click.echo(f"Failed, not ranked: {label}: {reason}")


def _cell(entry: Entry, name: str) -> str:
    """Return a figure in as few letters as possible."""
    value = entry.means.get(name)
    return "-*" if value is None else f"{value:.3f}" + ("*" if entry.undefined.get(name) else "")


def _heading(name: str) -> str:
    """Return the name of a figure on lines of few letters, with its arrow: ``betti / error``, ``arand_f / filled``."""
    lines = [""]
    for part in name.split("_"):
        longer = f"{lines[-1]}_{part}" if lines[-1] else part
        if len(longer) <= NARROW or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(part)
    arrow = FIGURES[name].arrow
    return "\n".join([*lines[:-1], f"{lines[-1]} {arrow}" if len(lines) > 1 else f"{lines[-1]}\n{arrow}"])
