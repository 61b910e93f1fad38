"""Weights trained on ImageNet: read without running what a file may hold, and checked to be those of VGG-19."""

from __future__ import annotations

import pickle
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from topobench.data.fetch import SILENT, Watcher, weights_file
from topobench.errors import DataError

__all__ = ["VGG19_CONVOLUTIONS", "VGG19_STAGES", "random_features", "vgg19_features"]

# Simonyan, Zisserman 2015, arXiv:1409.1556, table 1, column E: the widths of the convolutions between the pools.
VGG19_STAGES = (64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512, 512, 512, 512)


def _numbers() -> dict[int, tuple[int, int]]:
    """Return channels in and out of each convolution by its number in torchvision's ``features``.

    There each convolution is followed by a ReLU, and each stage by a pool, which have numbers, too.
    """
    widths = [3, *(width for stage in VGG19_STAGES for width in stage)]
    firsts = [0]
    for stage in VGG19_STAGES:
        firsts += [firsts[-1] + 2 * len(stage) + 1]
    numbers = [
        first + 2 * place for first, stage in zip(firsts, VGG19_STAGES, strict=False) for place in range(len(stage))
    ]
    return dict(zip(numbers, pairwise(widths), strict=True))


VGG19_CONVOLUTIONS = _numbers()


def vgg19_features(
    file: str | Path | None = None, data_dir: str | Path | None = None, watcher: Watcher = SILENT
) -> dict[str, Tensor]:
    """Return the weights of the 16 convolutions of VGG-19, trained on ImageNet, by torchvision's names.

    Parameters
    ----------
    file : the official file; None: that named by TOPOBENCH_WEIGHTS, else that in the cache, else it is downloaded
        (575 MB)
    data_dir : where the cache is: its folder ``weights``

    Returns
    -------
    dict of float32 tensors: ``features.N.weight`` (out, in, 3, 3) and ``features.N.bias`` (out), N in
    `VGG19_CONVOLUTIONS`. The first takes RGB in [0, 1], less (0.485, 0.456, 0.406), over (0.229, 0.224, 0.225).

    DataError where there is neither file nor network, or where it has another sha256 than the official file.
    """
    path = weights_file("vgg19-imagenet", None if file is None else Path(file), data_dir, watcher)
    return _features(path, _read(path))


def random_features(seed: int = 0) -> dict[str, Tensor]:
    """Return weights of the names and shapes of `vgg19_features` that nobody trained: He's, and biases of 0.

    They depend on the seed alone, and torch's own random numbers are left as they are.
    """
    generator, found = torch.Generator().manual_seed(seed), {}
    for number, (before, after) in VGG19_CONVOLUTIONS.items():
        deviation = (2 / (9 * before)) ** 0.5  # He et al. 2015, arXiv:1502.01852, equation 10
        found[f"features.{number}.weight"] = deviation * torch.randn(after, before, 3, 3, generator=generator)
        found[f"features.{number}.bias"] = torch.zeros(after)
    return found


def _read(path: Path) -> Any:
    """Return what a file of weights holds; nothing in it is run."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise DataError(
            f"{path} cannot be read as weights: it is damaged, or holds something else than tensors, which is not "
            f"loaded ({type(error).__name__})."
        ) from error


def _features(path: Path, state: Any) -> dict[str, Tensor]:
    """Return the convolutions' weights out of all; DataError where one is missing or has another shape."""
    found = {}
    for number, (before, after) in VGG19_CONVOLUTIONS.items():
        for kind, shape in (("weight", (after, before, 3, 3)), ("bias", (after,))):
            name = f"features.{number}.{kind}"
            tensor = state.get(name) if isinstance(state, dict) else None
            if not isinstance(tensor, Tensor) or tensor.shape != shape:
                what = f"the shape {tuple(tensor.shape)}" if isinstance(tensor, Tensor) else "no such tensor"
                raise DataError(f"{path}: {name} has {what}; VGG-19 has {shape} there.")
            found[name] = tensor.float()
    return found
