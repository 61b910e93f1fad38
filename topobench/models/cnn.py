"""The base and the enhanced CNN of the four variants: the published trunk, with a dense decoder.

The published networks end in two fully connected layers and classify a whole patch. A segmentation has a value
per pixel, so each keeps its trunk and gets a decoder (`DenseDecoder`). The fully connected layers are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from topobench.models.decoder import DenseDecoder
from topobench.models.reach import pyramid_reach

__all__ = ["BaseCNN", "EnhancedCNN"]


class _Trunk(nn.Module):
    """Stages of 3x3 convolutions, given by their widths; a 2x2 max-pool, rounding up, stands between stages.

    A last stage without convolutions is what the last pool gives.
    """

    def __init__(self, in_channels: int, stages: Sequence[Sequence[int]], norm: bool) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.stages = nn.ModuleList()
        for widths in stages:
            layers: list[nn.Module] = []
            for width in widths:
                layers += [nn.Conv2d(in_channels, width, 3, padding=1, bias=not norm)]
                layers += [nn.BatchNorm2d(width)] if norm else []
                layers += [nn.ReLU()]
                in_channels = width
            self.stages.append(nn.Sequential(*layers))

    def forward(self, image: Tensor) -> list[Tensor]:
        features = [self.stages[0](image)]
        for stage in self.stages[1:]:
            features.append(stage(self.pool(features[-1])))
        return features

    @property
    def reach(self) -> int:
        """How many pixels far it looks, with a `DenseDecoder` behind it."""
        down = [sum(isinstance(layer, nn.Conv2d) for layer in stage.modules()) for stage in self.stages]
        return pyramid_reach(down, [1] * (len(down) - 1))


class BaseCNN(nn.Module):
    """The base CNN: convolutions 32-64-128-256, pools after the 1st, 2nd and 4th, and a dense decoder.

    Parameters
    ----------
    in_channels : channels of the image
    decoder_width : channels of the decoder

    Shapes: image (B, C, H, W), any H, W >= 1 -> logits (B, 1, H, W).
    """

    def __init__(self, in_channels: int = 1, decoder_width: int = 16) -> None:
        super().__init__()
        self.trunk = _Trunk(in_channels, [[32], [64], [128, 256], []], norm=False)
        self.decoder = DenseDecoder([32, 64, 256, 256], decoder_width)

    @property
    def reach(self) -> int:
        """How many pixels away an input pixel can change an output pixel, at most."""
        return self.trunk.reach

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (B, 1, H, W)."""
        logits: Tensor = self.decoder(self.trunk(image))
        return logits


class EnhancedCNN(nn.Module):
    """The enhanced CNN: the base with batch norm, a further convolution of 512 and its pool, and dropout.

    Parameters
    ----------
    in_channels : channels of the image
    decoder_width : channels of the decoder
    dropout : probability of dropping a channel of the coarsest features, in training

    Shapes: image (B, C, H, W), any H, W >= 1 -> logits (B, 1, H, W).
    """

    def __init__(self, in_channels: int = 1, decoder_width: int = 16, dropout: float = 0.5) -> None:
        super().__init__()
        self.trunk = _Trunk(in_channels, [[32], [64], [128, 256], [512], []], norm=True)
        self.decoder = DenseDecoder([32, 64, 256, 512, 512], decoder_width, dropout)

    @property
    def reach(self) -> int:
        """How many pixels away an input pixel can change an output pixel, at most."""
        return self.trunk.reach

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (B, 1, H, W)."""
        logits: Tensor = self.decoder(self.trunk(image))
        return logits
