"""Simple points of masks, flipped in turn or peeled off in layers, compiled by numba; see `simple` and `warping`.

A mask is laid into a border one pixel wide. What lies there is neither structure nor background: a place holds
BACKGROUND, BEYOND or STRUCTURE, in this order, so that one comparison reads the border as a frame, another as none.

All of it stands in one file because numba's cache on disk notices changes of one file only.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topobench.topology.compiled import compiled
from topobench.topology.links import REGULAR

__all__ = ["find_simple", "flip", "peel"]

U8, I64 = np.uint8, np.int64
BACKGROUND, BEYOND, STRUCTURE = U8(0), U8(1), U8(2)
SIDES = (0, 4, 6, 2)  # neighbours on the ring: north, south, west, east
Array = NDArray[Any]


@compiled
def find_simple(masks: Array, ring: Array, kind: Array, frame: bool, simple: Array) -> None:
    """Write to simple (B, H, W) where masks (B, H, W), uint8, 0 or not, may be flipped without any change.

    `ring` (8,) holds the steps to the neighbours in rows W + 2 places long, `kind` the table of `links`.
    """
    images, height, width = masks.shape
    stride = width + 2
    places = np.empty((height + 2) * stride, U8)
    least = BEYOND if frame else STRUCTURE
    for number in range(images):
        _lay(masks[number], places)
        for row in range(height):
            for column in range(width):
                place = (row + 1) * stride + column + 1
                simple[number, row, column] = kind[_link(places, place, ring, least)] == REGULAR


@compiled
def peel(masks: Array, layers: int, ring: Array, kind: Array, neighbours: int) -> None:
    """Take up to so many layers off each of masks (B, H, W), uint8, 0 or 1, in place.

    `ring` and `kind` as above, for the connectivity of what is peeled; of the ring each neighbour (`neighbours` = 1)
    or each other one (2) counts as joined.
    """
    images, height, width = masks.shape
    stride = width + 2
    places, edge = np.empty((height + 2) * stride, U8), np.empty((height + 2) * stride, np.bool_)
    outer, chosen = np.empty(height * width, I64), np.empty(height * width, I64)
    listed = np.empty(places.size, I64)
    for number in range(images):
        _lay(masks[number], places)
        listed[:] = 0
        found = _first_layer(places, stride, edge, outer)
        for layer in range(1, layers + 1):
            gone: Any = 0
            for side in SIDES:
                gone += _take(places, outer[:found], edge, side, ring, kind, neighbours, chosen[gone:])
            if gone == 0:
                break
            found = _next_layer(places, chosen[:gone], ring, edge, listed, layer, outer)
        for row in range(height):
            first = (row + 1) * stride + 1
            for column in range(width):
                masks[number, row, column] = places[first + column] == STRUCTURE


@compiled
def flip(mask: Array, order: Array, ring: Array, kind: Array, frame: bool) -> None:
    """Flip pixels of a mask (H, W), uint8, 0 or 1, in place: of those in `order` (N,) that are simple the first.

    This is done until none of them is simple that was not flipped; each is flipped once at most. `order` holds flat
    indices; `ring` and `kind` are as above.
    """
    height, width = mask.shape
    places = np.empty((height + 2) * (width + 2), U8)
    _lay(mask, places)
    least = BEYOND if frame else STRUCTURE
    rank = np.full(places.size, -1, I64)  # of what may be flipped
    waiting = np.ones(order.size, np.bool_)
    queue = [I64(entry) for entry in range(order.size)]  # in order: a heap
    for entry in range(order.size):
        rank[_place(order[entry], width)] = entry
    while queue:
        number = heappop(queue)
        place = _place(order[number], width)
        waiting[number] = False
        if kind[_link(places, place, ring, least)] != REGULAR:
            continue  # until a neighbour is flipped
        places[place] = BACKGROUND if places[place] == STRUCTURE else STRUCTURE
        rank[place] = -1
        for step in ring:
            other = rank[place + step]
            if other >= 0 and not waiting[other]:
                waiting[other] = True
                heappush(queue, other)
    for row in range(height):
        for column in range(width):
            mask[row, column] = places[(row + 1) * (width + 2) + column + 1] == STRUCTURE


@compiled
def _place(pixel: Any, width: int) -> Any:
    """Return where a pixel of flat index lies in the mask's border."""
    row = pixel // width
    return (row + 1) * (width + 2) + pixel - row * width + 1


