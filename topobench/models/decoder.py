"""From a trunk's features of every resolution back to a logit per pixel."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

__all__ = ["DenseDecoder"]


class DenseDecoder(nn.Module):
    """Features of every resolution, fine to coarse, to logits at the finest.

    Each is projected to a common width, and from coarse to fine each is enlarged and added to the next, as in feature
    pyramids (Lin et al. 2017, arXiv:1612.03144).

    Parameters
    ----------
    widths : channels of the features, fine to coarse
    width : channels that they are projected to
    dropout : probability of dropping a channel of the coarsest, in training

    Shapes: features (B, widths[l], ceil(H / 2**l), ceil(W / 2**l)) -> logits (B, 1, H, W).
    """

    def __init__(self, widths: Sequence[int], width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in widths)
        self.smooth = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in widths[1:])
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return logits (B, 1, H, W)."""
        *finer, coarsest = (project(feature) for project, feature in zip(self.lateral, features, strict=True))
        merged = self.dropout(coarsest)
        for lateral, smooth in zip(reversed(finer), self.smooth, strict=True):
            enlarged = functional.interpolate(merged, lateral.shape[-2:], mode="bilinear", align_corners=False)
            merged = functional.relu(smooth(lateral + enlarged))
        logits: Tensor = self.head(merged)
        return logits
