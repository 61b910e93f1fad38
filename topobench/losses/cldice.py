"""The soft-clDice loss of Shit, Paetzold et al. (CVPR 2021, arXiv:2003.07311)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from topobench.errors import ArgumentError
from topobench.losses.base import SegmentationLoss, TopologyClaim
from topobench.losses.dice import check_smooth

__all__ = ["SoftClDiceLoss", "soft_skeleton"]


class SoftClDiceLoss(SegmentationLoss):
    """One minus the centreline Dice of soft skeletons.

    Source: Shit, Paetzold et al., "clDice - a novel topology-preserving loss function for tubular structure
    segmentation", CVPR 2021, arXiv:2003.07311, algorithms 1 and 2. With p = sigmoid(logits), S_p and S_t the soft
    skeletons of p and of the truth t, and sums over the pixels of an image::

        precision = (sum S_p t + e) / (sum S_p + e)
        sensitivity = (sum S_t p + e) / (sum S_t + e)
        L = 1 - 2 precision sensitivity / (precision + sensitivity), mean over the images

    0 where p = t, below 1 always. It is the term alone: the paper trains with (1 - alpha) Dice + alpha clDice, which a
    recipe writes as two terms, ``dice`` and ``cldice``, of those weights. It is held to what the title claims, the
    topology; of thin structure it keeps that, but the soft skeleton of what is thick misses gaps and holes, and a
    likelihood of 1 everywhere costs nothing (docs/losses.md shows more).

    Parameters
    ----------
    iterations : int, at least 1
        How often the image is eroded for its skeleton: at least the half width, in pixels, of the widest structure.
        What is thicker has no skeleton there.
    smooth : float, from 1e-12 on
        e, in pixels: makes a fraction of two empty sums 1.

    Shapes: logits (B, 1, H, W) floating, target (B, 1, H, W) of 0 and 1 -> 0-d tensor in [0, 1). Where pixels tie in an
    erosion or dilation, one of them has the gradient (a subgradient). Complexity: O(iterations x pixels), and as much
    memory for the gradient.
    """

    shortcomings = "soft skeletons are made for tubes: docs/losses.md says why thick structure fails"

    def __init__(self, iterations: int = 5, smooth: float = 1.0) -> None:
        super().__init__()
        if not (isinstance(iterations, int) and iterations >= 1):
            raise ArgumentError(f"iterations is {iterations!r}; it must be an integer of at least 1.")
        self.iterations, self.smooth = iterations, check_smooth(smooth)

    def extra_repr(self) -> str:
        """Return the options, as torch prints modules."""
        return f"iterations={self.iterations}, smooth={self.smooth}"

    @property
    def claim(self) -> TopologyClaim | None:
        """Components and holes, as the paper's title has it."""
        return TopologyClaim()

    def of_maps(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits (B, H, W) and a target of the same shape."""
        likelihood = torch.sigmoid(logits)
        precision = self._share(soft_skeleton(likelihood, self.iterations), target)
        sensitivity = self._share(soft_skeleton(target, self.iterations), likelihood)
        return (1 - 2 * precision * sensitivity / (precision + sensitivity)).mean()

    def _share(self, skeleton: Tensor, volume: Tensor) -> Tensor:
        """Return which share (B,) of a skeleton lies in a volume."""
        inside, whole = ((part).sum(dim=(1, 2)) for part in (skeleton * volume, skeleton))
        return (inside + self.smooth) / (whole + self.smooth)


def soft_skeleton(maps: Tensor, iterations: int) -> Tensor:
    """Return the soft skeletons of maps (B, H, W) with values in [0, 1]: what opening takes away, at each erosion."""
    skeleton = functional.relu(maps - _open(maps))
    for _ in range(iterations):
        maps = _erode(maps)
        taken = functional.relu(maps - _open(maps))
        skeleton = skeleton + functional.relu(taken - skeleton * taken)
    return skeleton


def _erode(maps: Tensor) -> Tensor:
    """Return the least value among each pixel and its four neighbours, within the image."""
    upright = functional.max_pool2d(-maps, (3, 1), 1, (1, 0))
    across = functional.max_pool2d(-maps, (1, 3), 1, (0, 1))
    return -torch.maximum(upright, across)


def _open(maps: Tensor) -> Tensor:
    """Return maps eroded, then dilated by a square of 3 x 3."""
    return functional.max_pool2d(_erode(maps), 3, 1, 1)
