"""Homotopy warping: a mask that comes as near to another one as it can without any change of its topology.

Where two masks differ, pixels of the one are flipped, one after the other, as long as they are simple (`simple`): none
of these flips changes b0 or b1. What then still differs are pixels that topology depends on: the last pixel between two
regions that have grown towards each other, the thinnest line that is left of a false bridge.

References
----------
Jain et al., CVPR 2010, doi:10.1109/CVPR.2010.5539950 (warping of masks by simple points); Hu, "Structure-aware image
segmentation with homotopy warping", NeurIPS 2022, arXiv:2112.07812 (in order of distance).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topobench.errors import ArgumentError
from topobench.topology.images import as_array, as_mask_batch, check_connectivity, check_same_shape
from topobench.topology.nearest import squared_distances
from topobench.topology.simple import tables
from topobench.topology.threads import SLOW, share
from topobench.types import BoolArray, IntArray

__all__ = ["warp"]


def warp(
    mask: ArrayLike,
    towards: ArrayLike,
    connectivity: int = 8,
    frame: bool = False,
    doubt: ArrayLike | None = None,
    threads: int | None = None,
) -> BoolArray:
    """Flip pixels in which a mask differs from another one, as long as they are simple.

    Parameters
    ----------
    mask, towards : (H, W) or (B, H, W), bool or values 0 and 1, of one shape
        True where there is structure.
    connectivity : 8 or 4
        Of the structure; the background has the dual one.
    frame : bool
        What lies beyond the image: a ring of structure, else background.
    doubt : real array of the mask's shape, or None
        Among pixels equally far from the mask's border the one of the greatest doubt goes first; of equal doubt, and
        without it, the first in row-major order.
    threads : int or None
        Among how many threads a batch is shared at most; None: as many as help. The answer is the same.

    Returns
    -------
    bool array of the mask's shape
        With the mask's Betti numbers. Where it differs from `towards`, the mask does too, and no such pixel is simple.

    Raises
    ------
    ArgumentError
        For shapes that differ, what is no mask, and a connectivity that is neither 4 nor 8.

    Notes
    -----
    The nearest to the border of the mask goes first, as far as it is simple: by the Euclidean distance to the mask's
    background (of structure) or structure (of background) within the image. One that is not simple is asked again when
    a neighbour has been flipped, so that the end is reached. O(n log n) in the number n of pixels that differ.

    Examples
    --------
    >>> warp([[1, 1, 1, 0, 0, 1, 1]], [[1, 1, 1, 1, 1, 1, 1]]).astype(int)
    array([[1, 1, 1, 1, 0, 1, 1]])
    """
    from topobench.topology.peeling import flip

    check_same_shape(mask, towards, ("mask", "mask to come near to"))
    check_connectivity(connectivity)
    batch, wanted = as_mask_batch(mask), as_mask_batch(towards)
    rank = np.zeros(batch.shape) if doubt is None else -_doubts(doubt, np.shape(mask)).reshape(batch.shape)
    warped = batch.astype(np.uint8)
    ring, kind = tables(connectivity, batch.shape[2])

    def work(first: int, last: int) -> None:
        for image in range(first, last):
            order = _order(batch[image], wanted[image], rank[image])
            flip(warped[image], order, ring, kind, bool(frame))

    share(work, batch.shape, threads, SLOW)
    return warped.view(np.bool_).reshape(np.shape(mask))


def _order(mask: BoolArray, wanted: BoolArray, rank: NDArray[np.float64]) -> IntArray:
    """Return the flat indices of what differs (H, W): the nearest to the mask's border first, then by rank."""
    differ = np.flatnonzero(mask != wanted)
    distance = np.zeros(mask.shape, np.int64)  # a mask without any structure, or any background, has no border
    if mask.any() and not mask.all():
        distance = np.where(mask, squared_distances(~mask), squared_distances(mask))
    return differ[np.lexsort((rank.ravel()[differ], distance.ravel()[differ]))]


def _doubts(doubt: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    doubts = as_array(doubt, "doubt")
    check_same_shape(np.empty(shape), doubts, ("mask", "doubt"))
    if doubts.dtype.kind not in "buif" or np.isnan(doubts.astype(np.float64)).any():
        raise ArgumentError(f"the doubt is {doubts.dtype}; it must be real, without NaN.")
    return doubts.astype(np.float64)
