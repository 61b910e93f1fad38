"""Simple points, and homotopic thinning and thickening: masks that become narrower or wider and stay what they are.

A pixel is *simple* if to flip it changes neither b0 nor b1. Its eight neighbours tell (`links`): those of the structure
are joined by one component of the structure's connectivity, those of the background by one of the dual one. So a mask
from which simple points are taken one after the other keeps its Betti numbers, and more: the inclusion of the thinner
mask in the thicker one matches each component with one component and each hole with one hole.

At the image's border the answer depends on what lies beyond. `simple_points` is told; `thin` and `thicken` flip only
what is simple with a frame *and* without one, so that their masks keep the Betti numbers of both readings.

References
----------
Rosenfeld 1970, doi:10.1145/321556.321570 (simple points); Rosenfeld 1975, doi:10.1016/S0019-9958(75)90448-9 (thinning
in parallel, one side after the other); Kong and Rosenfeld 1989, doi:10.1016/0734-189X(89)90147-3 (survey).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topobench.errors import ArgumentError
from topobench.topology.images import as_mask_batch, check_connectivity, ready
from topobench.topology.links import RING, links_of
from topobench.topology.threads import share
from topobench.types import BoolArray, IntArray

__all__ = ["simple_points", "tables", "thicken", "thin"]


def simple_points(mask: ArrayLike, connectivity: int = 8, frame: bool = False, threads: int | None = None) -> BoolArray:
    """Return which pixels may be flipped, each alone, without a change of b0 or b1.

    Parameters
    ----------
    mask : (H, W) or (B, H, W), bool or values 0 and 1
        True where there is structure.
    connectivity : 8 or 4
        Of the structure; the background has the dual one.
    frame : bool
        What lies beyond the image: a ring of structure, else background. It matters for pixels on the border alone.
    threads : int or None
        Among how many threads a batch is shared at most; None: as many as help. The answer is the same.

    Returns
    -------
    bool array of the mask's shape
        For structure (may it be taken away?) and for background (may it be added?) alike. Of two neighbours that are
        both simple the second need not be so any more once the first is flipped.

    Raises
    ------
    ArgumentError
        For what is no mask, and for a connectivity that is neither 4 nor 8.

    Examples
    --------
    >>> simple_points([[1, 1, 1, 0]]).tolist()
    [[True, False, True, True]]
    """
    from topobench.topology.peeling import find_simple

    check_connectivity(connectivity)
    batch = as_mask_batch(mask)
    simple = np.empty(batch.shape, np.bool_)
    ring, kind = tables(connectivity, batch.shape[2])

    def work(first: int, last: int) -> None:
        find_simple(ready(batch[first:last]).view(np.uint8), ring, kind, bool(frame), simple[first:last])

    share(work, batch.shape, threads)
    return simple.reshape(np.shape(mask))


def thin(mask: ArrayLike, pixels: int = 1, connectivity: int = 8, threads: int | None = None) -> BoolArray:
    """Take up to so many layers of pixels off a mask, none of which changes b0 or b1, with a frame or without.

    Parameters
    ----------
    mask : (H, W) or (B, H, W), bool or values 0 and 1
        True where there is structure.
    pixels : int
        Number of layers, from 0 on; many make a skeleton, at which it stops by itself.
    connectivity : 8 or 4
        Of the structure; the background has the dual one.
    threads : int or None
        Among how many threads a batch is shared at most; None: as many as help. The answer is the same.

    Returns
    -------
    bool array of the mask's shape
        Part of the mask. The inclusion matches components and holes one to one, framed and unframed.

    Raises
    ------
    ArgumentError
        For what is no mask, a connectivity that is neither 4 nor 8, and `pixels` that is no whole number from 0 on.

    Notes
    -----
    A layer is the structure that has background at one of its four sides as the layer begins, so what is left holds
    the erosion by a cross. Beyond the image nothing is known, and no side is bare there. The layer goes from the north,
    south, west and east in turn. In each turn a pixel goes if it is bare on that side, simple, and no end, all as the
    turn begins, so that no pixel is favoured by its place in a row. What is asymmetric is the order of the turns: of
    a line an even number of pixels wide the southern or the eastern one of the two middles is kept.

    An *end* is a pixel with a single neighbour, under the structure's connectivity, that lies in the layer itself: the
    end of a line one or two pixels wide, which therefore keeps its length, but for a pixel where a staircase becomes a
    diagonal. A single neighbour inside the layer makes no end: thick lines shrink from their ends as from their
    sides, and a bump of one pixel grows no spur.

    Examples
    --------
    >>> thin([[0, 0, 0, 0, 0], [0, 1, 1, 1, 1], [0, 1, 1, 1, 1], [0, 1, 1, 1, 1], [0, 0, 0, 0, 0]]).astype(int)
    array([[0, 0, 0, 0, 0],
           [0, 0, 0, 0, 0],
           [0, 0, 1, 1, 1],
           [0, 0, 0, 0, 0],
           [0, 0, 0, 0, 0]])
    """
    return _peeled(as_mask_batch(mask), pixels, connectivity, threads).reshape(np.shape(mask))


def thicken(mask: ArrayLike, pixels: int = 1, connectivity: int = 8, threads: int | None = None) -> BoolArray:
    """Add up to so many layers of pixels to a mask, none of which changes b0 or b1, with a frame or without.

    That is to thin the background, under the dual connectivity; parameters, ends and errors are those of `thin`. What
    is added lies within the dilation by a cross. No two components grow together and no hole is filled; a narrow one
    keeps a line of background, and what thins out in a dead end keeps it too.

    Examples
    --------
    >>> thicken([[1, 0, 0, 0, 0, 1]]).astype(int)
    array([[1, 1, 0, 0, 1, 1]])
    """
    check_connectivity(connectivity)
    return ~_peeled(~as_mask_batch(mask), pixels, 12 - connectivity, threads).reshape(np.shape(mask))


def _peeled(batch: BoolArray, pixels: int, connectivity: int, threads: int | None) -> BoolArray:
    """Return masks (B, H, W) without so many layers."""
    from topobench.topology.peeling import peel

    check_connectivity(connectivity)
    if isinstance(pixels, bool) or not isinstance(pixels, (int, np.integer)) or pixels < 0:
        raise ArgumentError(f"pixels is {pixels!r}; it must be a whole number of layers, from 0 on.")
    layers = min(int(pixels), batch.shape[1] * batch.shape[2])  # each takes a pixel at least, or is the last
    peeled = (np.ascontiguousarray(batch).view(np.uint8) != 0).view(np.uint8)  # a copy, of the bytes 0 and 1 alone
    ring, kind = tables(connectivity, batch.shape[2])

    def work(first: int, last: int) -> None:
        peel(peeled[first:last], layers, ring, kind, 1 if connectivity == 8 else 2)

    share(work, batch.shape, threads)
    return np.asarray(peeled.view(np.bool_))


def tables(connectivity: int, width: int) -> tuple[IntArray, NDArray[np.uint8]]:
    """Return the steps to the eight neighbours in a bordered image of that width, and the kinds of their bytes."""
    stride = width + 2
    return np.array([down * stride + right for down, right in RING]), links_of(connectivity, stride).kind
