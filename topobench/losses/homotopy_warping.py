"""The homotopy warping loss of Hu (NeurIPS 2022, arXiv:2112.07812)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from topobench.losses.masks import MaskLoss, as_constant, as_masks
from topobench.topology import warp
from topobench.types import BoolArray

__all__ = ["HomotopyWarpingLoss"]


class HomotopyWarpingLoss(MaskLoss):
    """Cross entropy at the pixels in which neither mask can be warped into the other without a change of topology.

    Source: Hu, "Structure-aware image segmentation with homotopy warping", NeurIPS 2022, arXiv:2112.07812, sections 3.2
    and 3.3::

        L = mean over the pixels of M * -(t log p + (1 - t) log(1 - p)), mean over the images
        M = (warp(t -> s) differs from s) or (warp(s -> t) differs from t)

    with p = sigmoid(logits), t the target and s the segmentation p >= 0.5. Warping flips pixels in which the two differ
    and which are simple, the nearest to the border first (`topobench.topology.warp`); M, the topologically critical
    pixels, is what cannot be flipped. It is a constant; the gradient reaches the pixels of M, all of which are wrong.

    0 where M is empty, so that t can be warped into s and both have the same Betti numbers.

    What the paper leaves open: the mean is over all pixels, so that with cross entropy beside it, weight 1, a critical
    pixel counts 1 + weight times. (The released code multiplies logits and target by M and takes cross entropy of
    that, which is log 2 outside M, times the number of critical pixels.) Pixels equally far from the border are flipped
    in order of their doubt, the nearest to 1/2 first, so that no turn of the images changes the loss, unless two are
    equally sure; and one that is not simple is asked again when a
    neighbour has been flipped, where the released code goes once over each kind of mistake. The structure is
    8-connected by default, and simple points are those of the definition: the test of the released code, as written
    and as it runs, misses some and flips others that change the topology.

    Parameters
    ----------
    connectivity : 8 or 4, of the structure
    frame : bool
        What lies beyond the image: a ring of structure, else background.

    Shapes: logits (B, 1, H, W) floating, target (B, 1, H, W) of 0 and 1 -> 0-d tensor in [0, inf). Complexity:
    O(n log n) in the number n of wrong pixels, and linear in that of all.
    """

    def of_maps(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits (B, H, W) and a target of the same shape."""
        doubt = -logits.detach().abs().cpu().numpy()  # the likelihood would be rounded where it is sure
        critical = as_constant(self.critical_pixels(*as_masks(logits, target), doubt), logits)
        return (critical * functional.binary_cross_entropy_with_logits(logits, target, reduction="none")).mean()

    def critical_pixels(self, prediction: BoolArray, truth: BoolArray, doubt: NDArray[Any]) -> BoolArray:
        """Return M (B, H, W) of masks (B, H, W)."""
        options = self.connectivity, self.frame, doubt, torch.get_num_threads()
        forth, back = warp(truth, prediction, *options), warp(prediction, truth, *options)
        return np.asarray((forth != prediction) | (back != truth))
