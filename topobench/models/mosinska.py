"""The network of Mosinska et al. 2018: a U-Net that refines its own likelihood, again and again."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from topobench.errors import ArgumentError
from topobench.models.unet import UNet

__all__ = ["MosinskaNet"]


class MosinskaNet(nn.Module):
    """A U-Net whose input is the image and the likelihood that it gave before; nothing, 0 everywhere, at first.

    Source: Mosinska, Marquez-Neila, Kozinski and Fua 2018, "Beyond the Pixel-Wise Loss for Topology-Aware Delineation"
    (CVPR), arXiv:1712.02190: the same weights K times, and a loss that is the mean of the K outputs' losses with the
    weights k / Z, Z = K (K + 1) / 2. The U-Net is the common one of this package (`UNet`), not theirs, and gradients go
    through all K passes. Their other half is the loss `MosinskaLoss`.

    Parameters
    ----------
    in_channels : channels of the image
    width, depth : of the U-Net
    iterations : K, how many times it is applied

    Attributes
    ----------
    output_weights : tuple of float
        k / Z: what each output weighs in the loss.

    Shapes: image (B, C, H, W), any H, W >= 1 -> in training a tuple of K logits (B, 1, H, W), the most refined last; in
    evaluation that last one alone. Batch norm takes the statistics of all K passes together. Complexity: K U-Nets.
    """

    def __init__(self, in_channels: int = 1, width: int = 16, depth: int = 4, iterations: int = 3) -> None:
        super().__init__()
        if iterations < 1:
            raise ArgumentError(f"iterations is {iterations}; the network must be applied at least once.")
        self.unet = UNet(in_channels + 1, width, depth)
        self.output_weights = tuple(2 * k / (iterations * (iterations + 1)) for k in range(1, iterations + 1))

    @property
    def reach(self) -> int:
        """How many pixels away an input pixel can change an output pixel, at most: that of the U-Net, K times."""
        return len(self.output_weights) * self.unet.reach

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return logits (B, 1, H, W); in training those of every iteration."""
        outputs: list[Tensor] = []
        for _ in self.output_weights:
            before = torch.sigmoid(outputs[-1]) if outputs else torch.zeros_like(image[:, :1])
            outputs.append(self.unet(torch.cat([image, before], dim=1)))
        return tuple(outputs) if self.training else outputs[-1]
