"""Betti errors: how many components or holes too many or too few."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from topobench.metrics.case import NO_PIXEL, Case, Found, Undefined
from topobench.patches import cut, random_places, tiles
from topobench.seeds import generator
from topobench.topology import betti_numbers
from topobench.types import BoolArray

__all__ = ["betti_errors", "whole_betti_errors"]


def betti_errors(case: Case) -> Found:
    """Return ``betti_error`` and, for each dimension of the protocol, ``betti<d>_error``.

    Mean of abs(b_d(prediction) - b_d(truth)) over the protocol's patches: the same for every method.
    """
    patches = _patches(case)
    if isinstance(patches, Undefined):
        return dict.fromkeys(["betti_error", "betti0_error", "betti1_error"], patches)
    found, wanted = (betti_numbers(masks, case.connectivity, case.frame) for masks in patches)
    return _by_dimension(case, np.abs(np.subtract(found, wanted)).mean(axis=1), "")


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


def _patches(case: Case) -> tuple[BoolArray, BoolArray] | Undefined:
    """Return the patches (N, h, w) of prediction and truth."""
    if case.nowhere:
        return NO_PIXEL
    if case.sampling == "whole" or case.patch_size is None:
        return case.prediction[None], case.truth[None]
    if case.sampling == "grid":
        return _tiles(case, case.patch_size)
    key = generator("patches", case.seed, case.image_id)
    places = random_places(case.truth.shape, case.patch_size, case.patches or 1, key, case.valid)
    if not len(places):
        return _no_patch(case.patch_size)
    return cut(case.prediction, places, case.patch_size), cut(case.truth, places, case.patch_size)


def _tiles(case: Case, size: int) -> tuple[BoolArray, BoolArray] | Undefined:
    """Return the tiles of which at least half is valid.

    What a tile lacks beyond the image is filled like what lies beyond every patch: that changes no Betti number.
    """
    ours, theirs = (tiles(mask, size, fill=case.frame) for mask in (case.prediction, case.truth))
    if case.valid is None:
        return ours, theirs
    inside = tiles(np.ones_like(case.valid), size, fill=False).sum(axis=(1, 2))
    kept = 2 * tiles(case.valid, size, fill=False).sum(axis=(1, 2)) >= inside
    return (ours[kept], theirs[kept]) if kept.any() else _no_patch(size)


def _no_patch(size: int) -> Undefined:
    return Undefined(f"no {size}x{size} patch is half valid")
