"""The Rand family and VOI of connected components, from one contingency table.

Labels are the components of the phase: ``regions`` (of the background, label 0 = structure) or ``structure``
(label 0 = background). Truth label 0 is ignored, unless a name ends in ``_all``; predicted label 0 is one segment like
any other. Of the shares of the counted pixels, p in a pair of labels, s in a segment and t in a region:

- ``arand_f`` = 2 sum p^2 / (sum t^2 + sum s^2), ``arand_error`` = 1 - ``arand_f``;
- ``ari``, Hubert and Arabie's index: (R - E) / (M - E) of pairs of different pixels. R of them are together in both,
  E is what chance lets expect, M the mean of those together in the prediction and those together in the truth;
- ``voi_split`` = sum p log2(t / p) and ``voi_merge`` = sum p log2(s / p), conditional entropies in bits, and ``voi``,
  their sum.

References
----------
Arganda-Carreras et al. 2015, doi:10.3389/fnana.2015.00142 (V_Rand; adapted Rand F); Hubert and Arabie 1985,
doi:10.1007/BF01908075; Meila 2007, doi:10.1016/j.jmva.2006.11.013 (variation of information).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topobench.errors import ArgumentError
from topobench.metrics.case import NO_PIXEL, Case, Found, Undefined, score_of
from topobench.metrics.contingency import Table, as_labels, tabulate
from topobench.registry import PARTITION
from topobench.topology.images import as_bool
from topobench.types import Score

__all__ = [
    "IGNORED", "LOG_BASE", "cremi", "filled", "nothing_ignored", "of_raw_masks", "of_regions", "of_structure",
    "partition_figures", "plain", "score_labels",
]  # fmt: skip


LOG_BASE = 2
IGNORED = "label 0 of the truth; nothing by figures named *_all, voi_raw_mask, voi_split_raw_mask, voi_merge_raw_mask"


def plain(case: Case) -> Found:
    """Return ``arand_f``, ``arand_error``, ``ari``, ``voi_split``, ``voi_merge`` and ``voi`` (bits)."""
    return _of_labelled(case.table)


def filled(case: Case) -> Found:
    """Return the same, named ``*_filled``, after unlabelled predicted pixels took their nearest component's label.

    Nearest by Euclidean distance; of equally near ones that whose pixel comes first in row-major order.
    """
    from topobench.topology.nearest import nearest_labels

    prediction, truth = case.labels
    table = tabulate(nearest_labels(prediction), truth, case.valid)
    return _named(_of_labelled(table), "_filled")


def nothing_ignored(case: Case) -> Found:
    """Return the same, named ``*_all``, over all valid pixels: label 0 of the truth is one region like any other."""
    return _named(partition_figures(case.table), "_all")


def of_regions(case: Case) -> Found:
    """Return the same, named ``*_regions``, of the components of the background, whatever the phase."""
    same = case if case.phase == "regions" else replace(case, phase="regions")
    return _named(plain(same), "_regions")


def of_structure(case: Case) -> Found:
    """Return the same, named ``*_structure``, of the components of the structure, whatever the phase."""
    same = case if case.phase == "structure" else replace(case, phase="structure")
    return _named(plain(same), "_structure")


def of_raw_masks(case: Case) -> Found:
    """Return what some code computes by mistake, named ``*_raw_mask``: the masks themselves as labels 0 and 1.

    As scikit-image's functions would have it: ``arand_*`` ignore the truth's 0, ``voi_*`` ignore nothing.
    """
    table = tabulate(case.prediction.astype(np.int32), case.truth.astype(np.int32), case.valid)
    found = _of_labelled(table) | {
        name: value for name, value in partition_figures(table).items() if name.startswith("voi")
    }
    del found["ari"]
    return _named(found, "_raw_mask")


def cremi(case: Case) -> Found:
    """Return ``arand_error_cremi``: the adapted Rand error as the CREMI and SNEMI3D challenges compute it.

    Predicted label 0 is no segment there: each of its pixels stands alone. With the counts n of pairs of labels not 0,
    z pixels of predicted label 0, N pixels in all, and the sizes T of the regions: with c = z / N,
    precision = (sum n^2 + c) / (sum_s (sum_t n)^2 + c), recall = (sum n^2 + c) / sum T^2, and the error is 1 - their
    harmonic mean. (c is no number of pairs, but that is the formula: cremi.org, evaluation; snemi3d, adapted Rand.)
    """
    return {"arand_error_cremi": _cremi_error(case.table)}


def score_labels(prediction: ArrayLike, truth: ArrayLike, valid: ArrayLike | None = None) -> Score:
    """Score a labelling (an instance segmentation) against the true one.

    Parameters
    ----------
    prediction, truth : arrays of one shape, (H, W), (D, H, W) or any other, of whole numbers
        Labels of any size and sign; only which pixels are labelled alike counts. Label 0 is structure or background:
        in the truth it is ignored, but for the figures named ``*_all``; in the prediction it is one segment.
    valid : bool, of the same shape, or None
        Pixels that count.

    Returns
    -------
    Score
        ``arand_f``, ``arand_error``, ``ari``, ``voi_split``, ``voi_merge``, ``voi`` (bits), the same named
        ``*_all``, and ``arand_error_cremi``.

    Raises
    ------
    ArgumentError
        For shapes that differ, and for labels that are no whole numbers.

    Examples
    --------
    >>> score_labels([[1, 1, 1, 1]], [[1, 1, 2, 2]])["voi_merge"]
    1.0
    """
    ours, theirs = as_labels(prediction, "prediction"), as_labels(truth, "truth")
    domain = None if valid is None else as_bool(valid, "validity mask")
    for word, array in (("prediction", ours), ("validity mask", domain)):
        if array is not None and array.shape != theirs.shape:
            raise ArgumentError(f"the {word} has shape {array.shape}, the truth {theirs.shape}; they must agree.")
    table = tabulate(ours, theirs, domain)
    found = _of_labelled(table) | _named(partition_figures(table), "_all")
    found["arand_error_cremi"] = _cremi_error(table)
    return score_of(found, {"log_base": LOG_BASE, "ignored_labels": IGNORED})


def partition_figures(table: Table) -> Found:
    """Return the six figures of a contingency table; all undefined where it holds no pixel."""
    if not table.total:
        return dict.fromkeys(PARTITION, NO_PIXEL)
    joint, (segments, regions) = table.pixels.astype(np.float64), table.sizes
    both, ours, theirs = (float(np.sum(sizes**2)) for sizes in (joint, segments, regions))
    rand_f = 2 * both / (ours + theirs)
    split = _conditional_entropy(joint, regions[table.region])
    merge = _conditional_entropy(joint, segments[table.segment])
    return {
        "arand_f": rand_f, "arand_error": 1 - rand_f, "ari": _adjusted(both, ours, theirs, table.total),
        "voi_split": split, "voi_merge": merge, "voi": split + merge,
    }  # fmt: skip


def _of_labelled(table: Table) -> Found:
    """Return the six figures over the pixels that the truth labels."""
    if not table.labelled.total:
        return dict.fromkeys(PARTITION, _nothing_labelled(table))
    return partition_figures(table.labelled)


def _nothing_labelled(table: Table) -> Undefined:
    return Undefined("the truth has no labelled pixel") if table.total else NO_PIXEL


def _adjusted(both: float, ours: float, theirs: float, pixels: int) -> float:
    """Return Hubert and Arabie's index from sums of squared sizes: each pair twice, and each pixel with itself.

    Where both partitions are one segment, or both single pixels, chance lets expect what is found; they are equal: 1.
    """
    together, of_ours, of_theirs = both - pixels, ours - pixels, theirs - pixels
    pairs = float(pixels) * (pixels - 1)
    expected = of_ours * (of_theirs / pairs) if pairs else 0.0
    most = (of_ours + of_theirs) / 2
    return (together - expected) / (most - expected) if most != expected else 1.0


def _cremi_error(table: Table) -> float | Undefined:
    labelled = table.labelled
    if not labelled.total:
        return _nothing_labelled(table)
    alone = labelled.segment == 0
    single = float(labelled.pixels[alone].sum()) / table.total
    segmented = Table(labelled.segment[~alone], labelled.region[~alone], labelled.pixels[~alone])
    both = float(np.sum(segmented.pixels.astype(np.float64) ** 2)) + single
    precision = both / (float(np.sum(segmented.sizes[0] ** 2)) + single)
    recall = both / float(np.sum(labelled.sizes[1] ** 2))
    return 1 - 2 * precision * recall / (precision + recall)


def _conditional_entropy(joint: NDArray[np.float64], given: NDArray[np.float64]) -> float:
    """Return H(one label given the other) in bits, from the pixels of each pair and of the given label in it.

    It is exactly 0 where the other label says it all.
    """
    return float(np.sum(joint * np.log2(given / joint)) / np.sum(joint))


def _named(found: Found, suffix: str) -> Found:
    return {f"{name}{suffix}": value for name, value in found.items()}
