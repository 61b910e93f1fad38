"""The pixel classifier DIVE of Fakhry, Peng and Ji 2016, applied to every pixel at once."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from topobench.errors import ArgumentError
from topobench.models.initial import he_normal

__all__ = ["DIVE"]

WINDOW = 95  # pixels a side of what the classifier sees of an image
STAGES = ((4,), (5, 5), (6, 6, 6))  # kernels of the convolutions before each pool


class DIVE(nn.Module):
    """A classifier of the pixel in the middle of a 95x95 window, made dense: its logit for the window of every pixel.

    Source: Fakhry, Peng and Ji 2016, "Deep models for brain EM image segmentation: novel insights and improved
    performance", Bioinformatics 32(15), doi:10.1093/bioinformatics/btw165. The paper's: a deep network of convolutions
    and 2x2 pools that classifies raw pixels, window by window, as membrane or not. Not verified, for the paper was not
    at hand: the sizes. Window (95), kernels (4; 5, 5; 6, 6, 6; a pool after each group), widths (48, 128, 256), 100
    hidden units and dropout 0.5 are those of "model D" in a reimplementation that refers to it
    (github.com/wadehuang36/ISBI2012), where they fit the window without remainder.

    Ours: strides became dilations, which computes the same for every pixel as the window's network does; one logit
    stands for a softmax of two; ReLUs after each convolution; no local response normalisation; weights as of He et al.;
    what lies outside the image is 0, the mean of a standardised image; and training on all pixels of crops.

    Parameters
    ----------
    in_channels : channels of the image
    widths : channels before the first, the second and the third pool
    hidden : units of the fully connected layer
    dropout : probability of dropping one of them, in training

    Shapes: image (B, C, H, W), any H, W >= 1 -> logits (B, 1, H, W). Complexity: every layer at full resolution: 6.6
    million multiplications a pixel with the default widths, sixteen times less with a quarter of them.
    """

    reach = WINDOW // 2

    def __init__(
        self,
        in_channels: int = 1,
        widths: Sequence[int] = (48, 128, 256),
        hidden: int = 100,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if len(widths) != len(STAGES) or min(*widths, hidden) < 1:
            raise ArgumentError(
                f"widths is {list(widths)} and hidden {hidden}; DIVE has three widths, and all must be at least 1."
            )
        layers: list[nn.Module] = []
        dilation = 1  # pixels between neighbours after the pools so far
        for kernels, width in zip(STAGES, widths, strict=True):
            for kernel in kernels:
                layers += [nn.Conv2d(in_channels, width, kernel, dilation=dilation), nn.ReLU()]
                in_channels = width
            layers += [nn.MaxPool2d(2, stride=1, dilation=dilation)]
            dilation *= 2
        layers += [nn.Conv2d(in_channels, hidden, 2, dilation=dilation), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(hidden, 1, 1))
        he_normal(self)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (B, 1, H, W)."""
        logits: Tensor = self.layers(functional.pad(image, [self.reach] * 4))
        return logits
