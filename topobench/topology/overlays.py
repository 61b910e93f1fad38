"""Wrong regions of an overlay of two masks, and which of them are critical, compiled by numba; `critical` says more.

Masks come as the labels of their components, with a border one pixel wide. A wrong region belongs to one mask and not
to the other; its places are joined in a union-find.

Pixels are squares. Of structure and background the one that is 8-connected is *closed*: it has its corners, the other
one has not. So two diagonal neighbours in a wrong region touch unless their corner is the closed one's anyhow.

All of it stands in one file, with a union-find of its own, because numba's cache on disk notices changes of one file
only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from topobench.topology.compiled import compiled

__all__ = ["number_critical"]

I32 = np.int32
NONE, SEVERAL = I32(0), I32(-1)
Array = NDArray[Any]


@compiled
def number_critical(predicted: Array, true: Array, background: Array, closed: bool, labels: Array) -> None:
    """Number the critical regions of overlays in labels (B, H, W), zeros.

    `predicted`, `true` and `background` (B, H + 2, W + 2) number the components of the prediction's structure, of the
    truth's, and of what is neither, 0 elsewhere; `closed` is whether it is structure that is closed.
    """
    parent = np.empty(predicted[0].size, I32)
    structure, outside = np.empty(parent.size, I32), np.empty(parent.size, I32)
    for number in range(len(predicted)):
        ours, theirs, neither = predicted[number], true[number], background[number]
        structure[:], outside[:] = NONE, NONE
        _join_regions(ours, theirs, neither, closed, parent)
        _join_regions(theirs, ours, neither, closed, parent)
        _note_neighbours(ours, theirs, neither, closed, parent, structure, outside)
        _note_neighbours(theirs, ours, neither, closed, parent, structure, outside)
        _number(ours, theirs, parent, structure, outside, labels[number])


@compiled
def _join_regions(own: Array, other: Array, neither: Array, closed: bool, parent: Array) -> None:
    """Join each place that is in `own` and not in `other` with those above and to the left of it."""
    height, width = own.shape
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            if own[row, column] == 0 or other[row, column] > 0:
                continue
            place = row * width + column
            parent[place] = place
            for down, right in ((0, -1), (-1, 0), (-1, -1), (-1, 1)):
                above, beside = row + down, column + right
                if own[above, beside] == 0 or other[above, beside] > 0:
                    continue
                if down * right == 0 or not _shut(other, neither, closed, row, column, above, beside):
                    _join(parent, place, above * width + beside)


@compiled
def _shut(other: Array, neither: Array, closed: bool, row: int, column: int, above: int, beside: int) -> Any:
    """Return whether the corner between two diagonal neighbours belongs to the closed set next to them."""
    near = other if closed else neither
    return near[row, beside] > 0 or near[above, column] > 0


@compiled
def _note_neighbours(
    own: Array, other: Array, neither: Array, closed: bool, parent: Array, structure: Array, outside: Array
) -> None:
    """Write at the root of each region which component of `other`, and which of `neither`, lies beside it.

    That is a label, NONE or SEVERAL. What is closed is beside what it shares a corner with, what is open an edge.
    """
    height, width = own.shape
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            if own[row, column] == 0 or other[row, column] > 0:
                continue
            root = _root(parent, row * width + column)
            for down in (-1, 0, 1):
                for right in (-1, 0, 1):
                    edge = down * right == 0
                    if edge or closed:
                        _note(structure, root, other[row + down, column + right])
                    if edge or not closed:
                        _note(outside, root, neither[row + down, column + right])


@compiled
def _note(beside: Array, root: int, label: int) -> None:
    if label > 0 and beside[root] != label:
        beside[root] = label if beside[root] == NONE else SEVERAL


@compiled
def _number(ours: Array, theirs: Array, parent: Array, structure: Array, outside: Array, labels: Array) -> None:
    """Number the regions that are not beside one component of both kinds, in order of their first pixels."""
    height, width = labels.shape
    found = 0
    number = np.zeros(parent.size, I32)
    for row in range(height):
        for column in range(width):
            if (ours[row + 1, column + 1] > 0) == (theirs[row + 1, column + 1] > 0):
                continue
            root = _root(parent, (row + 1) * (width + 2) + column + 1)
            if structure[root] <= NONE or outside[root] <= NONE:
                if number[root] == 0:
                    found += 1
                    number[root] = found
                labels[row, column] = number[root]


@compiled
def _join(parent: Array, one: int, other: int) -> None:
    here, there = _root(parent, one), _root(parent, other)
    parent[max(here, there)] = min(here, there)


@compiled
def _root(parent: Array, place: int) -> Any:
    """Return the root of a place's tree, and halve the path to it."""
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place
