"""The component-graph loss of Lux, Berger et al., "Topograph" (ICLR 2025, arXiv:2411.03228)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from topobench.losses.masks import MaskLoss, as_constant, as_masks
from topobench.topology import critical_regions

__all__ = ["TopographLoss"]


class TopographLoss(MaskLoss):
    """Mean probability of the wrong class in each region of the segmentation that is wrong and critical, summed.

    Source: Lux, Berger et al., "Topograph: an efficient graph-based framework for strictly topology preserving image
    segmentation", ICLR 2025, arXiv:2411.03228::

        L = sum over critical regions R of 1/|R| sum over R of |p - t|, mean over the images

    with p = sigmoid(logits) and t the target. The segmentation p >= 0.5 is laid over the truth; connected mistakes are
    the nodes of a graph, beside regions of structure and of background, and critical are those that do not lie beside
    exactly one of each (`topobench.topology.critical_regions`). |p - t| is at least 1/2 there. Which regions there are
    is a constant; the gradient reaches all pixels of critical regions, and no others.

    0 where no mistake is critical: then segmentation and truth have the same components and holes, in place (their
    Betti matching error is 0). A region counts once, whatever its size. The paper proves its theorem of intersection
    and union; here, as in the code that its authors released, regions are held against the other mask, so that a thin
    line that is displaced by its width costs nothing. Unlike there, what lies beyond the image counts, and corners are
    exact: the released code finds more at a square whose diagonals are each other's mistake and, 4-connected, more or
    less elsewhere. The paper adds the term to Dice, which is a second term of a
    recipe; its variants for several classes, random thresholds and other sums over a region are not here.

    Parameters
    ----------
    connectivity : 8 or 4, of the structure
    frame : bool
        What lies beyond the image: a ring of structure, else background.

    Shapes: logits (B, 1, H, W) floating, target (B, 1, H, W) of 0 and 1 -> 0-d tensor in [0, inf). Complexity: linear
    in the number of pixels.
    """

    def of_maps(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits (B, H, W) and a target of the same shape."""
        regions = critical_regions(*as_masks(logits, target), self.connectivity, self.frame, torch.get_num_threads())
        share = np.stack([1 / np.bincount(labels.ravel())[labels] for labels in regions]) * (regions > 0)
        wrong = (torch.sigmoid(logits) - target).abs()
        return (as_constant(share, wrong) * wrong).sum() / len(wrong)
