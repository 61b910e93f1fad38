"""What every loss asks of its arguments."""

from __future__ import annotations

from torch import Tensor

from topobench.errors import ArgumentError

__all__ = ["check_pair"]


def check_pair(logits: Tensor, target: Tensor) -> None:
    """Raise ArgumentError, with both shapes, unless both are (B, 1, H, W), not empty, on one device; logits float."""
    if logits.shape != target.shape or logits.ndim != 4 or logits.shape[1] != 1 or logits.numel() == 0:
        raise ArgumentError(
            f"the logits have shape {tuple(logits.shape)}, the target {tuple(target.shape)}; "
            "both must be (B, 1, H, W) with nothing empty."
        )
    if logits.device != target.device:
        raise ArgumentError(f"the logits are on {logits.device}, the target on {target.device}; move one of them.")
    if not logits.is_floating_point():
        raise ArgumentError(f"the logits have dtype {logits.dtype}; they must be floating point.")
