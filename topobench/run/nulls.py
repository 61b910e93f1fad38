"""Null rows: rules without training, which every model must beat."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from topobench.types import BoolArray, IntArray, Sample

__all__ = ["RawThreshold"]


class RawThreshold:
    """Threshold of the raw image: grey value and side (darker, brighter) with the best Dice on the training images.

    Made with the training samples, one after the other; called with a sample it returns the mask (H, W). Colour images
    are averaged over channels; the 256 thresholds k / 255 are tried.
    """

    version: ClassVar[int] = 1

    def __init__(self, samples: Iterable[Sample]) -> None:
        structure, rest = sum((_histograms(sample) for sample in samples), np.zeros((2, 256), np.int64))
        darker = _dice(structure.cumsum(), rest.cumsum(), structure.sum())
        brighter = _dice(structure[::-1].cumsum()[::-1], rest[::-1].cumsum()[::-1], structure.sum())
        self.darker = bool(darker.max() >= brighter.max())
        self.level = int(np.argmax(darker if self.darker else brighter))

    def __call__(self, sample: Sample) -> BoolArray:
        """Return the mask (H, W) of a sample."""
        levels = _levels(sample)
        return levels <= self.level if self.darker else levels >= self.level


def _histograms(sample: Sample) -> IntArray:
    """Return how many valid pixels of each level are structure, and how many are not (2, 256)."""
    levels, masks = _levels(sample), (sample.truth, ~sample.truth)
    valid = True if sample.valid is None else sample.valid
    return np.stack([np.bincount(levels[mask & valid], minlength=256) for mask in masks])


def _levels(sample: Sample) -> IntArray:
    return np.asarray(np.rint(sample.image.mean(axis=0) * 255), dtype=np.int64)


def _dice(hits: IntArray, false: IntArray, structure: int) -> NDArray[np.float64]:
    return np.asarray(2 * hits / np.maximum(hits + false + structure, 1), dtype=np.float64)
