"""What may be done to a segmentation before it is scored; a record says that it was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topobench.cards import Protocol
from topobench.errors import ArgumentError
from topobench.topology import label_components
from topobench.topology.images import as_mask
from topobench.types import BoolArray

__all__ = ["Variant", "remove_small"]


def remove_small(mask: ArrayLike, size: int, connectivity: int = 8) -> BoolArray:
    """Return a mask (H, W) without its components of fewer than `size` pixels.

    The first author of Hu et al. 2019 recommends it before Betti errors are taken, without naming a size. Holes are
    left as they are. ArgumentError for a size below 1.
    """
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        raise ArgumentError(f"size is {size!r}; it must be a whole number of pixels from 1 on.")
    labels = label_components(as_mask(mask, "mask"), connectivity)
    kept = np.bincount(labels.ravel()) >= size
    kept[0] = False
    return np.asarray(kept[labels])


@dataclass(frozen=True)
class Variant:
    """How a likelihood is made a mask, where that is not the protocol's own way."""

    threshold: float | None
    smallest: int | None

    @classmethod
    def of(cls, recipe: Mapping[str, Any]) -> Variant:
        """Return what a record of predictions says was done: its `choices` stand in the recipe."""
        return cls(recipe.get("threshold"), recipe.get("remove_small"))

    @property
    def words(self) -> str:
        """What was done, to be set behind the method's name; empty where nothing was."""
        return ", ".join(
            ([f"threshold {self.threshold}"] if self.threshold is not None else [])
            + ([f"remove-small={self.smallest}"] if self.smallest else [])
        )

    @property
    def choices(self) -> dict[str, float]:
        """What was done, as the record keeps it."""
        given = {"threshold": self.threshold, "remove_small": self.smallest}
        return {name: value for name, value in given.items() if value is not None}

    def __call__(self, likelihood: NDArray[Any], protocol: Protocol, connectivity: int) -> NDArray[Any]:
        """Return the mask, or the likelihood as it is where nothing is to be done."""
        return self.apply(likelihood, protocol.threshold, connectivity)

    def apply(self, likelihood: NDArray[Any], threshold: float, connectivity: int) -> NDArray[Any]:
        """Return the mask by a protocol of that threshold, or the likelihood as it is where nothing is to be done."""
        if not self.words:
            return likelihood
        mask = likelihood >= (threshold if self.threshold is None else self.threshold)
        return remove_small(mask, self.smallest, connectivity) if self.smallest else mask
