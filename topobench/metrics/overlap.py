"""Pixel figures: what share of pixels is right."""

from __future__ import annotations

import numpy as np

from topobench.metrics.case import NO_PIXEL, Case, Found

__all__ = ["pixel_overlap"]


def pixel_overlap(case: Case) -> Found:
    """Return ``accuracy`` and ``dice`` over the valid pixels; Dice is 1 where both masks are empty."""
    prediction, truth = case.prediction, case.truth
    if case.valid is not None:
        prediction, truth = prediction[case.valid], truth[case.valid]
    if not truth.size:
        nothing = NO_PIXEL
        return {"accuracy": nothing, "dice": nothing}
    both, either = (
        np.count_nonzero(prediction & truth),
        np.count_nonzero(prediction) + np.count_nonzero(truth),
    )
    return {
        "accuracy": float(np.mean(prediction == truth)),
        "dice": float(2 * both / either) if either else 1.0,
    }
