"""Figures that others published, beside ours: from the recipes that are shipped, with their source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from topobench.cards import Published, Recipe, load_recipe, names
from topobench.leaderboard.tables import Table

__all__ = ["PublishedRow", "published_beside"]


@dataclass(frozen=True)
class PublishedRow:
    """A row of a table that somebody published: figures as text, by their names here.

    `comparable` says that it was measured by the protocol of the table that it stands beside.
    """

    recipe: str
    row: str
    source: str
    figures: dict[str, str]
    note: str
    comparable: bool


def published_beside(table: Table) -> list[PublishedRow]:
    """Return what was published about the data set of a table, of figures that the table shows."""
    family = table.dataset.partition(":")[0]
    return [
        PublishedRow(
            recipe.name, found.row, f"{found.source}, {found.table}",
            {name: _in_words(value) for name, value in found.figures.items() if name in table.columns},
            found.note, found.protocol == table.protocol["name"],
        )
        for recipe, found in _published()
        if found.dataset == family and set(found.figures) & set(table.columns)
    ]  # fmt: skip


@cache
def _published() -> list[tuple[Recipe, Published]]:
    """Return all that recipes say was published; read once, for a page has many tables."""
    return list(_each_published())


def _each_published() -> Iterator[tuple[Recipe, Published]]:
    for name in names("recipes"):
        recipe = load_recipe(name)
        yield from ((recipe, found) for found in recipe.published)


def _in_words(value: float | tuple[float, float]) -> str:
    """Return a figure as it was published: all its digits, a range with its ends."""
    return f"{value[0]:g} to {value[1]:g}" if isinstance(value, tuple) else f"{value:g}"
