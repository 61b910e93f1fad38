"""How the commands print tables: a line under the heads, no borders, text as it is."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

__all__ = ["grid", "print_grid"]


def grid(gap: int = 2) -> Table:
    """Return a table without columns, with so many spaces between those that come."""
    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap, 0, 0))


def print_grid(found: Table) -> None:
    """Print a table to standard output."""
    Console(highlight=False, markup=False).print(found)
