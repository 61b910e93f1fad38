"""Connected components of masks, compiled by numba: runs of a row, joined with the runs of the row above.

A mask is laid into a border of background one pixel wide (and, with a frame, a ring of structure inside it), row
after row in one line of bytes. Where the line changes, a run begins or ends. Runs are contractible, and so is what
two runs of neighbouring rows have in common; so a mask has as many holes as there are such contacts that join nothing
new (Euler), and components as there are runs less contacts that do.

All of it stands in one file, with a union-find of its own, because numba's cache on disk notices changes of one file
only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from topobench.topology.compiled import compiled

__all__ = ["count_components_and_holes", "number_components"]

U8, U32, U64 = np.uint8, np.uint32, np.uint64  # numba computes in int64 unless told otherwise
Array = NDArray[Any]


@compiled
def count_components_and_holes(masks: Array, reach: int, frame: bool, b0: Array, b1: Array) -> None:
    """Write the Betti numbers of masks (B, H, W), uint8, 0 or not, to (B,); reach is 1 for connectivity 8, else 0."""
    margin = 2 if frame else 1
    line, changes, parent = _room(masks, margin)
    if frame:
        _draw_ring(line, masks.shape[2] + 4)
    for number in range(len(masks)):
        _lay(masks[number], margin, line)
        runs = _runs(line, changes) // 2
        joins, closes = _join(changes, runs, masks.shape[2] + 2 * margin, reach, parent)
        b0[number], b1[number] = runs - joins, closes


@compiled
def number_components(masks: Array, reach: int, labels: Array) -> None:
    """Write to labels (B, H, W), zeros, the component of each pixel, from 1 on, in order of their first pixels."""
    line, changes, parent = _room(masks, 1)
    stride = masks.shape[2] + 2
    for number in range(len(masks)):
        _lay(masks[number], 1, line)
        runs = _runs(line, changes) // 2
        _join(changes, runs, stride, reach, parent)
        found = 0
        name = np.empty(runs, np.int32)
        for run in range(runs):
            if parent[run] == run:
                found += 1
                name[run] = found
            else:
                name[run] = name[_root(parent, U32(run))]
            first, row = changes[2 * run], changes[2 * run] // stride
            column = first - row * stride - 1
            labels[number, row - 1, column : column + changes[2 * run + 1] - first] = name[run]


@compiled
def _room(masks: Array, margin: int) -> Any:
    """Return a line of zeros for a mask with its margin, and room for changes and for a tree of runs."""
    size = (masks.shape[1] + 2 * margin) * (masks.shape[2] + 2 * margin)
    return np.zeros(size, U8), np.empty(size + 1, np.int64), np.empty(size // 2 + 1, U32)


@compiled
def _draw_ring(line: Array, stride: int) -> None:
    """Draw the frame, inside a border of background."""
    for place in range(stride + 1, 2 * stride - 1):
        line[place] = line[line.size - 1 - place] = U8(1)
    for place in range(stride, line.size - stride, stride):
        line[place + 1] = line[place + stride - 2] = U8(1)


@compiled
def _lay(mask: Array, margin: int, line: Array) -> None:
    """Copy a mask into the line, inside its margin."""
    height, width = mask.shape
    stride = width + 2 * margin
    for row in range(height):
        first = (row + margin) * stride + margin
        copy = line[first : first + width]
        for column in range(width):
            copy[column] = mask[row, column] != U8(0)  # a byte of a bool may hold any value


@compiled
def _runs(line: Array, changes: Array) -> Any:
    """Write where runs begin and end, in turn; return how many there are of both."""
    found = U64(0)
    for place in range(U64(1), U64(line.size)):
        changes[found] = place
        found += U64(line[place] ^ line[place - U64(1)])
    return np.int64(found)


@compiled
def _join(changes: Array, runs: int, stride: int, reach: int, parent: Array) -> Any:
    """Join runs that touch in a union-find, in which the first run is the root.

    Returns the number of contacts that joined two trees, and of those that joined nothing.
    """
    joins, contacts, above = 0, 0, 0
    for run in range(runs):
        parent[run] = run
        first, last = changes[2 * run] - stride, changes[2 * run + 1] - stride  # as seen from the row above
        while changes[2 * above + 1] + reach <= first:
            above += 1
        other = above
        while other < run and changes[2 * other] < last + reach:
            contacts += 1
            here, there = _root(parent, U32(run)), _root(parent, U32(other))
            if here != there:
                joins += 1
                parent[max(here, there)] = min(here, there)
            other += 1
    return joins, contacts - joins


@compiled
def _root(parent: Array, run: Any) -> Any:
    """Return the root of a run's tree, and halve the path to it."""
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run
