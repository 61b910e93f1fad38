"""Null rows: rules without training, floors that every model must beat.

Each is made with the training samples and the connectivity of the card's structure, of which it uses what it needs, and
called with a sample it returns a mask (H, W). Its `version` is raised when its masks change: run ids hold it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from topobench.topology import label_components
from topobench.types import BoolArray, IntArray, Sample

__all__ = ["Background", "LargestComponent", "RawThreshold", "Structure"]


class Background:
    """Nothing is structure."""

    version: ClassVar[int] = 1

    def __init__(self, samples: Iterable[Sample], connectivity: int) -> None:
        """Look at neither."""

    def __call__(self, sample: Sample) -> BoolArray:
        """Return the mask (H, W) of a sample, False everywhere."""
        return np.zeros_like(sample.truth)


class Structure:
    """Everything is structure."""

    version: ClassVar[int] = 1

    def __init__(self, samples: Iterable[Sample], connectivity: int) -> None:
        """Look at neither."""

    def __call__(self, sample: Sample) -> BoolArray:
        """Return the mask (H, W) of a sample, True everywhere."""
        return np.ones_like(sample.truth)


class RawThreshold:
    """Threshold of the raw image: grey value and side (darker, brighter) with the best Dice on the training images.

    The samples are read one after the other. Colour images are averaged over channels; the 256 thresholds k / 255 are
    tried.
    """

    version: ClassVar[int] = 1

    def __init__(self, samples: Iterable[Sample], connectivity: int) -> None:
        structure, rest = sum((_histograms(sample) for sample in samples), np.zeros((2, 256), np.int64))
        darker = _dice(structure.cumsum(), rest.cumsum(), structure.sum())
        brighter = _dice(structure[::-1].cumsum()[::-1], rest[::-1].cumsum()[::-1], structure.sum())
        self.darker = bool(darker.max() >= brighter.max())
        self.level = int(np.argmax(darker if self.darker else brighter))

    def __call__(self, sample: Sample) -> BoolArray:
        """Return the mask (H, W) of a sample."""
        levels = _levels(sample)
        return levels <= self.level if self.darker else levels >= self.level


class LargestComponent(RawThreshold):
    """The largest connected component of what the threshold of the raw image gives.

    Of several it is the one whose pixel comes first in row-major order. Pixels that are not valid are no part of it.
    Where the threshold gives nothing, nothing is structure.
    """

    version: ClassVar[int] = 1  # raised with that of RawThreshold, too

    def __init__(self, samples: Iterable[Sample], connectivity: int) -> None:
        super().__init__(samples, connectivity)
        self.connectivity = connectivity

    def __call__(self, sample: Sample) -> BoolArray:
        """Return the mask (H, W) of a sample."""
        mask = super().__call__(sample)
        labels = label_components(mask if sample.valid is None else mask & sample.valid, self.connectivity)
        sizes = np.bincount(labels.ravel())[1:]  # in the order of first pixels, so argmax takes the first of several
        return labels == 1 + np.argmax(sizes) if sizes.size else np.zeros_like(mask)


def _histograms(sample: Sample) -> IntArray:
    """Return how many valid pixels of each level are structure, and how many are not (2, 256)."""
    levels, masks = _levels(sample), (sample.truth, ~sample.truth)
    valid = True if sample.valid is None else sample.valid
    return np.stack([np.bincount(levels[mask & valid], minlength=256) for mask in masks])


def _levels(sample: Sample) -> IntArray:
    return np.asarray(np.rint(sample.image.mean(axis=0) * 255), dtype=np.int64)


def _dice(hits: IntArray, false: IntArray, structure: int) -> NDArray[np.float64]:
    return np.asarray(2 * hits / np.maximum(hits + false + structure, 1), dtype=np.float64)
