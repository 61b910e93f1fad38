"""Back ends of `persistence_pairs` that call peers, to compare with: gudhi and Cubical Ripser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topobench.errors import ArgumentError
from topobench.topology.images import HoldsNaN
from topobench.types import FloatArray, IntArray, PersistencePairs

__all__ = ["cripser_pairs", "gudhi_pairs"]


def gudhi_pairs(images: NDArray[Any], connectivity: int, frame: bool, dimensions: tuple[int, ...]) -> PersistencePairs:
    """Return the pairs by gudhi's cubical complex, one image at a time, through the rank at which pixels enter."""
    return _by_ranks(_gudhi_ranks, images, connectivity, frame, dimensions)


def cripser_pairs(
    images: NDArray[Any], connectivity: int, frame: bool, dimensions: tuple[int, ...]
) -> PersistencePairs:
    """Return the pairs by Cubical Ripser, one image at a time, through the rank at which pixels enter."""
    return _by_ranks(_cripser_ranks, images, connectivity, frame, dimensions)


def _by_ranks(
    peer: Callable[[FloatArray, int], FloatArray],
    images: NDArray[Any],
    connectivity: int,
    frame: bool,
    dimensions: tuple[int, ...],
) -> PersistencePairs:
    """Return the pairs by a peer that takes the sublevel filtration of a single image.

    It sees the rank at which each pixel enters, not its value: ranks are distinct, so that ties are broken by our
    rule and every rank leads back to one pixel; and they are finite, whatever the values.
    """
    if np.isnan(images).any():
        raise HoldsNaN
    tables = []
    for image in images:
        ranks, entered = _entry_ranks(image)
        table = peer(np.pad(ranks, 1, constant_values=-1.0) if frame else ranks, connectivity)
        table[np.isinf(table)] = -1
        pixels = np.append(entered, -1)  # rank -1 is the frame, or no death at all: no pixel
        tables.append(np.stack([table[:, 0].astype(np.int64), *pixels[table[:, 1:].astype(np.int64)].T]))
    index = np.repeat(np.arange(len(images)), [table.shape[1] for table in tables])
    dimension, birth_pixel, death_pixel = np.concatenate([*tables, np.empty((3, 0), np.int64)], axis=1)
    flat = images.reshape(len(images), images.shape[1] * images.shape[2]).astype(np.float64)
    birth = np.where(birth_pixel < 0, np.inf, flat[index, birth_pixel])
    death = np.where(death_pixel < 0, -np.inf, flat[index, death_pixel])
    kept = ((birth > death) | (death_pixel < 0)) & np.isin(dimension, dimensions)  # essential classes always
    return PersistencePairs(*(part[kept] for part in (index, dimension, birth, death, birth_pixel, death_pixel)))


def _gudhi_ranks(ranks: FloatArray, connectivity: int) -> FloatArray:
    """Return rows (dimension, birth, death) by gudhi, which names cells; inf where a class does not die."""
    import gudhi

    complex_ = gudhi.CubicalComplex(**{"vertices" if connectivity == 4 else "top_dimensional_cells": ranks})
    complex_.compute_persistence()
    cells = complex_.vertices_of_persistence_pairs() if connectivity == 4 else complex_.cofaces_of_persistence_pairs()
    flat = ranks.ravel(order="F")  # gudhi counts cells in Fortran order
    rows = [(dimension, *flat[pair]) for dimension, pairs in enumerate(cells[0]) for pair in pairs]
    rows += [(dimension, flat[birth], np.inf) for dimension, births in enumerate(cells[1]) for birth in births]
    return np.array(rows, np.float64)


def _cripser_ranks(ranks: FloatArray, connectivity: int) -> FloatArray:
    """Return rows (dimension, birth, death) by Cubical Ripser; inf where a class does not die."""
    try:
        import cripser
    except ImportError as error:
        raise ArgumentError(
            "the back end 'cripser' needs the package cripser, which is not installed; "
            "install it (pip install cripser), or take the back end 'numba'."
        ) from error
    thin = 1 in ranks.shape  # of a line both constructions are the same, and cripser 0.0.37 fails at the one
    rows = cripser.compute_ph(ranks, filtration="V" if connectivity == 4 and not thin else "T", maxdim=1)
    return np.asarray(rows, np.float64)[:, :3].copy()


def _entry_ranks(image: NDArray[Any]) -> tuple[FloatArray, IntArray]:
    """Return for each pixel the rank at which it enters, and for each rank the pixel's flat index."""
    values = image.ravel().astype(np.float64)
    entered = np.argsort(-values, kind="stable")
    ranks = np.empty(values.size)
    ranks[entered] = np.arange(values.size)
    return ranks.reshape(image.shape), entered
