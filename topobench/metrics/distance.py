"""Boundary distance: how far apart the outlines of two masks are.

References
----------
Maier-Hein et al. 2024, Metrics reloaded, doi:10.1038/s41592-023-02151-z (95th percentile Hausdorff distance).
"""

from __future__ import annotations

import numpy as np

from topobench.metrics.case import NO_PIXEL, Case, Found, Undefined
from topobench.topology.nearest import squared_distances
from topobench.types import BoolArray

__all__ = ["boundary", "hausdorff_95", "lacking", "valid_structure"]


def hausdorff_95(case: Case) -> Found:
    """Return ``hd95``, the 95th percentile Hausdorff distance in pixels; 0 is the best.

    For each boundary pixel of one mask take the Euclidean distance to the nearest boundary pixel of the other, and of
    these the 95th percentile (linear interpolation); ``hd95`` is the larger one of the two directions. What is not
    valid is cut away as if the image ended there: the figure of a valid rectangle is that of the cropped image.
    Undefined where either mask has no valid structure.
    """
    prediction, truth = (boundary(mask) for mask in valid_structure(case))
    if nothing := lacking(case, prediction, truth):
        return {"hd95": nothing}
    return {"hd95": max(_percentile_95(prediction, truth), _percentile_95(truth, prediction))}


def boundary(mask: BoolArray) -> BoolArray:
    """Return the pixels (H, W) of a mask that have a 4-neighbour outside it; beyond the image all is outside."""
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner


def valid_structure(case: Case) -> tuple[BoolArray, BoolArray]:
    """Return prediction and truth, without structure where the image is not valid."""
    if case.valid is None:
        return case.prediction, case.truth
    return case.prediction & case.valid, case.truth & case.valid


def lacking(case: Case, prediction: BoolArray, truth: BoolArray) -> Undefined | None:
    """Return why nothing can be compared, if one of two masks made from the valid structure is empty."""
    if case.nowhere:
        return NO_PIXEL
    if prediction.any() and truth.any():
        return None
    if prediction.any() or truth.any():
        return Undefined(f"the {'truth' if prediction.any() else 'prediction'} has no structure")
    return Undefined("neither prediction nor truth has structure")


def _percentile_95(ours: BoolArray, theirs: BoolArray) -> float:
    return float(np.percentile(np.sqrt(squared_distances(theirs)[ours]), 95))
