"""Models: float32 images (B, C, H, W), standardised, -> logits (B, 1, H, W); what one must do and may say: `Model`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from topobench.errors import ArgumentError
from topobench.models.contract import Model
from topobench.registry import build

__all__ = ["Model", "build_model"]


def build_model(name: str, in_channels: int, options: Mapping[str, Any]) -> nn.Module:
    """Return a new model of that name; errors name a wrong name or option and the known ones."""
    if in_channels < 1:
        raise ArgumentError(f"in_channels is {in_channels}; it must be at least 1.")
    return build("models", name, options, nn.Module, in_channels=in_channels)
