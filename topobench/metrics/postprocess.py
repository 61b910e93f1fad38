"""What may be done to a segmentation before it is scored; a record says that it was done."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from topobench.errors import ArgumentError
from topobench.topology import label_components
from topobench.topology.images import as_mask
from topobench.types import BoolArray

__all__ = ["remove_small"]


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
