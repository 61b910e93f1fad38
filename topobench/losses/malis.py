"""The maximin affinity loss of Turaga et al. ("MALIS", NIPS 2009), of pixels."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topobench.errors import ArgumentError
from topobench.losses.base import SegmentationLoss, TopologyClaim
from topobench.losses.masks import as_constant
from topobench.topology import label_components, maximin_pairs
from topobench.topology.images import check_connectivity

__all__ = ["MalisLoss"]


class MalisLoss(SegmentationLoss):
    """Squared hinge of the maximin affinity of every pair of pixels: connected where the truth connects them, else not.

    Source: Turaga, Briggman, Helmstaedter, Denk, Seung, "Maximin affinity learning of image segmentation", NIPS 2009::

        L = 1/N sum over pairs (i, j) of one segment of max(0, 1 - a_ij - m)^2 / 2
          + 1/N sum over pairs of two segments of max(0, a_ij - m)^2 / 2, mean over the images

    a_ij is the maximin affinity: the greatest value that holds all along some path from i to j. Thresholded at any
    value, pixels are connected where a_ij reaches it; so L is a smooth Rand error of the connected components, of all
    thresholds between m and 1 - m. N is the number of pairs.

    The paper learns an affinity for each edge between neighbours. A segmentation has a likelihood p for each pixel, so
    the affinity of an edge is the lesser one of its two pixels': of 1 - p where segments are the regions between
    membranes, of p where they are the structure's components. A path's affinity is then the least along its pixels, and
    that of a pixel with itself its own. Such pairs count, as in the adapted Rand error; else a region of one pixel that
    is missed would cost nothing. Pixels outside all segments of the truth are on paths, but in no pair.

    The gradient reaches the pixels at which best paths are weakest. Where several are, one of them has it, always the
    same, and one outside all segments before others: a subgradient. 0 where all pairs are right by the margin.

    Parameters
    ----------
    phase : "regions" or "structure"
        What the segments are: components of the background (the dual connectivity), or of the structure.
    connectivity : 8 or 4, of the structure
    margin : float in [0, 0.5)
        m: how far from 0 and 1 an affinity may stay without cost.
    constrained : bool
        Of pairs of one segment, take paths inside segments alone; of pairs of two, paths that pass segments for nothing
        (Funke et al. 2018, arXiv:1709.02974, "constrained MALIS"): so that the pull of the first kind reaches segments
        alone, that of the second what lies between them alone.

    Shapes: logits (B, 1, H, W) floating, target (B, 1, H, W) of 0 and 1 -> 0-d tensor in [0, 1/2). Complexity:
    O(n log n) in the number n of pixels, whatever the number of segments.
    """

    shortcomings = "a false segment outside all of the truth's is in no pair: docs/losses.md says more"

    def __init__(
        self,
        phase: Literal["regions", "structure"] = "regions",
        connectivity: int = 8,
        margin: float = 0.3,
        constrained: bool = False,
    ) -> None:
        super().__init__()
        check_connectivity(connectivity)
        if phase not in ("regions", "structure"):
            raise ArgumentError(f"phase is {phase!r}; it must be 'regions' or 'structure'.")
        if not (isinstance(margin, (int, float)) and 0 <= margin < 0.5):
            raise ArgumentError(f"margin is {margin!r}; it must be a number in [0, 0.5).")
        if not isinstance(constrained, bool):
            raise ArgumentError(f"constrained is {constrained!r}; it must be True or False.")
        self.phase, self.connectivity, self.margin, self.constrained = phase, connectivity, float(margin), constrained

    @property
    def frame(self) -> bool:
        """Whether what lies beyond the image is structure: regions end there."""
        return self.phase == "regions"

    def extra_repr(self) -> str:
        """Return the options, as torch prints modules."""
        shown = f"phase={self.phase!r}, connectivity={self.connectivity}, margin={self.margin}"
        return f"{shown}, constrained={self.constrained}"

    @property
    def claim(self) -> TopologyClaim | None:
        """The number of segments: holes of the framed structure, or its components."""
        return TopologyClaim(self.connectivity, self.frame, (1,) if self.frame else (0,))

    def of_maps(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits (B, H, W) and a target of the same shape."""
        likelihood = torch.sigmoid(logits)
        affinity, inside = (1 - part if self.frame else part for part in (likelihood, target))
        same, other = self._counts(affinity.detach().cpu().numpy(), inside.cpu().numpy() > 0.5)
        pairs = np.maximum((same + other).sum(axis=(1, 2), keepdims=True), 1)
        apart = (1 - affinity - self.margin).clamp(min=0) ** 2
        joined = (affinity - self.margin).clamp(min=0) ** 2
        cost = as_constant(same / pairs, logits) * apart + as_constant(other / pairs, logits) * joined
        return cost.sum() / (2 * len(logits))

    def _counts(self, affinity: NDArray[Any], inside: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return how many pairs of one segment, and of two, have their maximin at each pixel (B, H, W)."""
        reach, threads = 12 - self.connectivity if self.frame else self.connectivity, torch.get_num_threads()
        segments = label_components(inside, reach, threads)
        if not self.constrained:
            return maximin_pairs(affinity, segments, reach, threads)
        same, _ = maximin_pairs(np.where(inside, affinity, -1), segments, reach, threads)
        _, other = maximin_pairs(np.where(inside, 2, affinity), segments, reach, threads)
        return same, other
