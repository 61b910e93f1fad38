"""Figures that others published, beside ours: from the recipes that are shipped, with their source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from topobench.cards import Published, Recipe, load_recipe, shipped

__all__ = ["PublishedRow", "published_about"]


@dataclass(frozen=True)
class PublishedRow:
    """A row of a table that somebody published: figures as text, by their names here.

    `protocol` is the one of ours by which it was measured; None where that is not known, and it is not comparable.
    """

    recipe: str
    row: str
    source: str
    figures: dict[str, str]
    note: str
    protocol: str | None


def published_about(dataset: str) -> list[PublishedRow]:
    """Return what was published about a data set, whatever its variant."""
    return [
        PublishedRow(
            recipe.name, found.row, f"{found.source}, {found.table}",
            {name: _in_words(value) for name, value in found.figures.items()}, found.note, found.protocol,
        )
        for recipe, found in _published()
        if found.dataset == dataset.partition(":")[0]
    ]  # fmt: skip


@cache
def _published() -> list[tuple[Recipe, Published]]:
    """Return all that recipes say was published; read once, for a page asks for each data set."""
    return list(_each_published())


def _each_published() -> Iterator[tuple[Recipe, Published]]:
    for name in shipped("recipes"):
        recipe = load_recipe(name)
        yield from ((recipe, found) for found in recipe.published)


def _in_words(value: float | tuple[float, float]) -> str:
    """Return a figure as it was published: all its digits, a range with its ends."""
    return f"{value[0]:g} to {value[1]:g}" if isinstance(value, tuple) else f"{value:g}"
