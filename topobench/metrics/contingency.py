"""The contingency table: what two labellings of one image have in common. Rand and VOI follow from it alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topobench.errors import ArgumentError
from topobench.topology.images import as_array, ready
from topobench.types import BoolArray, IntArray

__all__ = ["Table", "as_labels", "tabulate"]


@dataclass(frozen=True)
class Table:
    """Pairs of a predicted label (segment) and a true one (region), and the number of pixels that bear both.

    All three are int64 (K,), in no order: only pairs that occur are there.
    """

    segment: IntArray
    region: IntArray
    pixels: IntArray

    @cached_property
    def labelled(self) -> Table:
        """The table without the pixels of true label 0."""
        kept = self.region > 0
        return Table(self.segment[kept], self.region[kept], self.pixels[kept])

    @cached_property
    def total(self) -> int:
        """The number of pixels."""
        return int(self.pixels.sum())

    @cached_property
    def sizes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The number of pixels of each segment, and of each region, by label."""
        return _sizes(self.segment, self.pixels), _sizes(self.region, self.pixels)


def tabulate(prediction: NDArray[np.int32], truth: NDArray[np.int32], valid: BoolArray | None = None) -> Table:
    """Return the contingency table of two labellings of one shape, from 0 on, over the valid pixels."""
    from topobench.metrics.pairs import count_pairs

    counted = np.empty(0, np.uint8) if valid is None else (valid.ravel().view(np.uint8) != 0).astype(np.uint8)
    return Table(*count_pairs(ready(prediction).ravel(), ready(truth).ravel(), counted))


def as_labels(labels: ArrayLike, word: str) -> NDArray[np.int32]:
    """Return labels of any whole numbers as int32 from 0 on; 0 stays 0.

    Whole numbers are bool, integers of any size and sign, floats without a fraction. Only which pixels are labelled
    alike counts, so large and negative labels are numbered anew. ArgumentError, naming them by `word`, for all else.
    """
    array = as_array(labels, word)
    if array.dtype == np.bool_:
        array = array.view(np.uint8) != 0  # a byte of a bool may hold any value
    if not array.size:
        raise ArgumentError(f"the {word} has shape {array.shape}; there is no pixel in it.")
    whole = array.dtype.kind in "bui" or (array.dtype.kind == "f" and bool((np.floor(array) == array).all()))
    if not whole or not np.isfinite(array).all():
        raise ArgumentError(
            f"the {word} is {array.dtype} of shape {array.shape}{_strange(array)}; labels are whole numbers: bool, "
            "integers, or floats without a fraction."
        )
    low, high = array.min(), array.max()
    if low >= 0 and high <= array.size:
        return array.astype(np.int32)
    values, inverse = np.unique(array, return_inverse=True)
    numbers = np.arange(1, len(values) + 1, dtype=np.int32)
    numbers[values == 0] = 0
    return numbers[inverse].reshape(array.shape)


def _sizes(labels: IntArray, pixels: IntArray) -> NDArray[np.float64]:
    return np.asarray(np.bincount(labels, pixels), dtype=np.float64)


def _strange(array: NDArray[Any]) -> str:
    """Return a value that is no label, as words."""
    if array.dtype.kind != "f":
        return ""
    strange = array[~(np.floor(array) == array) | ~np.isfinite(array)]
    return f" with the value {strange.flat[0]}" if strange.size else ""
