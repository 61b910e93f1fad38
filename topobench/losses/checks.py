"""What every loss asks of its arguments."""

from __future__ import annotations

import torch
from torch import Tensor

from topobench.errors import ArgumentError

__all__ = ["check_pair"]


def check_pair(logits: Tensor, target: Tensor) -> None:
    """Raise ArgumentError, with both shapes, unless they are (B, 1, H, W), on one device, the target in [0, 1]."""
    if logits.shape != target.shape or logits.ndim != 4 or logits.shape[1] != 1 or logits.numel() == 0:
        raise ArgumentError(
            f"the logits have shape {tuple(logits.shape)}, the target {tuple(target.shape)}; "
            "both must be (B, 1, H, W) with nothing empty."
        )
    if logits.device != target.device:
        raise ArgumentError(f"the logits are on {logits.device}, the target on {target.device}; move one of them.")
    if not logits.is_floating_point():
        raise ArgumentError(f"the logits have dtype {logits.dtype}; they must be floating point.")
    low, high = (float(end) for end in torch.aminmax(target.detach()))
    if not (low >= 0 and high <= 1):
        raise ArgumentError(f"the target has values in [{low}, {high}]; it must hold 0 and 1 (1 = structure).")
