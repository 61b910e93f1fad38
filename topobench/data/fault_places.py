"""Where faults may lie, and a canvas that takes only those that change its Betti numbers as they should.

A proposal is the set of pixels that a fault would flip. Proposals look at a small window, and are asked first whether
they change the Euler characteristic b0 - b1 there as they should, which costs next to nothing: it is a sum over
vertices, edges and squares, so what happens outside the window cannot matter. Betti numbers of the whole image are
counted for those alone that pass.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from topobench.topology import betti_numbers, thicken, thin
from topobench.types import BoolArray, IntArray

__all__ = ["Bars", "Canvas", "Cuts", "Proposals", "Squares", "bars", "cuts", "squares"]

Pixels = tuple[IntArray, IntArray]  # rows and columns in the image
Vector = NDArray[np.float64]
EVERY = np.ones((3, 3), np.bool_)  # neighbours in 8
ASIDE = 2.0  # pixels that a strand's other side may be farther away than its near one


class Canvas:
    """A truth in a border of what lies beyond it, structure (a frame) or background, on which faults are drawn."""

    def __init__(self, truth: BoolArray, connectivity: int, frame: bool) -> None:
        self.truth, self.connectivity = truth, connectivity
        self._mask = np.pad(truth, 1, constant_values=frame)
        self._taken = np.zeros_like(truth)
        self.betti = self._count(self._mask)

    @property
    def image(self) -> BoolArray:
        """The mask as it is now (H, W), without its border."""
        return self._mask[1:-1, 1:-1]

    def flip(self, pixels: Pixels, allowed: set[tuple[int, int]], apart: int) -> bool:
        """Flip pixels if they lie apart from earlier ones and change (b0, b1) as allowed; return whether they did."""
        if not pixels[0].size or self._taken[_box(pixels, 0)].any():
            return False
        window = tuple(slice(side.start, side.stop + 2) for side in _box(pixels, 1))  # the border moves all by one
        before = self._count(self._mask[window])
        self._invert(pixels)
        after = self._count(self._mask[window])
        euler = {change[0] - change[1] for change in allowed}
        if after[0] - before[0] - after[1] + before[1] in euler:
            betti = self._count(self._mask)
            if (betti[0] - self.betti[0], betti[1] - self.betti[1]) in allowed:
                self.betti = betti
                self._taken[_box(pixels, apart)] = True
                return True
        self._invert(pixels)
        return False

    def _invert(self, pixels: Pixels) -> None:
        image = self.image
        image[pixels] = ~image[pixels]

    def _count(self, mask: BoolArray) -> tuple[int, int]:
        b0, b1 = betti_numbers(mask, self.connectivity)
        return int(b0), int(b1)


class Proposals(Protocol):
    """Faults of one kind that could be made."""

    places: IntArray  # (N, 2), the middles

    def __len__(self) -> int:
        """Return how many there are."""

    def pixels(self, index: int) -> Pixels | None:
        """Return the pixels that one of them would flip, or None where it turns out to be none."""


class Squares:
    """Squares that keep a margin, as top left corners are given with the margin; `places` (N, 2) are the middles."""

    def __init__(self, corners: IntArray, size: int, margin: int) -> None:
        self._first, self._size = corners + margin, size
        self.places = self._first + size // 2

    def __len__(self) -> int:
        return len(self.places)

    def pixels(self, index: int) -> Pixels:
        """Return the pixels of one square."""
        row, column = self._first[index]
        rows, columns = np.divmod(np.arange(self._size**2), self._size)
        return row + rows, column + columns


def squares(ground: BoolArray, size: int, margin: int) -> Squares:
    """Return all squares of that side that lie, with a margin, inside the ground (H, W)."""
    side = size + 2 * margin
    inside = ground
    for axis in (0, 1):
        if ground.shape[axis] < side:
            return Squares(np.empty((0, 2), np.int64), size, margin)
        inside = np.asarray(np.lib.stride_tricks.sliding_window_view(inside, side, axis).all(-1))
    return Squares(np.argwhere(inside), size, margin)


class Cuts:
    """Cuts across strands: at `places` (N, 2) of a skeleton, across the way `towards` (N, 2) the nearest background."""

    def __init__(self, canvas: Canvas, places: IntArray, towards: IntArray, length: int) -> None:
        self._canvas, self.places, self._towards, self._length = canvas, places, towards, length

    def __len__(self) -> int:
        return len(self.places)

    def pixels(self, index: int) -> Pixels | None:
        """Return the pixels of one cut, or None where the strand is none: too wide, or too short at a side."""
        place, distance = self.places[index], math.hypot(*self._towards[index])
        radius = math.ceil(distance + ASIDE) + self._length + 2
        corner, window = _window(self._canvas.image, place - radius, place + radius)
        across, along = _coordinates(window.shape, place - corner, self._towards[index] / distance)
        labels, _ = ndimage.label(window & _within(along, self._length), EVERY)
        piece = labels == labels[tuple(place - corner)]
        if not window[tuple(place - corner)] or np.abs(across[piece]).max() > distance + ASIDE:
            return None
        rest, count = ndimage.label(window & ~piece, EVERY)
        touching = np.unique(rest[ndimage.binary_dilation(piece, EVERY) & (rest > 0)])
        sizes = np.bincount(rest.ravel(), minlength=count + 1)
        if not touching.size or sizes[touching].min() < np.count_nonzero(piece):
            return None
        rows, columns = np.nonzero(piece)
        return corner[0] + rows, corner[1] + columns


def cuts(canvas: Canvas, length: int) -> Cuts:
    """Return cuts of that length at all pixels of the truth's skeleton."""
    skeleton = thin(canvas.truth, canvas.truth.size, canvas.connectivity)
    places, towards = _with_nearest(skeleton, ~canvas.truth)
    return Cuts(canvas, places, towards, length)


