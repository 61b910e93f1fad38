"""Which classes of two grey images are the same: the induced matching of their barcodes, known as Betti matching.

A prediction P and a truth T include into their union C = max(P, T) at every level, P_r -> C_r <- T_r (Stucki, Paetzold,
Shit, Menze, Bauer 2023, arXiv:2211.15272). Each inclusion has an image, whose bars are born as bars of P (or T) and die
as bars of C: a bar of P goes to the bar of C with which it shares one of the image; of several that are born together,
or die together, the longest goes with the longest (Bauer and Lesnick 2015, doi:10.20382/jocg.v6i2a9). A bar of P and
one of T are partners if both go to one bar of C. A bar that in C has met an elder before P bears it has an empty image
and goes nowhere.

Components of the image of P -> C are the components of C that hold a pixel of P. So one film of C, whose components
remember their eldest pixel in P, finds when they die, and remembering that of T too, who dies together. For holes,
Alexander duality turns both film and map: the film of P backwards, whose components remember what died last in C.

Where all values of both differ, nothing here depends on the order of pixels: flips and transposes carry partners along.
If the truth is a mask they still keep which bars of the prediction have one. Ties are broken as everywhere in
`topobench.topology`.

How this is to others:

- `betti_matching` of masks: as many holes are matched; in a frame one more where the union leaves none, for the holes
  of the frames themselves always die. The essential components, which at level -inf are one, are always partners
  here, and those that meet first in the union below the masks' level may be: so there are at least as many, and
  exactly as many where every component of the union holds some of both.
- The authors' compiled module (topolosses 0.2.0) keeps bars whose image is empty, and orders what happens at one pixel
  by place. So it matches more, and not the same when images are turned. It leaves out essential classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from topobench.topology.cubical import persistence_pairs
from topobench.topology.images import as_image_batch, check_dimensions, check_same_shape
from topobench.topology.links import links_of
from topobench.topology.threads import share
from topobench.types import IntArray, PersistencePairs

if TYPE_CHECKING:
    from topobench.topology.induced import Keys

__all__ = ["BarcodeMatching", "match_barcodes"]


@dataclass(frozen=True)
class BarcodeMatching:
    """The pairs of both images, and which of them are partners.

    Attributes
    ----------
    prediction, truth : PersistencePairs
        Exactly what `persistence_pairs` returns for each.
    partner : int64
        For each pair of the prediction the index of its partner in `truth`, -1 where it has none. Partners are of one
        image and one dimension, and no pair has two.
    """

    prediction: PersistencePairs
    truth: PersistencePairs
    partner: IntArray


def match_barcodes(
    prediction: ArrayLike,
    truth: ArrayLike,
    connectivity: int = 8,
    frame: bool = False,
    dimensions: Sequence[int] = (0, 1),
    threads: int | None = None,
) -> BarcodeMatching:
    """Match the persistence pairs of predicted images with those of the truth.

    Parameters
    ----------
    prediction, truth : (H, W) or (B, H, W), any real dtype, of one shape
        Never written to. A mask will do for a truth. NaN is refused, and so are integers beyond 2**53.
    connectivity, frame, dimensions
        As for `persistence_pairs`; a frame is around both.
    threads : int or None
        Among how many threads a batch is shared at most; None: as many as help. The answer is the same.

    Returns
    -------
    BarcodeMatching
        The pairs of both and their partners. The essential components are always partners.

    Raises
    ------
    ArgumentError
        For shapes that differ, or what `persistence_pairs` refuses.

    Notes
    -----
    Pixels are sorted in linear time, each image's once and their union's, and then shown in three films.

    Examples
    --------
    Two bumps at one place; a third that the truth lacks.

    >>> found = match_barcodes([[9, 0, 5, 1, 7]], [[8, 2, 2, 2, 6]])
    >>> found.prediction.birth.tolist(), found.truth.birth.tolist(), found.partner.tolist()
    ([5.0, 7.0, 9.0], [6.0, 8.0], [-1, 0, 1])
    """
    from topobench.topology.induced import find_partners
    from topobench.topology.native import EXACT_IN_FLOAT32

    images, wanted = (as_image_batch(prediction), as_image_batch(truth)), check_dimensions(dimensions)
    check_same_shape(prediction, truth)
    ours, theirs = (persistence_pairs(image, connectivity, frame, wanted, threads=threads)
                    for image in (prediction, truth))  # fmt: skip
    count, height, width = images[0].shape
    our_keys, their_keys = _keys(ours, count), _keys(theirs, count)
    links = links_of(connectivity, width + 2), links_of(12 - connectivity, width + 2)
    dtype = np.float32 if EXACT_IN_FLOAT32.issuperset(image.dtype for image in images) else np.float64
    partner = np.empty(len(ours), np.int64)

    def work(first: int, last: int) -> None:
        both = np.stack([image[first:last] for image in images], dtype=dtype)
        room = np.empty((3, (height + 2) * (width + 2)), dtype)
        bits = room.view(f"u{room.itemsize}")
        shares = (keys._replace(first=keys.first[first : last + 1]) for keys in (our_keys, their_keys))
        find_partners(both, room, bits, links, bool(frame), (0 in wanted, 1 in wanted), *shares, partner)

    share(work, images[0].shape, threads)
    return BarcodeMatching(ours, theirs, partner)


def _keys(pairs: PersistencePairs, count: int) -> Keys:
    """Return what names the pairs of so many images."""
    from topobench.topology.induced import Keys

    first = np.searchsorted(pairs.image, np.arange(count + 1))
    return Keys(first, pairs.dimension, np.where(pairs.dimension == 0, pairs.birth_pixel, pairs.death_pixel))
