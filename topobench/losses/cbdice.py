"""The centreline boundary Dice loss, cbDice, of Shi et al. (MICCAI 2024, arXiv:2407.01517)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topobench.losses.base import SegmentationLoss, TopologyClaim
from topobench.losses.dice import check_smooth
from topobench.losses.masks import as_constant, as_masks
from topobench.topology import thin
from topobench.topology.nearest import squared_distances
from topobench.topology.threads import SLOW, share
from topobench.types import BoolArray

__all__ = ["CenterlineBoundaryDiceLoss", "centrelines"]


class CenterlineBoundaryDiceLoss(SegmentationLoss):
    """One minus the Dice of two centrelines that know how wide the lines are, thin ones counting for more.

    Source: Shi et al., "Centerline boundary Dice loss for vascular segmentation", MICCAI 2024, arXiv:2407.01517, and
    the authors' code. Of a mask V with the centreline S, let D be each structure pixel's distance to the background
    and R = max(largest D on S, 1). With p = sigmoid(logits), and every sum over the pixels of an image::

        volume v = min(D, R) / R on V, radius r = D / R on S, weight w = R / D on S, each 0 elsewhere
        of the truth v_t, r_t, w_t; of the prediction, V = (p >= 1/2): v_p, r_p, w_p, each times p
        precision = (sum w_p v_t + e) / (sum w_p c_p + e), where c_p = r_t where r_t > 0, else r_p
        sensitivity = (sum w_t v_p + e) / (sum w_t c_t + e), where c_t = r_p where r_p > 0, else r_t
        L = 1 - 2 precision sensitivity / (precision + sensitivity), mean over the images

    0 where the thresholded prediction is the truth, however sure it is: there p cancels. Below 1 always, and sometimes
    below 0, for no share is bounded by 1: where a centreline lies in the other volume but beside the other centreline,
    p counts once above and squared below.

    The prediction's centreline is that of a mask: a constant, through which no gradient goes. What is missed, p < 1/2,
    has the volume 0 and so no gradient either, as in the authors' code: the loss alone closes no gap, and where p is
    below 1/2 everywhere it is a constant. It is the term alone, to which the authors add Dice and cross entropy, as a
    recipe does. It is held to what the abstract claims, to keep the topology.

    What the paper leaves open or was changed later: w is published as a quotient; the authors' code now has the linear
    (R - D + 1) / R in two dimensions, which they found to be better in practice. Their centrelines are soft skeletons
    or a homotopic thinning's, at first of likelihoods, with a gradient, and now of masks, without; here they are those
    of `topobench.topology.thin`, taken to its end, which keep every component and hole. They threshold at p > 1/2, and
    take all sums over a whole batch. Background lies beyond the image, for distances and centrelines, be there other
    background or not; their distances do not count it.

    Parameters
    ----------
    smooth : float, from 1e-12 on
        e, in pixels weighted so: makes a fraction of two empty sums 1. The default is what the authors' training
        passes; their class's own is 1.

    Shapes: logits (B, 1, H, W) floating, target (B, 1, H, W) of 0 and 1 -> 0-d tensor below 1. Complexity: for the
    gradient O(pixels); for centrelines and distances, on the processor, O(half width of the thickest structure x
    pixels).
    """

    shortcomings = (
        "what is missed, below 1/2, has no gradient; shares may exceed 1; thinning minds how images are turned"
    )

    def __init__(self, smooth: float = 1e-3) -> None:
        super().__init__()
        self.smooth = check_smooth(smooth)

    def extra_repr(self) -> str:
        """Return the options, as torch prints modules."""
        return f"smooth={self.smooth}"

    @property
    def claim(self) -> TopologyClaim | None:
        """Components and holes, as clDice."""
        return TopologyClaim()

    def of_maps(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits (B, H, W) and a target of the same shape."""
        likelihood = torch.sigmoid(logits)
        masks = np.concatenate(as_masks(logits, target))
        parts = _measures(*(as_constant(part, logits) for part in centrelines(masks)))
        ours, theirs = (_Measures(*half) for half in zip(*(part.chunk(2) for part in parts), strict=True))
        ours = _Measures(*(part * likelihood for part in ours))
        precision, sensitivity = self._share(ours, theirs), self._share(theirs, ours)
        return (1 - 2 * precision * sensitivity / (precision + sensitivity)).mean()

    def _share(self, own: _Measures, other: _Measures) -> Tensor:
        """Return which share (B,) of a centreline, weighted, lies in the other volume."""
        wanted = torch.where(other.radius > 0, other.radius, own.radius)
        inside, whole = ((own.weight * part).sum(dim=(1, 2)) for part in (other.volume, wanted))
        return (inside + self.smooth) / (whole + self.smooth)


class _Measures(NamedTuple):
    """Of masks (B, H, W) the volumes, and on their centrelines radii and weights: v, r and w of the formula."""

    volume: Tensor
    radius: Tensor
    weight: Tensor


def _measures(distances: Tensor, skeletons: Tensor) -> _Measures:
    """Return the measures of masks from distances and centrelines (B, H, W), the latter 0 and 1."""
    largest = (distances * skeletons).amax(dim=(1, 2), keepdim=True).clamp(min=1)
    volume = torch.minimum(distances, largest) / largest
    return _Measures(volume, volume * skeletons, skeletons / torch.where(skeletons > 0, volume, 1))


def centrelines(masks: BoolArray) -> tuple[NDArray[np.float64], BoolArray]:
    """Return each pixel's distance to the background, and the centrelines, of masks (B, H, W) amid background."""
    framed = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
    distances, skeletons = np.empty(masks.shape), np.empty_like(masks)

    def work(first: int, last: int) -> None:
        layers = framed[0].size  # more than there are
        skeletons[first:last] = thin(framed[first:last], layers, threads=1)[:, 1:-1, 1:-1]
        for number in range(first, last):
            distances[number] = np.sqrt(squared_distances(~framed[number])[1:-1, 1:-1])

    share(work, masks.shape, torch.get_num_threads(), SLOW)
    return distances, skeletons
