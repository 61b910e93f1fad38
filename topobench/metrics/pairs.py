"""The contingency table of two labellings, counted by numba: how many pixels bear each pair of labels.

The pairs that occur are kept in a hash table; neighbouring pixels mostly bear the same pair, and are counted as one
run. All of it stands in one file because numba's cache on disk notices changes of one file only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from topobench.topology.compiled import compiled

__all__ = ["count_pairs"]

U64 = np.uint64
Array = NDArray[Any]


@compiled
def count_pairs(first: Array, second: Array, counted: Array) -> Any:
    """Return the pairs of labels that occur: labels of the first, of the second, and at how many pixels.

    `first` and `second` are int32 (N,) from 0 on, `counted` uint8 (N,), 0 or 1, or of length 0 where all pixels count.
    """
    keys, counts = np.zeros(1024, U64), np.zeros(1024, np.int64)
    used, begin, size = 0, U64(0), U64(first.size)
    some = counted.size > 0
    while begin < size:
        one, two = first[begin], second[begin]
        end = begin + U64(1)
        while end < size and first[end] == one and second[end] == two:
            end += U64(1)
        length = np.int64(end - begin)
        if some:
            length = np.int64(0)
            for pixel in range(begin, end):
                length += np.int64(counted[pixel])
        if length:
            used += _add(keys, counts, (U64(one) << U64(32)) | U64(two), length)
            if 2 * used > keys.size:
                keys, counts = _grown(keys, counts)
        begin = end
    return _listed(keys, counts)


@compiled
def _add(keys: Array, counts: Array, key: Any, length: int) -> int:
    """Count a run of pixels of one pair; return 1 if the pair is new, else 0."""
    place = _place(keys, counts, key)
    new = counts[place] == 0
    keys[place] = key
    counts[place] += length
    return int(new)


@compiled
def _place(keys: Array, counts: Array, key: Any) -> Any:
    """Return where a pair is counted, or the free place where it will be."""
    mask = U64(keys.size - 1)
    mixed = (key ^ (key >> U64(29))) * U64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio
    place = (mixed ^ (mixed >> U64(32))) & mask
    while counts[place] != 0 and keys[place] != key:
        place = (place + U64(1)) & mask
    return place


@compiled
def _grown(keys: Array, counts: Array) -> Any:
    """Return a table of four times the size with the same content."""
    more_keys, more_counts = np.zeros(4 * keys.size, U64), np.zeros(4 * keys.size, np.int64)
    for old in range(keys.size):
        if counts[old]:
            place = _place(more_keys, more_counts, keys[old])
            more_keys[place], more_counts[place] = keys[old], counts[old]
    return more_keys, more_counts


@compiled
def _listed(keys: Array, counts: Array) -> Any:
    """Return the pairs of a table and their counts as three arrays."""
    total = 0
    for count in counts:
        total += count > 0
    found = np.empty((3, total), np.int64)
    place = 0
    for old in range(keys.size):
        if counts[old]:
            found[0, place], found[1, place] = keys[old] >> U64(32), keys[old] & U64(0xFFFFFFFF)
            found[2, place] = counts[old]
            place += 1
    return found[0], found[1], found[2]
