"""Centreline Dice: whether the middle of each line lies inside the other mask, whatever the lines' width.

References
----------
Shit et al., CVPR 2021, arXiv:2003.07311, equations 1 and 2; Zhang & Suen 1984, doi:10.1145/357994.358023 (thinning).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from topobench.metrics.case import Case, Found
from topobench.metrics.distance import lacking, valid_structure
from topobench.types import BoolArray

__all__ = ["centreline_dice"]


def centreline_dice(case: Case) -> Found:
    """Return ``cldice``, the harmonic mean of topology precision and sensitivity, in [0, 1]; 1 is the best.

    Precision is the share of the prediction's skeleton that lies in the truth, sensitivity the share of the truth's
    skeleton that lies in the prediction; 0 where both are 0. What is not valid is cut away before thinning, as if the
    image ended there. Undefined where either mask has no valid structure.

    Skeletons are those of `skimage.morphology.skeletonize`, of connectivity 8 whatever the card's. It peels from one
    side first, so the figure may change as images are flipped: of a line an even number of pixels wide it keeps one of
    the two middles, and a falling diagonal with two pixels in every row it wears away from its ends, down to a single
    pixel where nothing holds them (scikit-image issues 6321 and 7704). A mask that is all structure has a skeleton of
    a few pixels in its middle (a long one: a line along it).
    """
    from skimage import morphology

    skeletonize: Callable[[BoolArray], Any] = morphology.skeletonize  # untyped
    prediction, truth = valid_structure(case)
    ours = (np.require(mask, requirements="W") for mask in (prediction, truth))  # it refuses what cannot be written
    predicted, wanted = (np.asarray(skeletonize(mask), np.bool_) for mask in ours)
    if nothing := lacking(case, predicted, wanted):
        return {"cldice": nothing}
    precision, sensitivity = _share_inside(predicted, truth), _share_inside(wanted, prediction)
    both = precision + sensitivity
    return {"cldice": 2 * precision * sensitivity / both if both else 0.0}


def _share_inside(skeleton: BoolArray, mask: BoolArray) -> float:
    return float(np.count_nonzero(skeleton & mask) / np.count_nonzero(skeleton))
