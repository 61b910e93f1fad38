"""Critical regions: the connected mistakes of a prediction that change its topology, told by what lies beside them.

Prediction P and truth T are laid over each other. A *wrong region* is a connected part of the structure of the one
that is background in the other: false structure, or missed structure. It is *regular* if it lies beside exactly one
component of the other mask's structure, and of the background of both beside exactly one component too: then it only
moves a border. The others are *critical*: they join or cut what the other mask has, or stand alone.

If no region is critical, the inclusions of P and of T in their union keep every component and every hole, so P and T
are the same, class by class and in place: the Betti matching error is 0 (tests/topology/test_critical.py asks all small
masks). The opposite does not hold: two critical regions may make up for each other.

References
----------
Lux, Berger et al., "Topograph", ICLR 2025, arXiv:2411.03228. The paper speaks of the intersection as well as the union;
here, as in the code that they released, a thin line that is displaced by its width is not critical. That code
differs at some corners, and at the image's border, beyond which it sees nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topobench.topology.components import label_components
from topobench.topology.images import as_mask_batch, check_connectivity, check_same_shape
from topobench.topology.threads import share
from topobench.types import BoolArray

__all__ = ["critical_regions"]


def critical_regions(
    prediction: ArrayLike, truth: ArrayLike, connectivity: int = 8, frame: bool = False, threads: int | None = None
) -> NDArray[np.int32]:
    """Number the connected mistakes of a mask that change its topology.

    Parameters
    ----------
    prediction, truth : (H, W) or (B, H, W), bool or values 0 and 1, of one shape
        True where there is structure.
    connectivity : 8 or 4
        Of the structure; the background has the dual one.
    frame : bool
        What lies beyond the image: a ring of structure, else background.
    threads : int or None
        Among how many threads a batch is shared at most; None: as many as help. The answer is the same.

    Returns
    -------
    int32 array of the masks' shape
        0 where the prediction is right or its mistake regular; within each image the critical regions are numbered 1,
        2, ... by their first pixel in row-major order.

    Raises
    ------
    ArgumentError
        For shapes that differ, what is no mask, and a connectivity that is neither 4 nor 8.

    Notes
    -----
    Linear in the number of pixels. Of structure and background the one that is 8-connected has the corners of its
    pixels. So it is beside a region already where they share a corner, the other one where they share an edge; and two
    pixels of a region touch at a corner unless it belongs to the 8-connected one next to them anyhow.

    Examples
    --------
    >>> truth = [[0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]]
    >>> prediction = [[1, 0, 0, 0, 0], [1, 1, 0, 1, 1], [0, 0, 0, 0, 0]]
    >>> critical_regions(prediction, truth)
    array([[0, 0, 0, 0, 0],
           [0, 0, 1, 0, 0],
           [0, 0, 0, 0, 0]], dtype=int32)
    """
    from topobench.topology.overlays import number_critical

    check_same_shape(prediction, truth)
    check_connectivity(connectivity)
    ours, theirs = (_bordered(as_mask_batch(mask), bool(frame)) for mask in (prediction, truth))
    labels = np.zeros((len(ours), ours.shape[1] - 2, ours.shape[2] - 2), np.int32)

    def work(first: int, last: int) -> None:
        mine, true = ours[first:last], theirs[first:last]
        components = [label_components(mask, connectivity, 1) for mask in (mine, true)]
        background = label_components(~(mine | true), 12 - connectivity, 1)
        number_critical(*components, background, connectivity == 8, labels[first:last])

    share(work, ours.shape, threads)
    return labels.reshape(np.shape(prediction))


def _bordered(masks: BoolArray, structure: bool) -> BoolArray:
    """Return masks (B, H, W) with what lies beyond the image around them."""
    return np.pad(masks, ((0, 0), (1, 1), (1, 1)), constant_values=structure)
