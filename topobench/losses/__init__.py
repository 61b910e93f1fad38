"""Losses: (logits (B, 1, H, W), target (B, 1, H, W) of 0 and 1) -> 0-d tensor, the mean of per-image losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from topobench.losses.base import SegmentationLoss, TopologyClaim, check_pair
from topobench.losses.betti_matching import BettiMatchingLoss
from topobench.losses.cbdice import CenterlineBoundaryDiceLoss
from topobench.losses.cldice import SoftClDiceLoss
from topobench.losses.contract import Loss
from topobench.losses.cross_entropy import CrossEntropyLoss
from topobench.losses.dice import DiceLoss
from topobench.losses.homotopy_warping import HomotopyWarpingLoss
from topobench.losses.malis import MalisLoss
from topobench.losses.mosinska import MosinskaLoss
from topobench.losses.skeleton_recall import SkeletonRecallLoss
from topobench.losses.topograph import TopographLoss
from topobench.losses.topological import TopologicalLoss, WassersteinLoss
from topobench.losses.topoloss_2021 import TopoLoss2021
from topobench.losses.weighted import Term, WeightedLoss
from topobench.registry import build

__all__ = [
    "BettiMatchingLoss",
    "CenterlineBoundaryDiceLoss",
    "CrossEntropyLoss",
    "DiceLoss",
    "HomotopyWarpingLoss",
    "Loss",
    "MalisLoss",
    "MosinskaLoss",
    "SegmentationLoss",
    "SkeletonRecallLoss",
    "SoftClDiceLoss",
    "Term",
    "TopoLoss2021",
    "TopographLoss",
    "TopologicalLoss",
    "TopologyClaim",
    "WassersteinLoss",
    "WeightedLoss",
    "build_loss",
    "check_pair",
]


def build_loss(name: str, options: Mapping[str, Any]) -> nn.Module:
    """Return a loss of that name; errors name a wrong name or option and the known ones."""
    return build("losses", name, options, nn.Module)
