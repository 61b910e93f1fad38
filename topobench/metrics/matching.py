"""Which components and holes are in their place: Betti matching error and DIU error of the whole image."""

from __future__ import annotations

from topobench.metrics.case import NO_PIXEL, Case, Found
from topobench.topology import betti_matching, induced_map
from topobench.types import IntArray

__all__ = ["betti_matching_errors", "diu_errors"]


def betti_matching_errors(case: Case) -> Found:
    """Return ``betti_matching_error`` and, by dimension, ``betti<d>_matching_error``.

    The number of components and holes of prediction and truth that have no partner in the other (Stucki et al. 2023,
    arXiv:2211.15272); see `topobench.topology.matching` for how ties are broken.
    """
    error = betti_matching(case.prediction, case.truth, case.connectivity, case.frame).error
    return _by_dimension(case, error, "betti_matching_error", "betti{}_matching_error")


def diu_errors(case: Case) -> Found:
    """Return ``diu_error`` and, by dimension, ``diu<d>_error``.

    Dimension of kernel and cokernel of the map on homology that includes the intersection of prediction and truth in
    their union (Lux et al. 2025, arXiv:2411.03228).
    """
    error = induced_map(case.prediction, case.truth, case.connectivity, case.frame).error
    return _by_dimension(case, error, "diu_error", "diu{}_error")


def _by_dimension(case: Case, error: IntArray, total: str, single: str) -> Found:
    """Return the errors (2, 1) of both dimensions, and the sum over those of the protocol."""
    if case.nowhere:
        return dict.fromkeys([total, single.format(0), single.format(1)], NO_PIXEL)
    return {
        total: float(sum(error[dimension, 0] for dimension in case.dimensions)),
        single.format(0): float(error[0, 0]),
        single.format(1): float(error[1, 0]),
    }