class Bars:
    """Bars across background: through `places` (N, 2), from the structure that lies `towards` (N, 2) straight on."""

    def __init__(self, canvas: Canvas, places: IntArray, towards: IntArray, width: int, reach: int) -> None:
        self._canvas, self.places, self._towards = canvas, places, towards
        self._width, self._reach = width, reach

    def __len__(self) -> int:
        return len(self.places)

    def pixels(self, index: int) -> Pixels | None:
        """Return the pixels of one bar, or None where there is no structure within reach on the other side."""
        place, distance = self.places[index], math.hypot(*self._towards[index])
        onward = -self._towards[index] / distance
        ahead = self._ahead(place, onward, self._reach + 1 - distance)
        if ahead is None:
            return None
        ends = np.rint(np.stack([place - distance * onward, place + ahead * onward])).astype(np.int64)
        corner, window = _window(self._canvas.image, ends.min(0) - self._width, ends.max(0) + self._width)
        along, across = _coordinates(window.shape, place - corner, onward)
        bar = ~window & _within(across, self._width) & (along >= -distance) & (along <= ahead)
        labels, _ = ndimage.label(bar, EVERY)
        rows, columns = np.nonzero(bar & (labels == labels[tuple(place - corner)]))
        return corner[0] + rows, corner[1] + columns

    def _ahead(self, place: IntArray, onward: Vector, most: float) -> float | None:
        """Return how far away structure is, straight on and within the image, if at most so far."""
        image = self._canvas.image
        steps = np.arange(0.5, most, 0.5)
        pixels = np.rint(place + steps[:, None] * onward).astype(np.int64)
        inside = ((pixels >= 0) & (pixels < image.shape)).all(1)
        hits = np.flatnonzero(image[tuple(pixels[inside].T)])
        return float(steps[hits[0]]) if hits.size else None


def bars(canvas: Canvas, width: int, reach: int) -> Bars:
    """Return bars through the middle lines of the background, as far as half the reach from structure."""
    layers = math.ceil(reach / 2)
    middle = ~thicken(canvas.truth, layers, canvas.connectivity)  # and what lies deeper
    places, towards = _with_nearest(middle, canvas.truth)
    near = np.hypot(*towards.T) <= layers + 1
    return Bars(canvas, places[near], towards[near], width, reach)


def _with_nearest(where: BoolArray, goal: BoolArray) -> tuple[IntArray, IntArray]:
    """Return the pixels (N, 2) of a mask and the ways from them to the nearest pixel of the goal; none without one."""
    if not goal.any():
        return np.empty((0, 2), np.int64), np.empty((0, 2), np.int64)
    nearest = ndimage.distance_transform_edt(~goal, return_distances=False, return_indices=True)
    places = np.argwhere(where)
    return places, nearest[:, where].T.astype(np.int64) - places


def _box(pixels: Pixels, margin: int) -> tuple[slice, slice]:
    """Return the box around pixels, with a margin."""
    rows, columns = (slice(max(axis.min() - margin, 0), axis.max() + margin + 1) for axis in pixels)
    return rows, columns


def _window(image: BoolArray, first: IntArray, last: IntArray) -> tuple[IntArray, BoolArray]:
    """Return the top left corner of a window, cut off at the image's border, and what is in it."""
    corner = np.maximum(first, 0)
    return corner, image[corner[0] : last[0] + 1, corner[1] : last[1] + 1]


def _coordinates(shape: tuple[int, ...], middle: IntArray, direction: Vector) -> tuple[Vector, Vector]:
    """Return of each pixel of a window how far it lies from the middle in that direction, and to the side of it."""
    down, right = np.arange(shape[0])[:, None] - middle[0], np.arange(shape[1])[None] - middle[1]
    return down * direction[0] + right * direction[1], right * direction[0] - down * direction[1]


def _within(distance: Vector, width: int) -> BoolArray:
    """Return where a signed distance lies in a band: of an upright one, that are so many pixels exactly."""
    return np.asarray((distance >= -width / 2) & (distance < width / 2))
