"""Binary cross entropy, the pixel loss beside which every topological term stands."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from topobench.losses.checks import check_pair

__all__ = ["CrossEntropyLoss"]


class CrossEntropyLoss(nn.Module):
    """Binary cross entropy of logits, mean over pixels and images, in nats; 0 where every pixel is surely right.

    Shapes: logits (B, 1, H, W), target (B, 1, H, W) of 0 and 1 -> 0-d tensor in [0, inf).
    """

    trains_alone = True

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss; ArgumentError, with both shapes, where they do not fit."""
        check_pair(logits, target)
        return functional.binary_cross_entropy_with_logits(logits.float(), target.float())
