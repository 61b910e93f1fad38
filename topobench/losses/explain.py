"""What a loss does to one likelihood: its value, its gradient with respect to the likelihood, and its matching."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from topobench.losses.diagrams import DiagramLoss
from topobench.losses.subject import EDGE, Subject
from topobench.types import BoolArray, DiagramMatching

__all__ = ["Explanation", "explain_loss"]


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
    values = np.clip(np.asarray(likelihood, np.float64), EDGE, 1 - EDGE)
    value, gradient = Subject(loss).slope(values, truth)
    matching = None
    if isinstance(loss, DiagramLoss):
        seen = torch.sigmoid(torch.logit(torch.from_numpy(values))).numpy()  # which rounding parts from `values`
        matching = loss.match(seen[None], np.asarray(truth, bool)[None])
    return Explanation(value, gradient, matching)
