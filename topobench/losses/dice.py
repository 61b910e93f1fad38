"""The Dice loss of Milletari, Navab and Ahmadi, "V-Net" (3DV 2016), with the denominator of Sudre et al. 2017."""

from __future__ import annotations

import torch
from torch import Tensor

from topobench.errors import ArgumentError
from topobench.losses.base import SegmentationLoss

__all__ = ["DiceLoss", "check_smooth", "soft_dice"]


SMALLEST = 1e-12  # of less, squares are lost in float32


class DiceLoss(SegmentationLoss):
    """1 - (2 sum p t + e) / (sum p + sum t + e) with p = sigmoid(logits): one minus the Dice of soft masks.

    Source: Milletari, Navab and Ahmadi 2016, doi:10.1109/3DV.2016.79, who square p and t in the denominator; the plain
    sums, which are the same for masks, are those of Sudre et al. 2017, doi:10.1007/978-3-319-67558-9_28. Sums are over
    the pixels of an image; the loss is the mean over the images. 0 where p = t; nearly 1 where they have nothing in
    common. Linear in the number of pixels.

    Parameters
    ----------
    smooth : float, from 1e-12 on
        e, in pixels: makes the Dice of two empty masks 1, and gives an empty truth a gradient.

    Shapes: logits (B, 1, H, W) floating, target (B, 1, H, W) of 0 and 1 -> 0-d tensor in [0, 1).
    """

    trains_alone = True

    def __init__(self, smooth: float = 1.0) -> None:
        super().__init__()
        self.smooth = check_smooth(smooth)

    def extra_repr(self) -> str:
        """Return the options, as torch prints modules."""
        return f"smooth={self.smooth}"

    def of_maps(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits (B, H, W) and a target of the same shape."""
        return (1 - soft_dice(torch.sigmoid(logits), target, self.smooth)).mean()


def soft_dice(likelihood: Tensor, target: Tensor, smooth: float) -> Tensor:
    """Return the Dice (B,) of soft masks (B, H, W) with values in [0, 1]."""
    common, ours, theirs = ((part).sum(dim=(1, 2)) for part in (likelihood * target, likelihood, target))
    return (2 * common + smooth) / (ours + theirs + smooth)


def check_smooth(smooth: float) -> float:
    """Return the constant added to both sides of a fraction; ArgumentError unless it is finite and not too small."""
    if not (isinstance(smooth, (int, float)) and SMALLEST <= smooth < float("inf")):
        raise ArgumentError(f"smooth is {smooth!r}; it must be a number above 0, at least {SMALLEST:g}.")
    return float(smooth)
