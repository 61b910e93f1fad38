"""Betti errors: how many components or holes too many or too few."""

from __future__ import annotations

import numpy as np

from topobench.metrics.case import Case, Found, Undefined
from topobench.patches import cut, random_places
from topobench.seeds import generator
from topobench.topology import betti_numbers

__all__ = ["betti_errors"]


def betti_errors(case: Case) -> Found:
    """Return ``betti_error`` and, for each dimension of the protocol, ``betti<d>_error``.

    Mean over the same seeded random patches for every method of abs(b_d(prediction) - b_d(truth)).
    """
    names = ["betti_error", *(f"betti{dimension}_error" for dimension in case.dimensions)]
    key = generator("patches", case.seed, case.image_id)
    places = random_places(case.truth.shape, case.patch_size, case.patches, key, case.valid)
    if not len(places):
        return dict.fromkeys(names, Undefined(f"no {case.patch_size}x{case.patch_size} patch is half valid"))
    found, wanted = (
        betti_numbers(cut(mask, places, case.patch_size), case.connectivity, case.frame)
        for mask in (case.prediction, case.truth)
    )
    errors = [float(np.mean(np.abs(found[dimension] - wanted[dimension]))) for dimension in case.dimensions]
    return dict(zip(names, [sum(errors), *errors], strict=True))
