"""VGG-19 as the trunk of a segmentation network: Simonyan and Zisserman 2015, arXiv:1409.1556, with a dense decoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from topobench.models.decoder import DenseDecoder
from topobench.models.initial import he_normal
from topobench.models.pretrained import VGG19_STAGES, vgg19_features
from topobench.models.reach import pyramid_reach

__all__ = ["VGG19"]


class VGG19(nn.Module):
    """The 16 convolutions of VGG-19 (configuration E) with their five pools, and a dense decoder.

    Each convolution is 3x3 and followed by a ReLU. `features` has torchvision's layers by their numbers there, so that
    the official weights fit by name; but pools round up, so that there is something left of images of any size. The
    classifier of ImageNet, three fully connected layers, is left out.

    Parameters
    ----------
    in_channels : C, channels of the image
    pretrained : begin with the weights of ImageNet; else with random ones (He et al. 2015, arXiv:1502.01852)
        The first convolution takes RGB. For C = 3 it is as it was; for C = 1 it is summed over RGB, which is what it
        does to a grey image in three equal channels; for other C each channel gets a C-th of that sum. The weights were
        made for RGB less its mean over its standard deviation on ImageNet; ours is standardised image by image.
    decoder_width : channels of the decoder

    Attributes
    ----------
    pretrained_weights : str
        The name of the weights that `pretrained` wants, for `topobench data fetch`.

    Shapes: image (B, C, H, W), any H, W >= 1 -> logits (B, 1, H, W). DataError, which says what to do, where the
    weights are not there and cannot be had.
    """

    pretrained_weights: ClassVar[str] = "vgg19-imagenet"

    def __init__(self, in_channels: int = 1, pretrained: bool = True, decoder_width: int = 16) -> None:
        super().__init__()
        weights = vgg19_features() if pretrained else None
        layers: list[nn.Module] = []
        before = in_channels
        for stage in VGG19_STAGES:
            for width in stage:
                layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
                before = width
            layers += [nn.MaxPool2d(2, ceil_mode=True)]
        self.features = nn.Sequential(*layers)
        self.decoder = DenseDecoder([*(stage[-1] for stage in VGG19_STAGES), before], decoder_width)
        if weights is None:
            he_normal(self.features)
        else:
            self.load_state_dict({**self.state_dict(), **_for_channels(weights, in_channels)})

    @property
    def reach(self) -> int:
        """How many pixels away an input pixel can change an output pixel, at most."""
        return pyramid_reach([*map(len, VGG19_STAGES), 0], [1] * len(VGG19_STAGES))

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (B, 1, H, W)."""
        found, features = image, []
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                features.append(found)
            found = layer(found)
        logits: Tensor = self.decoder([*features, found])
        return logits


def _for_channels(weights: Mapping[str, Tensor], channels: int) -> dict[str, Tensor]:
    """Return weights whose first convolution takes so many channels in place of RGB."""
    first = weights["features.0.weight"]
    if channels != 3:
        first = (first.sum(dim=1, keepdim=True) / channels).repeat(1, channels, 1, 1)
    return {**weights, "features.0.weight": first}
