"""Null rows: rules without training, which every model must beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from topobench.types import BoolArray, IntArray, Sample

__all__ = ["RawThreshold"]


class RawThreshold:
    """Threshold of the raw image: grey value and side (darker, brighter) with the best Dice on the training images.

    Made with the training samples; called with a sample it returns the mask (H, W). Colour images are averaged
    over channels; the 256 thresholds k / 255 are tried.
    """

    version: ClassVar[int] = 1

    def __init__(self, samples: Sequence[Sample]) -> None:
        levels = np.concatenate([_levels(sample)[_valid(sample)] for sample in samples])
        truth = np.concatenate([sample.truth[_valid(sample)] for sample in samples])
        structure, rest = (np.bincount(levels[mask], minlength=256) for mask in (truth, ~truth))
        darker = _dice(structure.cumsum(), rest.cumsum(), structure.sum())
        brighter = _dice(structure[::-1].cumsum()[::-1], rest[::-1].cumsum()[::-1], structure.sum())
        self.darker = bool(darker.max() >= brighter.max())
        self.level = int(np.argmax(darker if self.darker else brighter))

    def __call__(self, sample: Sample) -> BoolArray:
        """Return the mask (H, W) of a sample."""
        levels = _levels(sample)
        return levels <= self.level if self.darker else levels >= self.level


def _levels(sample: Sample) -> IntArray:
    return np.asarray(np.rint(sample.image.mean(axis=0) * 255), dtype=np.int64)


def _valid(sample: Sample) -> BoolArray:
    return np.ones_like(sample.truth) if sample.valid is None else sample.valid


def _dice(hits: IntArray, false: IntArray, structure: int) -> NDArray[np.float64]:
    return np.asarray(2 * hits / np.maximum(hits + false + structure, 1), dtype=np.float64)