@compiled
def _lay(mask: Array, places: Array) -> None:
    """Copy a mask into its border."""
    height, width = mask.shape
    places[:] = BEYOND
    for row in range(height):
        line = places[(row + 1) * (width + 2) + 1 :][:width]
        for column in range(width):
            line[column] = STRUCTURE if mask[row, column] else BACKGROUND


@compiled
def _link(places: Array, place: int, ring: Array, least: Any) -> Any:
    """Return the byte of the neighbours that hold at least so much."""
    byte: Any = 0
    for k in range(8):
        byte |= I64(places[place + ring[k]] >= least) << k
    return byte


@compiled
def _is_simple(places: Array, place: int, ring: Array, kind: Array) -> Any:
    """Return whether a place is simple with a frame and without one."""
    framed: Any = 0
    plain: Any = 0
    for k in range(8):
        value = places[place + ring[k]]
        framed |= I64(value >= BEYOND) << k
        plain |= I64(value >= STRUCTURE) << k
    return kind[framed] == REGULAR and kind[plain] == REGULAR


@compiled
def _first_layer(places: Array, stride: int, edge: Array, outer: Array) -> Any:
    """List the structure that has background at one of its four sides, and mark it; return how much there is."""
    edge[:] = False
    found = 0
    for place in range(stride + 1, places.size - stride - 1):
        bare = (
            (places[place - stride] == BACKGROUND)
            | (places[place - 1] == BACKGROUND)
            | (places[place + 1] == BACKGROUND)
            | (places[place + stride] == BACKGROUND)
        )
        if bare and places[place] == STRUCTURE:
            edge[place] = True
            outer[found] = place
            found += 1
    return found


@compiled
def _next_layer(places: Array, gone: Array, ring: Array, edge: Array, listed: Array, layer: int, outer: Array) -> Any:
    """List the bare structure beside what is gone, marked as what else is bare; return how much there is.

    What else is bare stays as it is: nothing has changed around it since it was left.
    """
    found = 0
    for place in gone:
        for k in range(8):
            beside = place + ring[k]
            if places[beside] != STRUCTURE or listed[beside] == layer:
                continue
            if k % 2 == 0:  # a side, which is bare now
                edge[beside] = True
            if edge[beside]:
                listed[beside] = layer
                outer[found] = beside
                found += 1
    return found


@compiled
def _take(
    places: Array, outer: Array, edge: Array, side: int, ring: Array, kind: Array, neighbours: int, chosen: Array
) -> Any:
    """Turn what of the layer is bare on that side, simple and no end, all as it is now, into background.

    Returns how much that is. That all may go at once is Rosenfeld's theorem of 1975; the tests prove it of this rule.
    """
    gone = 0
    for place in outer:
        if places[place] != STRUCTURE or places[place + ring[side]] != BACKGROUND:
            continue
        if _is_simple(places, place, ring, kind) and not _is_end(places, place, edge, ring, neighbours):
            chosen[gone] = place
            gone += 1
    for place in chosen[:gone]:
        places[place] = BACKGROUND
    return gone


@compiled
def _is_end(places: Array, place: int, edge: Array, ring: Array, neighbours: int) -> Any:
    """Return whether a place has a single neighbour, which lies in the layer itself."""
    count, last = 0, 0
    for k in range(0, 8, neighbours):
        if places[place + ring[k]] == STRUCTURE:
            count += 1
            last = place + ring[k]
    return count == 1 and edge[last]
