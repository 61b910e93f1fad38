"""Maximin pixels: of all paths between two pixels one passes the highest saddle; how many pairs depend on which pixel.

Among the paths between two pixels, through neighbours, the best one is that whose least value is greatest. That value,
the pair's *maximin*, decides whether the two are connected once the image is thresholded: they are at every threshold
up to it (Turaga et al. 2009). All pairs together have as many maximin pixels as there are joins in a union-find of the
pixels in descending order.

References
----------
Turaga, Briggman, Helmstaedter, Denk and Seung, "Maximin affinity learning of image segmentation", NIPS 2009.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from topobench.errors import ArgumentError
from topobench.topology.images import as_image_batch, check_connectivity, nan_error, ready
from topobench.topology.threads import share
from topobench.types import IntArray

__all__ = ["maximin_pairs"]


def maximin_pairs(
    image: ArrayLike, labels: ArrayLike, connectivity: int = 8, threads: int | None = None
) -> tuple[IntArray, IntArray]:
    """Count the pairs of labelled pixels by the pixel at which the best path between them is weakest.

    Parameters
    ----------
    image : (H, W) or (B, H, W), any real dtype
    labels : (H, W) or (B, H, W), int32, from 0 on; of the image's shape
        Pixels of label 0 are on paths, but in no pair.
    connectivity : 8 or 4
        Which neighbours are joined by a path.
    threads : int or None
        Among how many threads a batch is shared at most; None: as many as help. The answer is the same.

    Returns
    -------
    (same, other) : int64 arrays of the image's shape
        The number of pairs of one label, and of two, whose maximin is this pixel's value. Of equal values those at
        labelled pixels count as greater, and then the first in row-major order: so where a path between two labels has
        the same value all along, it is weakest between them. A pixel with itself is a pair too, of the same label.

    Raises
    ------
    ArgumentError
        For shapes that differ, NaN, other labels, and a connectivity that is neither 4 nor 8.

    Notes
    -----
    O(n log n) in the number n of pixels, whatever the number of labels. All n (n + 1) / 2 pairs of n labelled pixels
    are counted, so up to 3 billion of them.

    Examples
    --------
    >>> same, other = maximin_pairs([[9, 2, 8, 7]], np.array([[1, 0, 2, 2]], np.int32))
    >>> same.tolist(), other.tolist()
    ([[1, 0, 1, 2]], [[0, 2, 0, 0]])
    """
    from topobench.topology.chains import count_pairs

    check_connectivity(connectivity)
    batch, numbers = as_image_batch(image), np.asarray(labels)
    if numbers.shape != np.shape(image) or numbers.dtype != np.int32 or (numbers.size and numbers.min() < 0):
        raise ArgumentError(
            f"the labels are {numbers.dtype} of shape {numbers.shape}, the image has shape {np.shape(image)}; they "
            "must be int32 from 0 on, of one shape."
        )
    if batch.dtype.kind == "f" and np.isnan(batch).any():
        raise nan_error(image)
    numbers = numbers.reshape(batch.shape)
    same, other = np.zeros((2, *batch.shape), np.int64)

    def work(first: int, last: int) -> None:
        values, own = (part[first:last].reshape(last - first, -1) for part in (batch, numbers))
        orders = np.lexsort((own == 0, -values.astype(np.float64)))  # along the last axis, and stable
        count_pairs(orders, ready(numbers[first:last]), int(connectivity == 8), same[first:last], other[first:last])

    share(work, batch.shape, threads)
    return same.reshape(np.shape(image)), other.reshape(np.shape(image))
