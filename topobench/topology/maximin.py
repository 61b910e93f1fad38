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
from numpy.typing import ArrayLike, NDArray

from topobench.errors import ArgumentError
from topobench.topology.images import as_array, as_image_batch, check_connectivity, check_same_shape, nan_error, ready
from topobench.topology.threads import SLOW, share
from topobench.types import IntArray

__all__ = ["maximin_pairs"]


def maximin_pairs(
    image: ArrayLike, labels: ArrayLike, connectivity: int = 8, threads: int | None = None
) -> tuple[IntArray, IntArray]:
    """Count the pairs of labelled pixels by the pixel at which the best path between them is weakest.

    Parameters
    ----------
    image : (H, W) or (B, H, W), any real dtype
    labels : (H, W) or (B, H, W), integers from 0 on; of the image's shape
        As `label_components` makes them. Pixels of label 0 are on paths, but in no pair.
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
    are counted; int64 holds those of 4 billion pixels.

    Examples
    --------
    >>> same, other = maximin_pairs([[9, 2, 8, 7]], [[1, 0, 2, 2]])
    >>> same.tolist(), other.tolist()
    ([[1, 0, 1, 2]], [[0, 2, 0, 0]])
    """
    from topobench.topology.chains import count_pairs

    check_connectivity(connectivity)
    batch = as_image_batch(image)
    check_same_shape(image, labels, ("image", "label image"))
    numbers, size = _as_labels(labels).reshape(batch.shape), batch.shape[1] * batch.shape[2]
    if batch.dtype.kind == "f" and np.isnan(batch).any():
        raise nan_error(image)
    same, other = np.zeros((2, *batch.shape), np.int64)

    def work(first: int, last: int) -> None:
        values, own = (part[first:last].reshape(last - first, size) for part in (batch, numbers))
        orders = np.lexsort((own == 0, -values.astype(np.float64)))  # along the last axis, and stable
        count_pairs(orders, ready(numbers[first:last]), int(connectivity == 8), same[first:last], other[first:last])

    share(work, batch.shape, threads, SLOW)
    return same.reshape(np.shape(image)), other.reshape(np.shape(image))


def _as_labels(labels: ArrayLike) -> NDArray[np.int32]:
    """Return labels as small numbers; ArgumentError for what is no integer, or below 0."""
    numbers = as_array(labels, "label image")
    if numbers.dtype.kind not in "ui":
        raise ArgumentError(f"the label image is {numbers.dtype}; labels must be integers, 0 for none.")
    low, high = int(numbers.min(initial=0)), int(numbers.max(initial=0))
    if low < 0:
        raise ArgumentError(f"the label image holds labels from {low} to {high}; they must be 0 (none) or above.")
    if high > numbers.size:  # a table of all labels would be larger than the image
        values, numbers = np.unique(numbers, return_inverse=True)
        numbers = numbers + (values[0] > 0)
    return numbers.astype(np.int32)
