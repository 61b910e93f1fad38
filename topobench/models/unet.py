"""U-Net: Ronneberger, Fischer and Brox 2015, arXiv:1505.04597, with padded convolutions and, of choice, a norm."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from topobench.errors import ArgumentError
from topobench.models.reach import pyramid_reach

__all__ = ["UNet"]


class UNet(nn.Module):
    """Two 3x3 convolutions a level, a skip from each level to its mirror.

    Parameters
    ----------
    in_channels : channels of the image
    width : channels of the finest level; they double at each coarser one
    depth : number of levels; the coarsest has 1 / 2**(depth - 1) of the resolution
    norm : what follows each convolution: "batch" (Ioffe, Szegedy 2015, arXiv:1502.03167), "group" (of 8 groups; Wu, He
        2018, arXiv:1803.08494), "instance" (Ulyanov et al. 2016, arXiv:1607.08022) or "none", as published

    Shapes: image (B, C, H, W), any H, W >= 1 -> logits (B, 1, H, W).
    """

    def __init__(self, in_channels: int = 1, width: int = 16, depth: int = 4, norm: str = "batch") -> None:
        super().__init__()
        if width < 1 or depth < 1:
            raise ArgumentError(f"width is {width} and depth {depth}; a U-Net needs both to be at least 1.")
        if norm not in NORMS:
            raise ArgumentError(f"norm is {norm!r}; a U-Net has one of {', '.join(map(repr, NORMS))}.")
        widths = [width * 2**level for level in range(depth)]
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.down = nn.ModuleList(_double(before, after, norm) for before, after in pairwise([in_channels, *widths]))
        self.up = nn.ModuleList(_double(fine + coarse, fine, norm) for fine, coarse in pairwise(widths))
        self.head = nn.Conv2d(width, 1, 1)

    @property
    def reach(self) -> int:
        """How many pixels away an input pixel can change an output pixel, at most, but for what norms see.

        Group and instance norm take means and variances of all that they are given, in evaluation too.
        """
        return pyramid_reach([2] * len(self.down), [2] * len(self.up))

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (B, 1, H, W)."""
        features = [self.down[0](image)]
        for level in self.down[1:]:
            features.append(level(self.pool(features[-1])))
        merged = features.pop()
        for level, skip in zip(reversed(self.up), reversed(features), strict=True):
            enlarged = functional.interpolate(merged, skip.shape[-2:], mode="bilinear", align_corners=False)
            merged = level(torch.cat([skip, enlarged], dim=1))
        logits: Tensor = self.head(merged)
        return logits


class _GroupNorm(nn.GroupNorm):
    """Group norm that takes maps of one pixel, too, and makes 0 of a value that is alone in its group."""

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        return torch.group_norm(features, self.num_groups, self.weight, self.bias, self.eps)


NORMS: dict[str, Callable[[int], nn.Module] | None] = {  # by the number of channels
    "batch": nn.BatchNorm2d,
    "group": lambda channels: _GroupNorm(math.gcd(8, channels), channels),
    "instance": lambda channels: _GroupNorm(channels, channels),
    "none": None,
}


def _double(before: int, after: int, norm: str) -> nn.Sequential:
    """Return two rounds of convolution, norm and ReLU."""
    layers: list[nn.Module] = []
    make = NORMS[norm]
    for channels in (before, after):
        layers += [nn.Conv2d(channels, after, 3, padding=1, bias=make is None)]
        layers += [nn.ReLU()] if make is None else [make(after), nn.ReLU()]
    return nn.Sequential(*layers)
