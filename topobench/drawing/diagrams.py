"""The persistence diagram of a likelihood on an axis, and what a loss wants of each of its classes.

Superlevel filtration: a class is born at a high likelihood and dies at a lower one, so it lies below the diagonal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from topobench.types import BoolArray, DiagramMatching, PersistencePairs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FATES", "Fate", "diagram", "halo", "places_of"]

WORDS, MARKERS = ("component", "hole"), ("o", "D")  # by dimension
MANY, APART = 0.05, 0.05  # where more than this share of the pairs coincide they are counted; how far apart counts are
FEW = 150  # of more pairs the dots are smaller


@dataclass(frozen=True)
class Fate:
    """What may become of a class, and how it is shown: colours of Okabe and Ito, each with a fill of its own."""

    name: str
    meaning: str
    colour: str
    filled: bool
    size: float


# What is drawn later lies above.
FATES = (
    Fate("left", "left alone", "0.65", True, 3.5),
    Fate("removed", "to be removed: drawn to the diagonal", "#CC79A7", False, 7.0),
    Fate("matched", "to be kept: drawn to the place of the truth", "#009E73", True, 7.0),
)


def diagram(axis: Axes, matching: DiagramMatching, numbers: Sequence[str] | None = None) -> None:
    """Draw the diagram; dots and arrows of a fate bear its name as gid, dots their dimension too (``matched-1``).

    Parameters
    ----------
    axis : matplotlib Axes
    matching : DiagramMatching
        Of one image.
    numbers : one text a pair, or None
        What the pairs are called, empty for those without name. None: where dots coincide, their count is written.
    """
    _ground(axis)
    pairs, fates = matching.pairs, _fates(matching)
    places = places_of(pairs)
    scale = float(np.clip(np.sqrt(FEW / max(len(pairs), 1)), 0.4, 1.0))
    for order, (fate, those) in enumerate(fates):
        _dots(axis, places, pairs.dimension, those, fate, 3.0 + order, scale)
        if fate.name != "left":
            _arrows(axis, places[those], fate)
    axis.plot(
        1, 0, "*", markersize=17, markerfacecolor="#F0E442", markeredgecolor="k", markeredgewidth=0.8,
        clip_on=False, zorder=2.5, gid="truth",
    )  # fmt: skip
    for place, text in _texts(places, fates, numbers):
        left = place[0] > 0.9  # where there is no room to the right
        note = axis.annotate(
            text, place, (-7 if left else 7, 5), textcoords="offset points", fontsize=8, zorder=8, gid="count",
            ha="right" if left else "left",
        )  # fmt: skip
        note.set_path_effects(halo())
    _legend(axis, fates, matching)


def places_of(pairs: PersistencePairs) -> NDArray[np.float64]:
    """Return where pairs lie in the diagram, (N, 2) birth and death: +inf at 1, and -inf at 0."""
    return np.clip(np.stack([pairs.birth, pairs.death], axis=1), 0.0, 1.0)


def halo() -> list[Any]:
    """Return the effect that makes a text readable on any ground: a white edge."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.2, foreground="w")]


def _ground(axis: Axes) -> None:
    """Draw the diagonal, and name the axes."""
    axis.set(xlim=(-0.03, 1.05), ylim=(-0.05, 1.03), aspect="equal")
    axis.plot([0, 1], [0, 1], color="0.5", linewidth=0.9, linestyle="--", zorder=1)
    axis.text(
        0.33, 0.36, "diagonal: birth = death", rotation=45, rotation_mode="anchor", fontsize=7, color="0.4",
        transform_rotates_text=True,
    )  # fmt: skip
    axis.set_xlabel("birth: the likelihood at which the class appears", fontsize=8)
    axis.set_ylabel("death: the likelihood at which it is gone", fontsize=8)
    axis.tick_params(labelsize=8)


def _fates(matching: DiagramMatching) -> list[tuple[Fate, BoolArray]]:
    """Return each fate with the pairs that have it."""
    those = ~(matching.matched | matching.removed), matching.removed, matching.matched
    return list(zip(FATES, those, strict=True))


