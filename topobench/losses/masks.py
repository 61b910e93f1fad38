"""Losses of what is wrong in a segmentation: from logits to masks, and from what was found in them back to tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topobench.errors import ArgumentError
from topobench.losses.base import SegmentationLoss, TopologyClaim
from topobench.topology.images import check_connectivity
from topobench.types import BoolArray

__all__ = ["MaskLoss", "as_constant", "as_masks"]


class MaskLoss(SegmentationLoss):
    """A loss that asks the segmentation, likelihood >= 0.5, where its components and holes are wrong.

    Parameters
    ----------
    connectivity : 8 or 4, of the structure
    frame : bool
        What lies beyond the image: a ring of structure, else background.
    """

    def __init__(self, connectivity: int = 8, frame: bool = False) -> None:
        super().__init__()
        check_connectivity(connectivity)
        if not isinstance(frame, bool):
            raise ArgumentError(f"frame is {frame!r}; it must be True or False.")
        self.connectivity, self.frame = connectivity, frame

    def extra_repr(self) -> str:
        """Return the options, as torch prints modules."""
        return f"connectivity={self.connectivity}, frame={self.frame}"

    @property
    def claim(self) -> TopologyClaim | None:
        """Components and holes."""
        return TopologyClaim(self.connectivity, self.frame)


def as_masks(logits: Tensor, target: Tensor) -> tuple[BoolArray, BoolArray]:
    """Return the segmentation, likelihood >= 0.5, and the truth as arrays of the logits' shape, without gradient."""
    return (torch.sigmoid(logits.detach()) >= 0.5).cpu().numpy(), (target > 0.5).cpu().numpy()


def as_constant(values: NDArray[Any], like: Tensor) -> Tensor:
    """Return an array as a tensor of the dtype and on the device of another one."""
    return torch.from_numpy(np.ascontiguousarray(values)).to(like.dtype).to(like.device)
