"""What every loss shares: what it takes and refuses, and in which precision it computes."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from topobench.errors import ArgumentError
from topobench.topology.images import check_connectivity, check_dimensions

__all__ = ["SegmentationLoss", "TopologyClaim", "check_pair", "check_value"]

SURE = 0.9  # logits that all lie in [0, 1] and spread further than this are taken for probabilities


@dataclass(frozen=True)
class TopologyClaim:
    """Which Betti numbers a loss looks at, and whether descent on it sets them right: `topobench check loss` asks.

    Where these Betti numbers are wrong, the loss must be positive and its gradient point the right way; where they are
    right, nothing is asked of it.
    """

    connectivity: int = 8
    frame: bool = False
    dimensions: tuple[int, ...] = (0, 1)
    descent: bool = True

    def __post_init__(self) -> None:
        """Raise ArgumentError for a connectivity or dimensions that there are not."""
        check_connectivity(self.connectivity)
        check_dimensions(self.dimensions)


class SegmentationLoss(nn.Module, ABC):
    """A loss of logits (B, 1, H, W) and a target (B, 1, H, W) of 0 and 1: a 0-d tensor, the mean over the images.

    It is computed in float32, also within autocast, and in float64 for float64 logits, on the device of its arguments.
    A subclass says in `of_maps` what it is.

    Attributes
    ----------
    trains_alone : bool
        Whether a network can be trained with this loss alone; `WeightedLoss` wants one such term.
    shortcomings : str
        Why it fails rules of the conformance suite, where that is known; empty if it fails none.
    claim : TopologyClaim or None
        What the loss promises about topology; None: nothing, it is one of single pixels.
    """

    trains_alone = False
    shortcomings = ""

    def __init__(self) -> None:  # torch's takes anything, and a wrong option would not be known for one
        super().__init__()

    @property
    def claim(self) -> TopologyClaim | None:
        """What this loss promises about topology; None: nothing, it is one of single pixels."""
        return None

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss; ArgumentError, with both shapes, where they do not fit."""
        check_pair(logits, target)
        with torch.autocast(logits.device.type, enabled=False):
            wide = logits if logits.dtype == torch.float64 else logits.float()
            return check_value(self.of_maps(wide[:, 0], target[:, 0].to(wide.dtype)))

    @abstractmethod
    def of_maps(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of checked logits (B, H, W), float32 or float64, and a target of their shape and dtype."""


def check_pair(logits: Tensor, target: Tensor) -> None:
    """Raise ArgumentError unless these are logits and a target in [0, 1], both (B, 1, H, W), on one device.

    Logits that all lie in [0, 1] and come near both ends are taken for probabilities, and refused; and so is a target
    with values between 0 and 1.
    """
    for word, part in (("logits", logits), ("target", target)):
        if not isinstance(part, Tensor):
            raise ArgumentError(f"the {word} are a {type(part).__name__}; a loss takes torch tensors.")
    if logits.shape != target.shape or logits.ndim != 4 or logits.shape[1] != 1 or logits.numel() == 0:
        raise ArgumentError(
            f"the logits have shape {tuple(logits.shape)}, the target {tuple(target.shape)}; "
            "both must be (B, 1, H, W), of one shape, with nothing empty."
        )
    if logits.device != target.device:
        raise ArgumentError(f"the logits are on {logits.device}, the target on {target.device}; move one of them.")
    if not logits.is_floating_point():
        raise ArgumentError(f"the logits have dtype {logits.dtype}; they must be floating point.")
    if not ((target == 0) | (target == 1)).all():
        low, high = _ends(target)
        raise ArgumentError(f"the target has values in [{low:.3g}, {high:.3g}]; it must hold 0 and 1 (1 = structure).")
    low, high = _ends(logits)
    if not (math.isfinite(low) and math.isfinite(high)):
        wrong = int((~torch.isfinite(logits)).sum())
        raise ArgumentError(f"{wrong} of {logits.numel()} logits are NaN or infinite; they must be finite.")
    if low >= 0 and high <= 1 and high - low > SURE:
        raise ArgumentError(
            f"the logits have values in [{low:.3g}, {high:.3g}], as probabilities have; a loss takes what comes before "
            "the sigmoid (torch.logit turns probabilities back)."
        )


def check_value(value: Any) -> Tensor:
    """Return what a loss returned; ArgumentError unless it is a 0-d tensor."""
    if isinstance(value, Tensor) and value.ndim == 0:
        return value
    found = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
    raise ArgumentError(f"the loss returns {found}; it must return a 0-d tensor, the mean of its images' losses.")


def _ends(tensor: Tensor) -> tuple[float, float]:
    low, high = torch.aminmax(tensor.detach())
    return float(low), float(high)
