"""Training batches: the batch at step t is a pure function of (seed, t), the same for every recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topobench.cards import Budget
from topobench.errors import DataError
from topobench.patches import cut, random_places
from topobench.seeds import generator
from topobench.types import Sample

__all__ = ["TrainingSet", "standardise"]

FLAT = 1e-6  # standard deviation up to which a channel is one value and its rounding


def standardise(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image (C, H, W) with mean 0 and standard deviation 1 a channel; a flat channel becomes 0."""
    wide = image.astype(np.float64)
    centred = wide - wide.mean(axis=(1, 2), keepdims=True)
    deviation = centred.std(axis=(1, 2), keepdims=True)
    return np.asarray(centred / np.where(deviation > FLAT, deviation, 1), dtype=np.float32)


@dataclass(frozen=True)
class TrainingSet:
    """Standardised training images, each stacked with its truth as the last channel: float32 (C + 1, H, W)."""

    stacks: tuple[NDArray[np.float32], ...]

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> TrainingSet:
        """Return the training set of samples; DataError where their numbers of channels differ."""
        channels = {sample.image.shape[0] for sample in samples}
        if len(channels) != 1:
            raise DataError(f"the training images have {sorted(channels)} channels; all must have the same number.")
        stacks = [np.concatenate([standardise(sample.image), sample.truth[None]]) for sample in samples]
        return cls(tuple(stack.astype(np.float32) for stack in stacks))

    @property
    def channels(self) -> int:
        """Channels of the images."""
        return len(self.stacks[0]) - 1

    def batch(self, budget: Budget, seed: int, step: int) -> tuple[Tensor, Tensor]:
        """Return images (batch, C, crop, crop) and targets (batch, 1, crop, crop) of a step, on the CPU.

        Each crop is uniform over images and places, and turned or mirrored at random into one of eight. The crop
        is smaller where an image is.
        """
        random = generator("batch", seed, step)
        size = min(budget.crop, *(side for stack in self.stacks for side in stack.shape[1:]))
        crops = [self._crop(size, random) for _ in range(budget.batch)]
        batch = torch.from_numpy(np.stack(crops))
        return batch[:, :-1], batch[:, -1:]

    def _crop(self, size: int, random: np.random.Generator) -> NDArray[np.float32]:
        stack = self.stacks[random.integers(len(self.stacks))]
        place = random_places(stack.shape, size, 1, random)
        crop = np.concatenate([cut(channel, place, size) for channel in stack])
        crop = np.rot90(crop, int(random.integers(4)), axes=(1, 2))
        return np.ascontiguousarray(crop[:, :, ::-1] if random.integers(2) else crop)
