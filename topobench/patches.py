"""Where patches lie, and cutting them out: seeded, so that every method is judged at the same places.

And tiles: where the parts of an image lie that is too large to be predicted at once, and how their maps become one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from topobench.errors import ArgumentError
from topobench.types import BoolArray, IntArray

__all__ = ["Tiling", "allowed_places", "cut", "draw_places", "patch_shape", "random_places", "tiles"]

Window = tuple[slice, slice]


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
    return draw_places(shape, size, count, generator, allowed_places(shape, size, valid))


def allowed_places(shape: tuple[int, ...], size: int, valid: BoolArray | None) -> NDArray[np.int32] | None:
    """Return where patches at least half valid lie, as row-major indices of their top-left corners, ascending.

    None where all are: there is no mask, or it is True everywhere. For one image they are worth keeping: some 40 ms
    for 1500 x 1500 pixels.
    """
    if valid is None or valid.all():
        return None
    height, width = patch_shape(shape, size)
    return np.flatnonzero(2 * _window_sums(valid, height, width) >= height * width).astype(np.int32)


def draw_places(
    shape: tuple[int, ...],
    size: int,
    count: int,
    generator: np.random.Generator,
    allowed: NDArray[np.int32] | None,
) -> IntArray:
    """Do as `random_places` does, given `allowed_places`."""
    height, width = patch_shape(shape, size)
    rows, columns = shape[-2] - height + 1, shape[-1] - width + 1
    if allowed is None:
        return np.stack([generator.integers(rows, size=count), generator.integers(columns, size=count)], axis=1)
    if not allowed.size:
        return np.empty((0, 2), dtype=np.int64)
    drawn = allowed[generator.integers(allowed.size, size=count)].astype(np.int64)
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


@dataclass(frozen=True)
class Tiling:
    """Overlapping tiles of images (..., H, W) of one size, and how maps of the tiles become a map of the image.

    Tiles begin every `size - overlap` pixels from the upper left on and end at the image's border, so that the last
    ones may be smaller; an image no larger than a tile is one. Where the tiles lie depends on these numbers alone.

    Parameters
    ----------
    shape : (H, W) of the image, any
    size : pixels a side of a tile
    overlap : pixels that neighbours share, at most half of `size`
    margin : pixels along a border with a neighbour in which a tile does not count, at most half of `overlap`
        A model sees less there than in the whole image; with a margin of its reach no such pixel gets into the map.

    Raises
    ------
    ArgumentError
        For numbers that do not go together.
    """

    shape: tuple[int, int]
    size: int
    overlap: int = 0
    margin: int = 0

    def __post_init__(self) -> None:
        """Raise ArgumentError for numbers that do not go together."""
        if len(self.shape) != 2 or min(self.shape) < 1:
            raise ArgumentError(f"shape is {self.shape}; it must be (height, width), both at least 1.")
        if not (0 <= 2 * self.margin <= self.overlap and 0 <= 2 * self.overlap <= self.size >= 1):
            raise ArgumentError(
                f"size is {self.size}, overlap {self.overlap}, margin {self.margin}; the overlap must be at most half "
                "of the size, the margin at most half of the overlap, and none negative."
            )

    def windows(self) -> list[Window]:
        """Return the tiles as slices of rows and columns, row by row."""
        rows, columns = (self._spans(side) for side in self.shape)
        return [(row, column) for row in rows for column in columns]

    def cut(self, image: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """Yield the tiles (..., h, w) of an image (..., H, W), as views."""
        if image.shape[-2:] != self.shape:
            raise ArgumentError(f"the image has shape {image.shape}; these tiles are of images (..., {self.shape}).")
        return (image[(..., *window)] for window in self.windows())

    def stitch(self, maps: Iterable[NDArray[Any]]) -> NDArray[Any]:
        """Return the map (..., H, W), of their dtype, whose tiles these finite maps are: where they overlap, a mean.

        The weight of a tile falls linearly across an overlap as that of its neighbour rises. Weights are whole numbers
        with the same sum at each pixel, and float64 holds every sum exactly as long as values have at most 32 bits and
        overlaps 1400 pixels: stitching what was cut gives the image back bit for bit. Means of integers and bools are
        rounded. The maps are taken one after the other.
        """
        total, dtype = np.empty(0), np.dtype(np.float64)
        for number, (window, part) in enumerate(zip(self.windows(), maps, strict=True)):
            weights = np.outer(*map(self._weights, window, self.shape))
            if part.shape[-2:] != weights.shape:
                raise ArgumentError(f"map {number} has shape {part.shape}; its tile is {weights.shape}.")
            if number == 0:  # -0.0 and not 0.0: added to -0.0 it leaves that as it is
                total, dtype = np.full((*part.shape[:-2], *self.shape), -0.0), part.dtype
            total[(..., *window)] += weights * part
        total /= (self._ramp + 1) ** 2
        return (total if dtype.kind == "f" else np.rint(total)).astype(dtype)

    @property
    def _ramp(self) -> int:
        """Over how many pixels a tile's weight rises."""
        return self.overlap - 2 * self.margin

    def _spans(self, side: int) -> list[slice]:
        """Return the tiles along one axis."""
        starts = range(0, max(side - self.overlap, 1), self.size - self.overlap)
        return [slice(start, min(start + self.size, side)) for start in starts]

    def _weights(self, span: slice, side: int) -> NDArray[np.float64]:
        """Return a tile's weights along one axis: whole numbers up to `_ramp + 1`, the sum over all tiles."""
        full = np.full(span.stop - span.start, self._ramp + 1)
        rising = np.clip(np.arange(full.size) - self.margin + 1, 0, self._ramp + 1)
        before, after = rising if span.start > 0 else full, rising[::-1] if span.stop < side else full
        return np.minimum(before, after).astype(np.float64)


def _window_sums(mask: BoolArray, height: int, width: int) -> NDArray[np.int32]:
    """Return for every window of that height and width how many of its pixels are True."""
    sums = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.int32)
    np.cumsum(mask, axis=0, dtype=np.int32, out=sums[1:, 1:])
    np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
    strips = sums[height:] - sums[:-height]
    return np.asarray(strips[:, width:] - strips[:, :-width])
