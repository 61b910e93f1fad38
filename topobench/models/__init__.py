"""Models: float32 images (B, C, H, W), standardised, -> logits (B, 1, H, W), for any height and width.

A model is a ``torch.nn.Module`` whose constructor takes ``in_channels`` and the options of a recipe. It may also say:

- ``reach`` (int): how many pixels away an input pixel can change an output pixel, at most, in evaluation. Images that
  are larger than a tile are predicted in tiles that overlap by enough for it; without it, by enough for 96 pixels.
- ``pretrained_weights`` (str, of the class): the name of the weights that its option ``pretrained`` wants, so that
  they can be got before a run starts.
- ``output_weights`` (tuple of float, of sum 1): that in training mode it returns a tuple of as many logits, each
  (B, 1, H, W), from coarse to refined, and what each weighs in the loss (deep supervision). In evaluation mode it
  returns the last of them alone, as any model does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from topobench.errors import ArgumentError
from topobench.registry import build

__all__ = ["build_model"]


def build_model(name: str, in_channels: int, options: Mapping[str, Any]) -> nn.Module:
    """Return a new model of that name; errors name a wrong name or option and the known ones."""
    if in_channels < 1:
        raise ArgumentError(f"in_channels is {in_channels}; it must be at least 1.")
    return build("models", name, options, nn.Module, in_channels=in_channels)
