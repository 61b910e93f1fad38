"""The figures of scored predictions on the terminal: for each protocol a table, a line each figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from topobench.cli.tables import grid
from topobench.metrics import Mean, average, figure_of
from topobench.types import RunRecord

__all__ = ["print_figures"]


def print_figures(records: Sequence[RunRecord], words: Sequence[str]) -> None:
    """Print the means over images of records that differ in what was done before scoring; `words` name that."""
    console = Console(highlight=False, markup=False)
    for name, choices in records[0].protocols.items():
        images = sum(row.protocol == name for row in records[0].rows)
        console.print(f"\n{name} v{choices['version']}, mean over {images} image{'s' * (images != 1)}")
        console.print(_table(records, words, name, choices))


def _table(records: Sequence[RunRecord], words: Sequence[str], protocol: str, choices: dict[str, Any]) -> Table:
    lines = grid()
    lines.add_column("figure", no_wrap=True)
    for word in words:
        lines.add_column(word or "as given" if len(words) > 1 else word or "mean", justify="right")
    lines.add_column("unit")
    means = [average(row.figures for row in record.rows if row.protocol == protocol) for record in records]
    for name in choices["figures"]:
        figure = figure_of(name, choices)
        lines.add_row(f"{name} {figure.arrow}", *(_cell(mean[name]) for mean in means), figure.unit)
    return lines


def _cell(mean: Mean) -> str:
    """Return a mean as text, and of how many images it is where it is not defined for all."""
    if not mean.defined:
        return "undefined"
    return f"{mean.value:.4g}" + (f" ({mean.undefined} undefined)" if mean.undefined else "")
