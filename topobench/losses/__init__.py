"""Losses: (logits (B, 1, H, W), target (B, 1, H, W) of 0 and 1) -> 0-d tensor, the mean of per-image losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from topobench.errors import ArgumentError, TopobenchError
from topobench.losses.base import SegmentationLoss, TopologyClaim, check_pair
from topobench.losses.betti_matching import BettiMatchingLoss
from topobench.losses.cbdice import CenterlineBoundaryDiceLoss
from topobench.losses.cldice import SoftClDiceLoss
from topobench.losses.cross_entropy import CrossEntropyLoss
from topobench.losses.dice import DiceLoss
from topobench.losses.skeleton_recall import SkeletonRecallLoss
from topobench.losses.topological import TopologicalLoss, WassersteinLoss
from topobench.losses.topoloss_2021 import TopoLoss2021
from topobench.losses.vgg_features import VGGFeaturesLoss
from topobench.losses.weighted import Term, WeightedLoss
from topobench.registry import build

__all__ = [
    "BettiMatchingLoss",
    "CenterlineBoundaryDiceLoss",
    "CrossEntropyLoss",
    "DiceLoss",
    "SegmentationLoss",
    "SkeletonRecallLoss",
    "SoftClDiceLoss",
    "Term",
    "TopoLoss2021",
    "TopologicalLoss",
    "TopologyClaim",
    "VGGFeaturesLoss",
    "WassersteinLoss",
    "WeightedLoss",
    "build_loss",
    "check_pair",
]


def build_loss(name: str, options: Mapping[str, Any]) -> nn.Module:
    """Return a loss of that name; errors name a wrong name or option and the known ones."""
    try:
        loss = build("losses", name, options)
    except TopobenchError:
        raise
    except (Exception, SystemExit) as error:  # an option of a wrong type, or a plugin's own check
        reason = f"{type(error).__name__}: {error}"
        raise ArgumentError(f"loss {name!r} cannot be made with the options {dict(options)}: {reason}.") from error
    if not isinstance(loss, nn.Module):
        raise ArgumentError(f"loss {name!r} makes a {type(loss).__name__}; it must make a torch.nn.Module.")
    return loss
