"""Persistence of 2-D images in the superlevel filtration: conventions and checks; back ends do the work.

A back end takes checked images (B, H, W), connectivity, frame and the dimensions, and returns `PersistencePairs`, or
raises `HoldsNaN`. It is called from several threads at once, each with its share of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import ArrayLike

from topobench.registry import load
from topobench.topology.images import HoldsNaN, as_image_batch, check_connectivity, check_dimensions, nan_error
from topobench.topology.threads import share
from topobench.types import PersistencePairs

__all__ = ["persistence_pairs"]


def persistence_pairs(
    likelihood: ArrayLike,
    connectivity: int = 8,
    frame: bool = False,
    dimensions: Sequence[int] = (0, 1),
    backend: str = "numba",
    threads: int | None = None,
) -> PersistencePairs:
    """Return the persistence pairs of images, with the pixels at which classes are born and die.

    Pixels enter from the highest value to the lowest; among equal values the first in row-major order enters
    first. By the elder rule, when two components meet, the one that was born later dies.

    Parameters
    ----------
    likelihood : (H, W) or (B, H, W), any real dtype, any strides
        Never written to. NaN is refused, and so are integers beyond 2**53.
    connectivity : 8 or 4
        Of the structure: 8 = pixels as squares (T-construction), 4 = pixels as vertices (V-construction).
    frame : bool
        Add a ring that enters before every pixel. Its classes have birth +inf and birth_pixel -1: the essential
        component, and the hole of the ring itself.
    dimensions : subset of (0, 1)
    backend : str
        One of ``topobench list backends``; all give the same pairs.
    threads : int or None
        Among how many threads a batch is shared at most; None: as many as help. The answer is the same.

    Returns
    -------
    PersistencePairs
        birth and death are exactly the pixels' values, as float64; pairs of zero persistence are left out, but
        not the essential class, which has death -inf and death_pixel -1.

    Raises
    ------
    ArgumentError
        For a wrong shape, dtype or option; it names the value found and the one wanted.

    References
    ----------
    Edelsbrunner and Harer, *Computational Topology*, 2010; Garin et al., "Duality in persistent homology of
    images", 2020, arXiv:2005.04597 (T- and V-construction).
    """
    images, wanted = as_image_batch(likelihood), check_dimensions(dimensions)
    check_connectivity(connectivity)
    compute = load("backends", backend)

    def work(first: int, last: int) -> PersistencePairs:
        pairs: PersistencePairs = compute(images[first:last], connectivity, bool(frame), wanted)
        if first:
            pairs.image[...] += first
        return pairs

    try:
        parts = share(work, images.shape, threads)
    except HoldsNaN:
        raise nan_error(likelihood) from None
    return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: list[PersistencePairs]) -> PersistencePairs:
    """Return the pairs of all shares as one."""
    names = (field.name for field in fields(PersistencePairs))
    return PersistencePairs(*(np.concatenate([getattr(pairs, name) for pairs in parts]) for name in names))
