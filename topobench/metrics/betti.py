"""Betti errors: how many components or holes too many or too few."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from topobench.metrics.case import NO_PIXEL, Case, Found, Undefined
from topobench.patches import cut, patch_shape, random_places, tiles
from topobench.seeds import generator
from topobench.topology import betti_numbers
from topobench.types import BoolArray, IntArray

__all__ = ["betti_errors", "whole_betti_errors"]

Group = tuple[BoolArray, BoolArray, IntArray]
GROUP = 2**24  # pixels of patches that are cut out at a time, so that large patches take no more memory than these


def betti_errors(case: Case) -> Found:
    """Return ``betti_error`` and, for each dimension of the protocol, ``betti<d>_error``.

    Mean of abs(b_d(prediction) - b_d(truth)) over the protocol's patches: the same for every method.
    """
    errors, count = np.zeros(2, np.int64), 0
    for *masks, times in () if case.nowhere else _patches(case):
        found, wanted = (betti_numbers(mask, case.connectivity, case.frame) for mask in masks)
        errors += np.abs(np.subtract(found, wanted)) @ times
        count += int(times.sum())
    if not count:
        size = case.patch_size
        why = NO_PIXEL if case.nowhere else Undefined(f"no {size}x{size} patch is half valid")
        return dict.fromkeys(["betti_error", "betti0_error", "betti1_error"], why)
    return _by_dimension(case, errors / count, "")


def whole_betti_errors(case: Case) -> Found:
    """Return the same of the whole image, named ``*_whole``, and ``euler_error``: abs of the difference of b0 - b1.

    A validity mask without a valid pixel leaves all undefined.
    """
    if case.nowhere:
        names = ["betti_error_whole", "betti0_error_whole", "betti1_error_whole", "euler_error"]
        return dict.fromkeys(names, NO_PIXEL)
    found, wanted = (betti_numbers(mask, case.connectivity, case.frame) for mask in (case.prediction, case.truth))
    difference = np.subtract(found, wanted)
    return {
        **_by_dimension(case, np.abs(difference), "_whole"),
        "euler_error": float(abs(difference[0] - difference[1])),
    }


def _by_dimension(case: Case, errors: NDArray[np.floating], suffix: str) -> Found:
    """Return the errors of both dimensions, and the sum over those of the protocol."""
    return {
        f"betti_error{suffix}": float(sum(errors[dimension] for dimension in case.dimensions)),
        f"betti0_error{suffix}": float(errors[0]),
        f"betti1_error{suffix}": float(errors[1]),
    }


def _patches(case: Case) -> Iterator[Group]:
    """Yield the patches (N, h, w) of prediction and truth, and how often each of them counts (N,), in groups."""
    if case.sampling == "whole" or case.patch_size is None:
        yield case.prediction[None], case.truth[None], np.ones(1, np.int64)
    elif case.sampling == "grid":
        yield _tiles(case, case.patch_size)
    else:
        yield from _drawn(case, case.patch_size)


def _drawn(case: Case, size: int) -> Iterator[Group]:
    """Yield the patches at the places that were drawn, each place once, in groups of at most `GROUP` pixels.

    Patches nearly as large as the image have few places, which are drawn many times.
    """
    key = generator("patches", case.seed, case.image_id)
    drawn = random_places(case.truth.shape, size, case.patches or 1, key, case.valid)
    places, times = np.unique(drawn, axis=0, return_counts=True)
    many = max(GROUP // math.prod(patch_shape(case.truth.shape, size)), 1)
    for first in range(0, len(places), many):
        some = slice(first, first + many)
        yield cut(case.prediction, places[some], size), cut(case.truth, places[some], size), times[some]


def _tiles(case: Case, size: int) -> Group:
    """Return the tiles; those of which at least half is valid count.

    What a tile lacks beyond the image is filled like what lies beyond every patch: that changes no Betti number. So a
    tile larger than the image need not be filled up to its size.
    """
    size = min(size, max(case.truth.shape))
    ours, theirs = (tiles(mask, size, fill=case.frame) for mask in (case.prediction, case.truth))
    if case.valid is None:
        return ours, theirs, np.ones(len(ours), np.int64)
    inside = tiles(np.ones_like(case.valid), size, fill=False).sum(axis=(1, 2))
    kept = 2 * tiles(case.valid, size, fill=False).sum(axis=(1, 2)) >= inside
    return ours, theirs, kept.astype(np.int64)
