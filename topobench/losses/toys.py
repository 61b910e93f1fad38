"""Toys: small likelihoods that are wrong in one known way, each with its truth and the pixels that must move.

Structure has the likelihood 0.9, background 0.1, as plateaus; the pixel that is wrong lies between them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from topobench.types import BoolArray

__all__ = ["TOYS", "Toy", "toys"]

HIGH, LOW = 0.9, 0.1
SQUARE, OBLONG = (13, 13), (17, 12)

Pixel = tuple[int, int]
Painter = Callable[[int, int], tuple[BoolArray, BoolArray, dict[Pixel, float]]]


@dataclass(frozen=True)
class Toy:
    """A likelihood (H, W), its truth, and the pixels (row, column) that the first step must raise, or lower.

    `flat` toys have no such pixel: the likelihood is the same everywhere.
    """

    name: str
    likelihood: NDArray[np.float64]
    truth: BoolArray
    up: tuple[Pixel, ...] = ()
    down: tuple[Pixel, ...] = ()

    @property
    def flat(self) -> bool:
        """Whether the likelihood is the same everywhere, so that no pixel is critical."""
        return bool((self.likelihood == self.likelihood[0, 0]).all())

    def inverted(self) -> Toy:
        """Return the toy of the other polarity: structure for background, up for down."""
        return replace(
            self, name=f"{self.name} inverted", likelihood=1 - self.likelihood, truth=~self.truth,
            up=self.down, down=self.up,
        )  # fmt: skip


def _empty(height: int, width: int) -> BoolArray:
    return np.zeros((height, width), np.bool_)


def _cell(height: int, width: int) -> BoolArray:
    """A closed membrane, one pixel thick, that keeps a pixel from the border."""
    mask = _empty(height, width)
    mask[1:-1, 1:-1] = True
    mask[2:-2, 2:-2] = False
    return mask


def _gap(height: int, width: int) -> tuple[BoolArray, BoolArray, dict[Pixel, float]]:
    """A membrane across the image, with a gap of one pixel: two cells are merged, or a line is cut in two."""
    truth = _empty(height, width)
    truth[height // 2] = True
    return truth, truth, {(height // 2, 4): 0.3}


def _false_bridge(height: int, width: int) -> tuple[BoolArray, BoolArray, dict[Pixel, float]]:
    """Two membranes across, joined by a false one that is weakest at one pixel."""
    truth = _empty(height, width)
    truth[3] = truth[-4] = True
    painted = truth.copy()
    painted[3:-3, 5] = True
    return truth, painted, {(height // 2, 5): 0.6}


def _island(height: int, width: int) -> tuple[BoolArray, BoolArray, dict[Pixel, float]]:
    """A line, and a speck of structure beside it."""
    truth = _empty(height, width)
    truth[2] = True
    return truth, truth, {(6, 7): 0.8}


def _false_hole(height: int, width: int) -> tuple[BoolArray, BoolArray, dict[Pixel, float]]:
    """A block of structure with a hole of one pixel."""
    truth = _empty(height, width)
    truth[2:9, 2:9] = True
    return truth, truth, {(5, 5): 0.2}


def _missing_hole(height: int, width: int) -> tuple[BoolArray, BoolArray, dict[Pixel, float]]:
    """A block whose hole of one pixel has filled up."""
    truth = _empty(height, width)
    truth[2:9, 2:9] = True
    truth[5, 5] = False
    return truth, truth, {(5, 5): 0.7}


def _merged_cells(height: int, width: int) -> tuple[BoolArray, BoolArray, dict[Pixel, float]]:
    """Two closed cells with a gap in the wall between them."""
    truth = _cell(height, width)
    truth[height // 2, 1:-1] = True
    return truth, truth, {(height // 2, 5): 0.3}


def _split_cell(height: int, width: int) -> tuple[BoolArray, BoolArray, dict[Pixel, float]]:
    """One closed cell with a false wall through it, weakest at one pixel."""
    truth = _cell(height, width)
    painted = truth.copy()
    painted[height // 2, 1:-1] = True
    return truth, painted, {(height // 2, 5): 0.6}


def _nothing_there(height: int, width: int) -> tuple[BoolArray, BoolArray, dict[Pixel, float]]:
    """An empty truth, and a speck of structure."""
    return _empty(height, width), _empty(height, width), {(6, 7): 0.8}


def _all_there(height: int, width: int) -> tuple[BoolArray, BoolArray, dict[Pixel, float]]:
    """A truth that is structure everywhere, and a hole of one pixel."""
    return ~_empty(height, width), ~_empty(height, width), {(5, 5): 0.2}


def _gap_at_border(height: int, width: int) -> tuple[BoolArray, BoolArray, dict[Pixel, float]]:
    """A membrane from the upper border to the lower one, of which the first pixel is missing."""
    truth = _empty(height, width)
    truth[:, 6] = True
    return truth, truth, {(0, 6): 0.3}


def _island_at_border(height: int, width: int) -> tuple[BoolArray, BoolArray, dict[Pixel, float]]:
    """A line, and a speck of structure in a corner of the image."""
    truth = _empty(height, width)
    truth[height // 2] = True
    return truth, truth, {(0, 0): 0.8}


def _thin_diagonal(height: int, width: int) -> tuple[BoolArray, BoolArray, dict[Pixel, float]]:
    """A line of single pixels that touch at their corners, with a gap of one."""
    truth = _empty(height, width)
    np.fill_diagonal(truth, val=True)
    return truth, truth, {(6, 6): 0.3}


def _corner_gap(height: int, width: int) -> tuple[BoolArray, BoolArray, dict[Pixel, float]]:
    """A line with a step, of which the corner is missing: its parts still touch, but at a corner only."""
    truth = _empty(height, width)
    truth[1:7, 3] = truth[6:-1, 4] = True
    return truth, truth, {(6, 4): 0.3}


def _corner_bridge(height: int, width: int) -> tuple[BoolArray, BoolArray, dict[Pixel, float]]:
    """Two lines, and a false pixel beside one of them that touches the other at a corner."""
    truth = _empty(height, width)
    truth[1:7, 3] = truth[7:-1, 5] = True
    return truth, truth, {(6, 4): 0.6}


PAINTERS: dict[str, Painter] = {
    "gap": _gap,
    "false-bridge": _false_bridge,
    "island": _island,
    "false-hole": _false_hole,
    "missing-hole": _missing_hole,
    "merged-cells": _merged_cells,
    "split-cell": _split_cell,
    "nothing-there": _nothing_there,
    "all-there": _all_there,
    "gap-at-border": _gap_at_border,
    "island-at-border": _island_at_border,
    "thin-diagonal": _thin_diagonal,
    "corner-gap": _corner_gap,
    "corner-bridge": _corner_bridge,
}
FLAT = {"flat-0.1": 0.1, "flat-0.5": 0.5, "flat-0.9": 0.9, "flat-1.0": 1.0}


def _toy(name: str, shape: tuple[int, int]) -> Toy:
    if name in FLAT:
        return Toy(name, np.full(shape, FLAT[name]), _cell(*shape))
    truth, painted, wrong = PAINTERS[name](*shape)
    likelihood = np.where(painted, HIGH, LOW)
    up: list[Pixel] = []
    down: list[Pixel] = []
    for pixel, value in wrong.items():
        likelihood[pixel] = value
        (up if truth[pixel] else down).append(pixel)
    return Toy(name, likelihood, truth, tuple(up), tuple(down))


TOYS: dict[str, Toy] = {name: _toy(name, SQUARE) for name in (*PAINTERS, *FLAT)}


def toys() -> list[Toy]:
    """Return every toy in both polarities, square and oblong."""
    oblong = [replace(_toy(name, OBLONG), name=f"{name} {OBLONG[0]}x{OBLONG[1]}") for name in TOYS]
    return [form for toy in (*TOYS.values(), *oblong) for form in (toy, toy.inverted())]
