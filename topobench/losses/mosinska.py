"""The loss of Mosinska et al. 2018: prediction and truth, as VGG-19 sees them, are to look alike."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from topobench.errors import ArgumentError, DataError
from topobench.losses.base import SegmentationLoss
from topobench.models.pretrained import random_features, vgg19_features

__all__ = ["MosinskaLoss"]

LAYERS = (0, 2, 5, 7, 10, 12, 14, 16)  # convolutions up to conv3_4, by torchvision's numbers
COMPARED = (2, 7, 16)  # conv1_2, conv2_2, conv3_4
POOLED = (2, 7)  # the last of their stages
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's RGB


class MosinskaLoss(SegmentationLoss):
    r"""Mean squared difference of VGG-19's features of the likelihood and of the truth, summed over three layers::

        L = sum_n 1 / (M_n H_n W_n) sum_m || l_n^m(y) - l_n^m(p) ||_2^2

    with p = sigmoid(logits), y the target, and l_n^m the m-th of M_n feature maps, H_n x W_n, of the n-th of the layers
    conv1_2, conv2_2 and conv3_4, after their ReLUs. The loss is the mean over the images.

    Source: Mosinska, Marquez-Neila, Kozinski and Fua 2018, arXiv:1712.02190, section 3.2. Maps are put into
    all of three channels and normalised as ImageNet's images are, which the weights expect; pools round up, so that
    maps of any size are taken. 0 where p = y; says nothing about Betti numbers. The features tell left from right, so
    that another turn of the images gives another loss.

    Parameters
    ----------
    pretrained : bool
        Take the weights of ImageNet, as published. False: random features, from a fixed seed, of the same network; not
        the published loss, but one that runs where the weights are not.

    Attributes
    ----------
    pretrained_weights : str
        The name of the weights that `pretrained` wants, for `topobench data fetch`.

    Shapes: logits (B, 1, H, W) floating, target (B, 1, H, W) of 0 and 1 -> 0-d tensor in [0, inf). Complexity: some
    0.2 million multiplications a pixel, three times. The features are constants: no parameters, nothing in the state.

    Raises
    ------
    DataError
        Which says what to do, where the weights are not there and cannot be had.
    """

    pretrained_weights: ClassVar[str] = "vgg19-imagenet"
    shortcomings = "the features of VGG-19 tell left from right, so that turned images cost something else"

    def __init__(self, pretrained: bool = True) -> None:
        super().__init__()
        if not isinstance(pretrained, bool):
            raise ArgumentError(f"pretrained is {pretrained!r}; it must be True or False.")
        self.pretrained = pretrained
        weights = _published_features() if pretrained else random_features()
        for layer in LAYERS:
            weight, bias = (weights[f"features.{layer}.{kind}"] for kind in ("weight", "bias"))
            weight = weight.contiguous(memory_format=torch.channels_last)  # maps follow: a fifth faster on the CPU
            self.register_buffer(f"weight_{layer}", weight, persistent=False)
            self.register_buffer(f"bias_{layer}", bias, persistent=False)

    def extra_repr(self) -> str:
        """Return the options, as torch prints modules."""
        return f"pretrained={self.pretrained}{'' if self.pretrained else ' (random features)'}"

    def of_maps(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits (B, H, W) and a target of the same shape."""
        with torch.no_grad():
            wanted = self.features(target)
        found = self.features(torch.sigmoid(logits))
        return torch.stack([functional.mse_loss(ours, true) for ours, true in zip(found, wanted, strict=True)]).sum()

    def features(self, maps: Tensor) -> list[Tensor]:
        """Return the features (B, H_n, W_n, M_n) of maps (B, H, W) in [0, 1], at the layers that are compared."""
        mean, deviation = (maps.new_tensor(values)[:, None, None] for values in (MEAN, DEVIATION))
        seen, found = (maps[:, None] - mean) / deviation, []
        for layer in LAYERS:
            weight, bias = (self.get_buffer(f"{kind}_{layer}").to(maps.dtype) for kind in ("weight", "bias"))
            seen = functional.relu(functional.conv2d(seen, weight, bias, padding=1), inplace=True)
            if layer in COMPARED:
                found.append(seen.movedim(1, -1))  # contiguous, as the gradients of mse_loss are in any case
            if layer in POOLED:
                seen = functional.max_pool2d(seen, 2, ceil_mode=True)
        return found


def _published_features() -> dict[str, Tensor]:
    """Return the weights of ImageNet; DataError, where they cannot be had, says how to do without."""
    try:
        return vgg19_features()
    except DataError as error:
        raise DataError(f"{error} Without them: the option pretrained = false, random features.") from error
