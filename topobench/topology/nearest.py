"""The nearest site of every pixel, exactly: a Euclidean transform in two passes, compiled by numba, in one thread.

The first pass goes down the rows and notes for every pixel the nearest site above it in its column. The second comes
up again, so it knows the nearest one below as well, and fills each run of pixels without site: every column offers one
site, whose distance along the row is a parabola, and their lower envelope says who is nearest where (Felzenszwalb &
Huttenlocher 2012, doi:10.4086/toc.2012.v008a019; Meijster, Roerdink & Hesselink 2000, doi:10.1007/0-306-47025-X_36).
A run ends at sites, so no column beyond its ends can win: time grows with the pixels to be filled, whatever the shape.

All numbers are integers, so ties are known to be ties: of equally near sites the first in row-major order wins.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topobench.errors import ArgumentError
from topobench.topology.compiled import compiled
from topobench.topology.images import as_mask, ready

__all__ = ["nearest_labels", "squared_distances"]

I64, U64 = np.int64, np.uint64
Array = NDArray[Any]


def nearest_labels(labels: ArrayLike) -> NDArray[np.int32]:
    """Give every pixel of label 0 the label of the nearest labelled pixel.

    Parameters
    ----------
    labels : (H, W), int32
        0 where there is no label. Not written to.

    Returns
    -------
    int32 (H, W)
        Nearest in the Euclidean sense; of equally near pixels the first in row-major order. Where nothing is labelled,
        a copy of the input.

    Raises
    ------
    ArgumentError
        If `labels` is not int32 or not a non-empty (H, W).

    Examples
    --------
    >>> nearest_labels(np.array([[3, 0, 0, 0, 5]], np.int32))
    array([[3, 3, 3, 5, 5]], dtype=int32)
    """
    sites = np.asarray(labels)
    if sites.dtype != np.int32:
        raise ArgumentError(f"the labels are {sites.dtype}; they must be int32.")
    if sites.ndim != 2 or 0 in sites.shape:
        raise ArgumentError(f"the labels have the shape {sites.shape}; it must be (H, W) with H and W at least 1.")
    filled = np.empty(sites.shape, np.int32)
    return filled if _fill(ready(sites), False, filled) else sites.copy()


def squared_distances(mask: ArrayLike) -> NDArray[np.int64]:
    """Return the squared Euclidean distance of every pixel to the nearest pixel of the mask, in pixels.

    Parameters
    ----------
    mask : (H, W), bool or values 0 and 1

    Returns
    -------
    int64 (H, W)
        Exact; 0 on the mask.

    Raises
    ------
    ArgumentError
        If no pixel of the mask is True, for then there is no distance; or if it is no non-empty (H, W).

    Examples
    --------
    >>> squared_distances([[1, 0, 0], [0, 0, 0]])
    array([[0, 1, 4],
           [1, 2, 5]])
    """
    sites = as_mask(mask, "mask")
    distances = np.empty(sites.shape, np.int64)
    if not _fill(sites.view(np.uint8), True, distances):
        raise ArgumentError(f"the mask of shape {sites.shape} has no True pixel; there is nothing to be near to.")
    return distances


@compiled
def _fill(sites: Array, distances: bool, out: Array) -> Any:
    """Write to out (H, W) for each pixel its nearest site's value, or its squared distance; sites are not 0.

    Returns False where there is no site; out is then of no use.
    """
    height, width = sites.shape
    above = np.full(width, -height, out.dtype)  # at least as far as the image is high: no site
    for row in range(height):
        _note_above(sites[row], row, above, out[row])
    if above.max() < 0:
        return False
    below = np.full(width, 2 * height, out.dtype)
    stack = np.empty((4, width), I64)  # who is on the envelope: row, column, squared height; and from where on
    ends = np.empty(width + 2, I64)
    for row in range(height - 1, -1, -1):
        for end in range(0, _runs(sites[row], ends), 2):
            first, last = ends[end], ends[end + 1]
            count = _envelope(out[row], below, row, height, first, last, stack)
            if distances:
                _write_distances(stack, count, row, last, out[row])
            else:
                _write_values(stack, count, sites, last, out[row])
        for column in range(width):
            below[column] = row if sites[row, column] != 0 else below[column]
        if distances:
            for column in range(width):
                out[row, column] = 0 if sites[row, column] != 0 else out[row, column]
    return True


@compiled
def _note_above(sites: Array, row: int, above: Array, out: Array) -> None:
    """Write to a row its sites, and between them the row of the nearest site above."""
    for column in range(sites.size):
        site = sites[column]
        out[column] = site if site != 0 else above[column]
        above[column] = row if site != 0 else above[column]


@compiled
def _runs(sites: Array, ends: Array) -> Any:
    """Write where runs of 0 begin and end (one past the last), in turn; return how many numbers these are."""
    found = U64(0)
    inside = False
    for column in range(sites.size):
        ends[found] = column
        empty = sites[column] == 0
        found += U64(empty != inside)
        inside = empty
    ends[found] = sites.size
    return I64(found + U64(inside))


@compiled
def _envelope(above: Array, below: Array, row: int, height: int, first: int, last: int, stack: Array) -> Any:
    """Put on the stack, from left to right, who is nearest to the run's pixels; return how many they are."""
    width = above.size
    left, right = max(first - 1, 0), min(last, width - 1)
    limit = height - 1
    if first > 0 and last < width:
        limit = min(limit, (last - left) // 2)
    elif first > 0 or last < width:
        limit = min(limit, last - first)
    rows, columns, squares, starts = stack
    top = -1
    for column in range(left, right + 1):
        site: Any = row
        if first <= column < last:
            up, down = I64(above[column]), I64(below[column])
            site = up if row - up <= down - row else down
            if abs(site - row) > limit:
                continue
        square = (site - row) * (site - row)
        start: Any = first
        while top >= 0:
            place, other = starts[top], columns[top]
            lead = (place - column) * (place - column) + square - (place - other) * (place - other) - squares[top]
            if lead >= 0:  # the other one keeps its first place; a tie that it loses leaves it none, which does no harm
                twice = 2 * (column - other)
                ahead = (column - other) * (column + other) + square - squares[top]
                start = I64(U64(ahead + twice - (site < rows[top])) // U64(twice))
                break
            top -= 1
        if start < last:
            top += 1
            rows[top], columns[top], squares[top], starts[top] = site, column, square, start
    return top + 1


@compiled
def _write_values(stack: Array, count: int, sites: Array, last: int, out: Array) -> None:
    rows, columns, _, starts = stack
    for number in range(count):
        value = sites[rows[number], columns[number]]
        for place in range(starts[number], starts[number + 1] if number + 1 < count else last):
            out[place] = value


@compiled
def _write_distances(stack: Array, count: int, row: int, last: int, out: Array) -> None:
    _, columns, squares, starts = stack
    for number in range(count):
        for place in range(starts[number], starts[number + 1] if number + 1 < count else last):
            out[place] = (place - columns[number]) * (place - columns[number]) + squares[number]
