"""The leaderboard on the terminal, beside the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.console import Console

from topobench.cli.gallery import Gallery
from topobench.cli.tables import grid
from topobench.leaderboard import Entry, Table, make_board, write_board
from topobench.leaderboard.words import notes
from topobench.metrics import Figure
from topobench.scores import each_record, no_records

__all__ = ["board"]

NARROW = 8  # letters of a heading's line, so that six columns and the methods fit a terminal


def board(paths: Sequence[Path], output: Path, gallery: Gallery | None = None) -> None:
    """Read records, draw their pictures and write their leaderboard into `output`, and print its tables."""
    skipped: list[str] = []
    found = make_board(each_record(paths, skipped.append), skipped)
    for sentence in skipped:
        click.echo(f"Skipped: {sentence}", err=True)
    if not found.tables:
        raise no_records(paths)
    (gallery or Gallery()).draw(found, paths, output)
    write_board(found, output)
    for table in found.tables:
        _print(table)
    click.echo(f"Leaderboard: {output / 'leaderboard.md'} and {output / 'index.html'}")


def _print(table: Table) -> None:
    """Print a table that fits 80 columns."""
    console = Console(highlight=False, markup=False)
    lines = grid(gap=1)
    lines.add_column("#", justify="right", no_wrap=True)
    lines.add_column("method", overflow="fold")  # where room lacks, names give way and figures do not
    for name in table.columns:
        lines.add_column(_heading(table.figure(name)), justify="right", no_wrap=True)
    for entry in table.entries:
        lines.add_row(str(entry.rank or "-"), entry.label, *(_cell(entry, name) for name in table.columns))
    console.print(f"\n{table.title}")
    console.print(lines)
    if any(entry.undefined.get(name) for entry in table.entries for name in table.columns):
        console.print("\n* undefined for some images, which the mean leaves out; leaderboard.md says for how many")
    console.print(f"\n{table.conditions} Ranked by {table.ranked_by}.")
    for sentence in (*_namesakes(table), *_alike(table), *notes(table)):
        console.print(sentence)
    console.print()
    for label, reason in table.failures:
        click.echo(f"Failed, not ranked: {label}: {reason}")
    for label, runs in table.missing:
        click.echo(f"Missing, no record: {label}: {runs}")


def _namesakes(table: Table) -> Iterator[str]:
    """Yield what tells methods of one name apart, where there are such."""
    if any(entry.method.endswith("]") for entry in table.entries):
        yield "[letters] behind a name: its recipe's hash, as two recipes, or one before and after a change, share it."


def _alike(table: Table) -> Iterator[str]:
    """Yield which methods cannot be told apart, best first."""
    letters = dict.fromkeys(letter for entry in table.entries for letter in entry.letters)
    for letter in letters:
        group = [entry.label for entry in table.entries if letter in entry.letters]
        if len(group) > 1:
            yield f"Cannot be told apart: {', '.join(group)}."


def _cell(entry: Entry, name: str) -> str:
    """Return a figure in as few letters as possible."""
    value = entry.means.get(name)
    return "-*" if value is None else f"{value:.3f}" + ("*" if entry.undefined.get(name) else "")


def _heading(figure: Figure) -> str:
    """Return the name of a figure on lines of few letters, with its arrow: ``betti / error``, ``arand_f / filled``."""
    lines = [""]
    for part in figure.name.split("_"):
        longer = f"{lines[-1]}_{part}" if lines[-1] else part
        if len(longer) <= NARROW or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(part)
    last = f"{lines[-1]} {figure.arrow}" if len(lines) > 1 else f"{lines[-1]}\n{figure.arrow}"
    return "\n".join([*lines[:-1], last])
