"""Binary cross entropy, the pixel loss beside which every topological term stands."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from topobench.losses.base import SegmentationLoss

__all__ = ["CrossEntropyLoss"]


class CrossEntropyLoss(SegmentationLoss):
    """Binary cross entropy: the mean over pixels and images of -(t log p + (1 - t) log(1 - p)), in nats.

    With p = sigmoid(logits), computed from the logits, so that no logarithm overflows. 0 where every pixel is surely
    right. Linear in the number of pixels.

    Shapes: logits (B, 1, H, W) floating, target (B, 1, H, W) of 0 and 1 -> 0-d tensor in [0, inf).
    """

    trains_alone = True

    def of_maps(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits (B, H, W) and a target of the same shape."""
        return functional.binary_cross_entropy_with_logits(logits, target)
