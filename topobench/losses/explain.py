"""What a loss does to one likelihood: its value, its gradient with respect to the likelihood, and its matching."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from topobench.losses.diagrams import DiagramLoss
from topobench.types import BoolArray, DiagramMatching

__all__ = ["Explanation", "explain_loss"]

CLOSEST = 1e-6  # to 0 and 1, where logits are infinite


@dataclass(frozen=True)
class Explanation:
    """What a loss does to one likelihood.

    Attributes
    ----------
    value : float
        Of the loss.
    gradient : float64 array (H, W)
        With respect to the likelihood: descent raises it where this is negative.
    matching : DiagramMatching or None
        Of the whole likelihood as one patch; None for a loss without a diagram.
    """

    value: float
    gradient: NDArray[np.float64]
    matching: DiagramMatching | None


def explain_loss(loss: nn.Module, likelihood: ArrayLike, truth: BoolArray) -> Explanation:
    """Return what a loss does to a likelihood (H, W) in [0, 1], taken as in [1e-6, 1 - 1e-6], and a truth (H, W)."""
    values = np.clip(np.asarray(likelihood, np.float64), CLOSEST, 1 - CLOSEST)
    leaf = torch.tensor(values, requires_grad=True)
    logits = torch.logit(leaf)
    value = loss(logits[None, None], torch.from_numpy(np.asarray(truth, np.float64))[None, None])
    if value.requires_grad:  # a constant, such as the cost of what has no partner, has no gradient
        value.backward()
    gradient = np.zeros_like(values) if leaf.grad is None else leaf.grad.numpy()
    matching = None
    if isinstance(loss, DiagramLoss):
        seen = torch.sigmoid(logits.detach()).numpy()  # which rounding parts from `values`
        matching = loss.match(seen[None], np.asarray(truth, bool)[None])
    return Explanation(float(value.detach()), gradient, matching)
