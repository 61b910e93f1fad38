"""U-Net: Ronneberger, Fischer and Brox 2015, arXiv:1505.04597, with padded convolutions and batch norm."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from topobench.errors import ArgumentError

__all__ = ["UNet"]


class UNet(nn.Module):
    """Two 3x3 convolutions a level, a skip from each level to its mirror.

    Parameters
    ----------
    in_channels : channels of the image
    width : channels of the finest level; they double at each coarser one
    depth : number of levels; the coarsest has 1 / 2**(depth - 1) of the resolution

    Shapes: image (B, C, H, W), any H, W >= 1 -> logits (B, 1, H, W).
    """

    def __init__(self, in_channels: int = 1, width: int = 16, depth: int = 4) -> None:
        super().__init__()
        if width < 1 or depth < 1:
            raise ArgumentError(f"width is {width} and depth {depth}; a U-Net needs both to be at least 1.")
        widths = [width * 2**level for level in range(depth)]
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.down = nn.ModuleList(_double(before, after) for before, after in pairwise([in_channels, *widths]))
        self.up = nn.ModuleList(_double(fine + coarse, fine) for fine, coarse in pairwise(widths))
        self.head = nn.Conv2d(width, 1, 1)

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


def _double(before: int, after: int) -> nn.Sequential:
    """Return two rounds of convolution, batch norm and ReLU."""
    layers: list[nn.Module] = []
    for channels in (before, after):
        layers += [nn.Conv2d(channels, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers)
