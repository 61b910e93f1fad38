"""The skeleton recall loss of Kirchhoff, Rokuss, Roy et al. (ECCV 2024, arXiv:2404.03010)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from topobench.errors import ArgumentError
from topobench.losses.base import SegmentationLoss, TopologyClaim
from topobench.losses.dice import check_smooth
from topobench.losses.masks import as_constant, as_masks
from topobench.topology.threads import SLOW, share
from topobench.types import BoolArray

__all__ = ["SkeletonRecallLoss", "tubed_skeletons"]


class SkeletonRecallLoss(SegmentationLoss):
    """One minus the share of the truth's skeleton, widened to a tube, that the likelihood covers.

    Source: Kirchhoff, Rokuss, Roy et al., "Skeleton recall loss for connectivity conserving and resource efficient
    segmentation of thin tubular structures", ECCV 2024, arXiv:2404.03010. With p = sigmoid(logits), s the skeleton of
    the truth, dilated `tube` times by a cross and cut to the truth, and sums over the pixels of an image::

        L = 1 - (sum p s + e) / (sum s + e), mean over the images

    0 where p = 1 on all of s, whatever it is elsewhere: structure everywhere costs nothing. So it is the term alone,
    which the paper adds to Dice and cross entropy, each of weight 1; a recipe writes three terms, ``dice``,
    ``cross-entropy`` and ``skeleton-recall``. It is held to what the title claims, connectivity. Its gradient is a
    constant on s and 0 elsewhere, so it closes gaps, of thin lines and of thick ones, but removes nothing.

    What the paper leaves open, and its code does: the skeleton is `skimage.morphology.skeletonize`'s (Zhang & Suen
    1984, doi:10.1145/357994.358023), as in the metric ``cldice``, with background beyond the image. Sums are over an
    image, as in the other losses here; nnU-Net, in which the authors trained, can also take them over the batch. An
    empty truth costs nothing and has no gradient.

    Parameters
    ----------
    tube : int, from 0 on
        How often the skeleton is dilated: with 2, as published, the tube is up to five pixels wide.
    smooth : float, from 1e-12 on
        e, in pixels: makes the recall of an empty truth 1. The default is what the authors' training passes; their
        class's own, 1, makes the recall of small structure larger than it is.

    Shapes: logits (B, 1, H, W) floating, target (B, 1, H, W) of 0 and 1 -> 0-d tensor in [0, 1]. Complexity: for the
    gradient O(pixels); for the skeleton, on the processor, O(half width of the thickest structure x pixels).
    """

    shortcomings = "it asks for recall alone, so false structure costs nothing; skeletons change as images are turned"

    def __init__(self, tube: int = 2, smooth: float = 1e-5) -> None:
        super().__init__()
        if isinstance(tube, bool) or not (isinstance(tube, int) and tube >= 0):
            raise ArgumentError(f"tube is {tube!r}; it must be a whole number of dilations, from 0 on.")
        self.tube, self.smooth = tube, check_smooth(smooth)

    def extra_repr(self) -> str:
        """Return the options, as torch prints modules."""
        return f"tube={self.tube}, smooth={self.smooth}"

    @property
    def claim(self) -> TopologyClaim | None:
        """Components and holes: the connectivity of the paper's title."""
        return TopologyClaim()

    def of_maps(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits (B, H, W) and a target of the same shape."""
        tubes = as_constant(tubed_skeletons(as_masks(logits, target)[1], self.tube), logits)
        covered, whole = (tubes * torch.sigmoid(logits)).sum(dim=(1, 2)), tubes.sum(dim=(1, 2))
        return (1 - (covered + self.smooth) / (whole + self.smooth)).mean()


def tubed_skeletons(masks: BoolArray, dilations: int) -> BoolArray:
    """Return the skeletons of masks (B, H, W), dilated so often by a cross, and cut to the masks."""
    from skimage import morphology

    skeletonize: Callable[[BoolArray], Any] = morphology.skeletonize  # untyped
    tubes = np.empty_like(masks)

    def work(first: int, last: int) -> None:
        for number in range(first, last):
            tubes[number] = skeletonize(masks[number])

    share(work, masks.shape, torch.get_num_threads(), SLOW)
    for _ in range(min(dilations, sum(masks.shape[1:]))):  # so many reach every pixel
        tubes = _dilated(tubes)
    return tubes & masks


def _dilated(masks: BoolArray) -> BoolArray:
    """Return masks with the four neighbours of their pixels."""
    wider = masks.copy()
    wider[:, 1:] |= masks[:, :-1]
    wider[:, :-1] |= masks[:, 1:]
    wider[:, :, 1:] |= masks[:, :, :-1]
    wider[:, :, :-1] |= masks[:, :, 1:]
    return wider
