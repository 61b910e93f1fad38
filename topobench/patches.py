"""Where patches lie, and cutting them out: seeded, so that every method is judged at the same places."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from topobench.types import BoolArray, IntArray

__all__ = ["cut", "patch_shape", "random_places", "tiles"]


def patch_shape(shape: tuple[int, ...], size: int) -> tuple[int, int]:
    """Return height and width of a patch of `size` in an image of `shape` (..., H, W).

    An image shorter than the patch is used whole along that axis. In a framed patch this has the same topology
    as padding with structure, in an unframed one as padding with background.
    """
    return min(size, shape[-2]), min(size, shape[-1])


def random_places(
    shape: tuple[int, ...],
    size: int,
    count: int,
    generator: np.random.Generator,
    valid: BoolArray | None = None,
) -> IntArray:
    """Draw the top-left corners of `count` patches, uniformly and with replacement.

    Parameters
    ----------
    shape : (..., H, W)
    size : pixels a side; see `patch_shape` for smaller images
    valid : bool (H, W) or None
        Patches less than half valid are not drawn.

    Returns
    -------
    int64 array (count, 2), rows (y, x); of shape (0, 2) where no patch is half valid
    """
    height, width = patch_shape(shape, size)
    rows, columns = shape[-2] - height + 1, shape[-1] - width + 1
    if valid is None or valid.all():
        return np.stack([generator.integers(rows, size=count), generator.integers(columns, size=count)], axis=1)
    allowed = np.flatnonzero(2 * _window_sums(valid, height, width) >= height * width)
    if not allowed.size:
        return np.empty((0, 2), dtype=np.int64)
    drawn = allowed[generator.integers(allowed.size, size=count)]
    return np.stack(np.divmod(drawn, columns), axis=1)


def cut(image: NDArray[Any], places: IntArray, size: int) -> NDArray[Any]:
    """Return the patches (N, h, w) whose top-left corners are the rows of `places`.

    The rows are (y, x) for an image (H, W), and (index, y, x) for a batch (B, H, W).
    """
    windows = sliding_window_view(image, patch_shape(image.shape, size), axis=(-2, -1))
    return np.asarray(windows[tuple(places.T)])


def tiles(image: NDArray[Any], size: int, fill: Any) -> NDArray[Any]:
    """Return an image (H, W) as tiles (N, size, size), row by row; what they lack at the lower right is filled."""
    height, width = image.shape
    rows, columns = -(-height // size), -(-width // size)
    whole = np.pad(image, ((0, rows * size - height), (0, columns * size - width)), constant_values=fill)
    return whole.reshape(rows, size, columns, size).swapaxes(1, 2).reshape(-1, size, size)


def _window_sums(mask: BoolArray, height: int, width: int) -> IntArray:
    """Return for every window of that height and width how many of its pixels are True."""
    sums = np.pad(mask.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    total = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    return np.asarray(total, dtype=np.int64)