def _dots(
    axis: Axes, places: NDArray[np.float64], dimension: NDArray[np.int64], those: BoolArray, fate: Fate, order: float,
    scale: float,
) -> None:  # fmt: skip
    for number, marker in enumerate(MARKERS):
        axis.plot(
            *places[those & (dimension == number)].T, marker, markersize=scale * fate.size, markeredgecolor=fate.colour,
            markerfacecolor=fate.colour if fate.filled else "none", clip_on=False, zorder=order,
            gid=f"{fate.name}-{number}",
        )  # fmt: skip


def _arrows(axis: Axes, places: NDArray[np.float64], fate: Fate) -> None:
    """Draw an arrow from each place to where the loss draws it; many are pale, so that dots show through."""
    goals = np.array([[1.0, 0.0]]) if fate.name == "matched" else places.mean(axis=1, keepdims=True)
    axis.quiver(
        *places.T, *(goals - places).T, angles="xy", scale_units="xy", scale=1, color=fate.colour, width=0.004,
        headwidth=5, headlength=6, headaxislength=5, minlength=0, gid=fate.name, zorder=2,
        alpha=float(np.clip(24 / (1 + len(places)), 0.25, 0.8)),
    )  # fmt: skip


def _texts(
    places: NDArray[np.float64], fates: list[tuple[Fate, BoolArray]], numbers: Sequence[str] | None
) -> Iterator[tuple[tuple[float, float], str]]:
    """Yield places and what is written there: the names of the pairs, else how many coincide."""
    if numbers is not None:
        named = np.array([text != "" for text in numbers], bool)
        for place, rows in _coinciding(places, np.flatnonzero(named)):
            yield place, ", ".join(numbers[row] for row in rows)
        return
    written: list[tuple[float, float]] = []
    for _, those in reversed(fates):
        for place, rows in _coinciding(places, np.flatnonzero(those)):
            free = all(np.hypot(place[0] - x, place[1] - y) > APART for x, y in written)
            if len(rows) > max(1, MANY * len(places)) and free:
                written.append(place)
                yield place, f"{len(rows)} here"


def _coinciding(
    places: NDArray[np.float64], rows: NDArray[np.int64]
) -> list[tuple[tuple[float, float], NDArray[np.int64]]]:
    """Return the places at which some of these rows lie, to three digits, and the rows there; the fullest first."""
    found, inverse, counts = np.unique(places[rows].round(3), axis=0, return_inverse=True, return_counts=True)
    groups = np.split(rows[np.argsort(inverse.ravel(), kind="stable")], np.cumsum(counts)[:-1])
    by_place = [((float(x), float(y)), group) for (x, y), group in zip(found, groups, strict=True)] if len(rows) else []
    return sorted(by_place, key=lambda pair: -len(pair[1]))


def _legend(axis: Axes, fates: list[tuple[Fate, BoolArray]], matching: DiagramMatching) -> None:
    """Say what the symbols mean, in the triangle above the diagonal, where no class can lie."""
    from matplotlib.legend_handler import HandlerTuple
    from matplotlib.lines import Line2D

    def symbol(marker: str, colour: str, filled: bool, size: float = 7.0) -> Line2D:
        return Line2D(
            [], [], linestyle="", marker=marker, markersize=size, markeredgecolor=colour,
            markerfacecolor=colour if filled else "none",
        )  # fmt: skip

    counts = np.bincount(matching.pairs.dimension, minlength=2)
    entries: list[tuple[Any, str]] = [
        (symbol(MARKERS[number], "k", filled=False), f"{word} of the likelihood ({counts[number]})")
        for number, word in enumerate(WORDS)
        if counts[number]
    ]
    markers = [MARKERS[number] for number in (0, 1) if counts[number]] or [*MARKERS]
    for fate, those in reversed(fates):
        handles = tuple(symbol(marker, fate.colour, fate.filled, fate.size) for marker in markers)
        entries.append((handles, f"{int(those.sum())} {fate.meaning}"))
    total = int(matching.matched.sum()) + matching.missing
    star = Line2D([], [], linestyle="", marker="*", markersize=12, markerfacecolor="#F0E442", markeredgecolor="k")
    entries.append((star, f"place of the truth's classes ({total})"))
    handles, texts = zip(*entries, strict=True)
    axis.legend(
        handles, texts, loc="upper left", fontsize=8, frameon=False, borderaxespad=0.2,
        handler_map={tuple: HandlerTuple(ndivide=None)},
    )  # fmt: skip
