"""The Rand family and VOI of connected components, from one contingency table.

Labels are the components of the phase: ``regions`` (of the background, label 0 = structure) or ``structure``
(label 0 = background). Truth label 0 is ignored; predicted label 0 is one segment like any other.

References
----------
Arganda-Carreras et al. 2015, doi:10.3389/fnana.2015.00142 (V_Rand; adapted Rand F); Meila 2007,
doi:10.1016/j.jmva.2006.11.013 (variation of information).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from topobench.metrics.case import Case, Found, Undefined
from topobench.topology import label_components
from topobench.types import BoolArray

__all__ = ["contingency", "rand_and_voi", "rand_and_voi_filled"]

Labels = NDArray[np.int32]


def rand_and_voi(case: Case) -> Found:
    """Return ``arand_f``, ``arand_error``, ``voi_split``, ``voi_merge`` and ``voi`` (bits)."""
    return _figures(_labels(case, case.prediction), _labels(case, case.truth), case.valid)


def rand_and_voi_filled(case: Case) -> Found:
    """Return the same, named ``*_filled``, after unlabelled predicted pixels took their nearest component's label."""
    filled = _fill(_labels(case, case.prediction))
    figures = _figures(filled, _labels(case, case.truth), case.valid)
    return {f"{name}_filled": value for name, value in figures.items()}


def contingency(prediction: Labels, truth: Labels) -> sparse.csr_array:
    """Return the table n[s, t] = number of pixels with predicted label s and true label t (both from 0)."""
    ones = np.ones(truth.size, dtype=np.int64)
    table = sparse.coo_array((ones, (prediction.ravel(), truth.ravel())))
    return table.tocsr()


def _labels(case: Case, mask: BoolArray) -> Labels:
    if case.phase == "structure":
        return label_components(mask, case.connectivity)
    return label_components(~mask, 12 - case.connectivity)  # the dual: 8 <-> 4


def _fill(labels: Labels) -> Labels:
    """Give every pixel of label 0 the label of the nearest labelled pixel (Euclidean)."""
    if not labels.any():
        return labels
    nearest = ndimage.distance_transform_edt(labels == 0, return_distances=False, return_indices=True)
    return np.asarray(labels[tuple(nearest)])


def _figures(prediction: Labels, truth: Labels, valid: BoolArray | None) -> Found:
    counted = truth > 0 if valid is None else (truth > 0) & valid
    if not counted.any():
        nothing = Undefined("the truth has no labelled pixel")
        return dict.fromkeys(("arand_f", "arand_error", "voi_split", "voi_merge", "voi"), nothing)
    table = contingency(prediction[counted], truth[counted])
    joint = table.data / table.sum()
    segment, region = (np.asarray(table.sum(axis=axis)).ravel() / table.sum() for axis in (1, 0))
    rand_f = 2.0 * np.sum(joint**2) / (np.sum(segment**2) + np.sum(region**2))
    split = max(0.0, _entropy(joint) - _entropy(region))  # rounding may leave -1e-16
    merge = max(0.0, _entropy(joint) - _entropy(segment))
    return {
        "arand_f": float(rand_f), "arand_error": float(1.0 - rand_f),
        "voi_split": split, "voi_merge": merge, "voi": split + merge,
    }  # fmt: skip


def _entropy(shares: NDArray[np.float64]) -> float:
    """Return the Shannon entropy of shares that sum to 1, in bits."""
    present = shares[shares > 0]
    return float(-np.sum(present * np.log2(present)))
