"""Which classes of two labelled masks meet in a third, compiled by numba; `matching` says what that is good for.

All of it stands in one file because numba's cache on disk notices changes of one file only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from topobench.topology.compiled import compiled

__all__ = ["count_images", "count_partners", "partners_of"]

Array = NDArray[Any]


@compiled
def count_partners(
    p0: Array, t0: Array, u0: Array, p1: Array, t1: Array, u1: Array, frame: bool,
    matched: Array, own: Array, other: Array,
) -> None:  # fmt: skip
    """Write to (2, B) the numbers of matched classes, of the prediction's and of the truth's."""
    for image in range(len(p0)):
        found = partners_of(p0[image], t0[image], u0[image], p1[image], t1[image], u1[image], frame)
        for dimension in range(2):
            ours, theirs = found[2 * dimension], found[2 * dimension + 1]
            own[dimension, image], other[dimension, image] = ours.size - 1, theirs.size - 1
            for label in range(1, ours.size):
                matched[dimension, image] += ours[label] > 0


@compiled
def partners_of(p0: Array, t0: Array, u0: Array, p1: Array, t1: Array, u1: Array, frame: bool) -> Any:
    """Return for each class the number of its partner, 0 for none: components of P and of T, holes of P and of T."""
    ours0, theirs0 = _wed(_largest(p0, u0, frame), _largest(t0, u0, frame), p0.max(), t0.max())
    ours1, theirs1 = _wed(_last(p1, u1), _last(t1, u1), p1.max(), t1.max())
    return ours0, theirs0, ours1, theirs1


@compiled
def _largest(components: Array, union: Array, frame: bool) -> Array:
    """Return for each component of the union the largest component in it, the first of equal ones; 0 for none.

    The frame's component, number 1, goes before all others.
    """
    sizes, owners = np.zeros(components.max() + 1, np.int64), np.zeros(components.max() + 1, np.int32)
    for row in range(components.shape[0]):
        for column in range(components.shape[1]):
            component = components[row, column]
            sizes[component] += 1
            owners[component] = union[row, column]
    chosen = np.zeros(union.max() + 1, np.int32)
    for component in range(1, sizes.size):
        rival = chosen[owners[component]]
        if rival == 0 or (sizes[component] > sizes[rival] and not (frame and rival == 1)):
            chosen[owners[component]] = component
    return chosen


@compiled
def _last(holes: Array, union: Array) -> Array:
    """Return for each hole of the union the hole that it lies in, if it is the one filled last there; else 0."""
    last = np.zeros(holes.max() + 1, np.int32)
    for row in range(holes.shape[0]):
        for column in range(holes.shape[1]):
            if union[row, column]:
                last[holes[row, column]] = union[row, column]
    chosen = np.zeros(union.max() + 1, np.int32)
    for hole in range(1, last.size):
        chosen[last[hole]] = hole
    return chosen


@compiled
def _wed(ours: Array, theirs: Array, our_count: int, their_count: int) -> Any:
    """Return the partners of all classes, by the classes of the union that chose one of each."""
    our_partners, their_partners = np.zeros(our_count + 1, np.int32), np.zeros(their_count + 1, np.int32)
    for shared in range(1, ours.size):
        if ours[shared] and theirs[shared]:
            our_partners[ours[shared]], their_partners[theirs[shared]] = theirs[shared], ours[shared]
    return our_partners, their_partners


@compiled
def count_images(i0: Array, i1: Array, u0: Array, u1: Array, image: Array, below: Array, above: Array) -> None:
    """Write to (2, B) the ranks of the maps from intersection to union, and the Betti numbers of the two."""
    for number in range(len(i0)):
        below[0, number], above[0, number] = i0[number].max(), u0[number].max()
        below[1, number], above[1, number] = i1[number].max(), u1[number].max()
        image[0, number] = _occupied(i0[number], u0[number])
        image[1, number] = _occupied(u1[number], i1[number])


@compiled
def _occupied(inner: Array, outer: Array) -> int:
    """Return how many labels of `outer` hold a labelled pixel of `inner`, whose labels lie each inside one of it."""
    seen = np.zeros(outer.max() + 1, np.uint8)
    for row in range(inner.shape[0]):
        for column in range(inner.shape[1]):
            if inner[row, column]:
                seen[outer[row, column]] = 1
    return int(seen[1:].sum())
