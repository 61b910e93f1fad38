"""Components and Betti numbers of masks, for whole batches at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from topobench.topology.images import as_mask_batch, check_connectivity
from topobench.types import BoolArray, IntArray

__all__ = ["betti_numbers", "label_components"]


def label_components(mask: ArrayLike, connectivity: int = 8) -> NDArray[np.int32]:
    """Number the connected components of a mask.

    Parameters
    ----------
    mask : (H, W) or (B, H, W), bool or values 0 and 1
    connectivity : 8 or 4
        Which neighbours belong together *in this mask*. For regions between membranes of connectivity 8 pass the
        inverted mask and 4, the dual.

    Returns
    -------
    int32 array of the mask's shape
        0 outside the mask; within each image the components are numbered 1, 2, ... by their first pixel in
        row-major order.
    """
    batch = as_mask_batch(mask)
    check_connectivity(connectivity)
    labels = _label(batch, connectivity)
    before = np.concatenate([[0], _highest(labels)[:-1]]).astype(np.int32)
    labels -= np.where(batch, before[:, None, None], np.int32(0))
    return labels.reshape(np.shape(mask))


def betti_numbers(
    mask: ArrayLike, connectivity: int = 8, frame: bool = False
) -> tuple[int, int] | tuple[IntArray, IntArray]:
    """Count components (b0) and holes (b1) of a mask.

    b0 is counted by labelling; b1 = b0 - (Euler characteristic), which is a sum over 2x2 windows.

    Parameters
    ----------
    mask : (H, W) or (B, H, W), bool or values 0 and 1
        True where there is structure.
    connectivity : 8 or 4
        Of the structure; the background has the dual one.
    frame : bool
        Add a ring of structure outside the image first; in a framed membrane image b1 counts the cells.

    Returns
    -------
    (b0, b1)
        Two ints, or two int64 arrays (B,) for a batch.

    Examples
    --------
    >>> betti_numbers([[1, 1, 1], [1, 0, 1], [1, 1, 1]])
    (1, 1)
    """
    batch = as_mask_batch(mask)
    check_connectivity(connectivity)
    if frame:
        batch = np.pad(batch, ((0, 0), (1, 1), (1, 1)), constant_values=True)
    b0 = np.diff(_highest(_label(batch, connectivity)), prepend=0).astype(np.int64)
    b1 = b0 - _euler(batch, connectivity)
    if np.ndim(mask) == 2:
        return int(b0[0]), int(b1[0])
    return b0, b1


def _label(batch: BoolArray, connectivity: int) -> NDArray[np.int32]:
    """Label all images in one pass, as a volume whose slices do not touch; numbers ascend in row-major order."""
    neighbours = np.zeros((3, 3, 3), dtype=bool)
    neighbours[1] = ndimage.generate_binary_structure(2, 1 if connectivity == 4 else 2)
    labels = np.zeros(batch.shape, dtype=np.int32)
    ndimage.label(batch, neighbours, output=labels)
    return labels


def _highest(labels: NDArray[np.int32]) -> IntArray:
    """Return the highest label in each image or any before it."""
    return np.maximum.accumulate(labels.max(axis=(1, 2), initial=0).astype(np.int64))


def _euler(batch: BoolArray, connectivity: int) -> IntArray:
    """Return vertices - edges + squares of each image's cubical complex.

    4: pixels are vertices, and an edge or square is there when all its pixels are. 8: pixels are squares, and an
    edge or vertex is there when any of its pixels is.
    """
    join = np.logical_and if connectivity == 4 else np.logical_or
    if connectivity == 8:
        batch = np.pad(batch, ((0, 0), (1, 1), (1, 1)))
    across = join(batch[:, :, 1:], batch[:, :, :-1])
    down = join(batch[:, 1:], batch[:, :-1])
    windows = join(across[:, 1:], across[:, :-1])
    pixels, *edges, windows = (np.count_nonzero(cells, axis=(1, 2)) for cells in (batch, across, down, windows))
    return np.asarray(pixels - sum(edges) + windows, dtype=np.int64)
