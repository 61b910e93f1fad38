"""Which components and holes of two masks are the same: Betti matching, and the map from intersection to union.

Betti matching (Stucki, Paetzold, Shit, Menze, Bauer 2023, arXiv:2211.15272) matches classes of a prediction P and a
truth T through their union U: a class of P and one of T are partners if the inclusions P -> U <- T send both to one
class of U. For masks all classes are born and die together, and the induced matching leaves open which of the classes
that U makes one is taken; it is fixed here by place:

- Components: those of P and of T that lie in one component of U meet there, and one of each is matched: the largest,
  of equal ones the first in row-major order, but that of the frame before all others. There are as many matches as
  components of U that hold both.
- Holes: the class of a hole h of P goes to the holes of U inside h, and lives until the last of them is filled. Pixels
  enter in row-major order (as everywhere in `topobench.topology`), so that is the hole of U that holds the last pixel.
  Holes of P and T are partners if the same hole of U is last in both.

The essential class is a component like others: P without structure has none, and two components that do not meet in U
are not matched even if they are the only ones. (The authors' code leaves essential classes out.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topobench.errors import ArgumentError
from topobench.topology.components import label_components
from topobench.topology.images import as_mask_batch, check_connectivity, check_same_shape
from topobench.types import BoolArray, IntArray

__all__ = ["Induced", "Matching", "Unmatched", "betti_matching", "induced_map", "unmatched_classes"]

Labels = NDArray[np.int32]


@dataclass(frozen=True)
class Matching:
    """How many classes of a batch of masks found a partner: int64 arrays (2, B), row d for dimension d.

    In each dimension `matched` + `false` are the Betti numbers of the prediction, `matched` + `missed` the truth's.
    """

    matched: IntArray
    false: IntArray
    missed: IntArray

    @property
    def error(self) -> IntArray:
        """The Betti matching error by dimension and image: how many classes of either have no partner."""
        return self.false + self.missed


@dataclass(frozen=True)
class Unmatched:
    """The classes without partner, in place: int32 label images (H, W), 0 elsewhere, numbered from 1 on.

    A component is drawn as its pixels; a hole as the pixels that it encloses in its own mask.
    """

    false_components: Labels
    missed_components: Labels
    false_holes: Labels
    missed_holes: Labels


@dataclass(frozen=True)
class Induced:
    """Kernel, image and cokernel of the map on homology from intersection to union: int64 dimensions (2, B)."""

    kernel: IntArray
    image: IntArray
    cokernel: IntArray

    @property
    def error(self) -> IntArray:
        """DIU error by dimension and image: dim ker + dim coker."""
        return self.kernel + self.cokernel


def betti_matching(
    prediction: ArrayLike, truth: ArrayLike, connectivity: int = 8, frame: bool = False, threads: int | None = None
) -> Matching:
    """Match components and holes of predicted masks with those of the truth.

    Parameters
    ----------
    prediction, truth : (H, W) or (B, H, W), bool or values 0 and 1, of one shape
        True where there is structure.
    connectivity : 8 or 4
        Of the structure; the background has the dual one.
    frame : bool
        Add a ring of structure outside the images first.
    threads : int or None
        Among how many threads a batch is shared at most; None: as many as help. The answer is the same.

    Returns
    -------
    Matching
        Counts by dimension and image; a single image is a batch of one.

    Raises
    ------
    ArgumentError
        For shapes that differ, or values that are no mask's.

    Notes
    -----
    Linear in the number of pixels. Mapping both masks into their union makes the error symmetric; it is at least the
    Betti number error, and 0 for equal masks.

    Examples
    --------
    >>> ring, block = [[1, 1, 1], [1, 0, 1], [1, 1, 1]], [[1, 1, 1], [1, 1, 1], [1, 1, 1]]
    >>> betti_matching(ring, block).error.tolist()
    [[0], [1]]
    """
    from topobench.topology.partners import count_partners

    ours, theirs = _batches(prediction, truth, frame)
    classes = _classes(ours, theirs, connectivity, frame, threads)
    matched, own, other = np.zeros((3, 2, len(ours)), np.int64)
    count_partners(*classes, bool(frame), matched, own, other)
    return Matching(matched, own - matched, other - matched)


def unmatched_classes(prediction: ArrayLike, truth: ArrayLike, connectivity: int = 8, frame: bool = False) -> Unmatched:
    """Return the components and holes of two masks (H, W) that `betti_matching` leaves without partner, in place."""
    from topobench.topology.partners import partners_of

    if np.ndim(prediction) != 2:
        raise ArgumentError(f"the prediction has shape {np.shape(prediction)}; one image (H, W) is wanted here.")
    ours, theirs = _batches(prediction, truth, frame)
    classes = [labels[0] for labels in _classes(ours, theirs, connectivity, frame, None)]
    inside = slice(1, -1) if frame else slice(None)

    def alone(labels: Labels, partner: Labels) -> Labels:
        number = np.cumsum(partner[1:] == 0) * (partner[1:] == 0)
        return np.concatenate([[0], number]).astype(np.int32)[labels][inside, inside]

    own = (classes[0], classes[1], classes[3], classes[4])
    return Unmatched(*map(alone, own, partners_of(*classes, bool(frame))))


def induced_map(
    prediction: ArrayLike, truth: ArrayLike, connectivity: int = 8, frame: bool = False, threads: int | None = None
) -> Induced:
    """Return dimensions of kernel and cokernel of H(P and T) -> H(P or T), the map that inclusion induces.

    Nothing is matched here, so nothing depends on an order: dim ker + dim coker is the metric that Lux, Berger et al.
    2025 (Topograph, arXiv:2411.03228) call DIU. It may be 0 though Betti numbers differ. Parameters are those of
    `betti_matching`.

    A component of the union counts for the image if it holds a component of the intersection; a hole of the
    intersection, if it holds a hole of the union.
    """
    from topobench.topology.partners import count_images

    ours, theirs = _batches(prediction, truth, frame)
    lower, upper = ours & theirs, ours | theirs
    image, below, above = np.zeros((3, 2, len(ours)), np.int64)
    count_images(*_labels(lower, connectivity, frame, threads), *_labels(upper, connectivity, frame, threads),
                  image, below, above)  # fmt: skip
    return Induced(below - image, image, above - image)


def _batches(prediction: ArrayLike, truth: ArrayLike, frame: bool) -> list[BoolArray]:
    """Return both as batches (B, H, W), with a ring of structure where there is a frame."""
    check_same_shape(prediction, truth)
    both = [as_mask_batch(mask) for mask in (prediction, truth)]
    return [np.pad(mask, ((0, 0), (1, 1), (1, 1)), constant_values=True) for mask in both] if frame else both


def _classes(ours: BoolArray, theirs: BoolArray, connectivity: int, frame: bool, threads: int | None) -> list[Labels]:
    """Return the components of prediction, truth and union, then their holes."""
    both = [_labels(mask, connectivity, frame, threads) for mask in (ours, theirs, ours | theirs)]
    return [labels[dimension] for dimension in (0, 1) for labels in both]


def _labels(masks: BoolArray, connectivity: int, frame: bool, threads: int | None) -> tuple[Labels, Labels]:
    """Return components and holes of masks (B, H, W), numbered from 1 on in each."""
    check_connectivity(connectivity)
    components = label_components(masks, connectivity, threads)
    if frame:  # the ring closes everything off: no background is outside
        return components, label_components(~masks, 12 - connectivity, threads)
    outside = np.pad(~masks, ((0, 0), (1, 1), (1, 1)), constant_values=True)
    regions = label_components(outside, 12 - connectivity, threads)[:, 1:-1, 1:-1]
    return components, np.maximum(regions - 1, 0)  # 1 is what the first pixel belongs to: the outside
