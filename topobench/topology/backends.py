"""Back ends of `persistence_pairs`: each takes checked images (B, H, W) and returns `PersistencePairs`."""

from __future__ import annotations

from typing import Any

import gudhi
import numpy as np
from numpy.typing import NDArray

from topobench.types import IntArray, PersistencePairs

__all__ = ["gudhi_pairs"]


def gudhi_pairs(images: NDArray[Any], connectivity: int, frame: bool, dimensions: tuple[int, ...]) -> PersistencePairs:
    """Return the pairs by gudhi's cubical complex, one image at a time.

    gudhi sees the rank at which each pixel enters, not its value: ranks are distinct, so that ties are broken by
    our rule and every cell of the complex leads back to one pixel; and they are finite, whatever the values.
    """
    tables = [_pixel_pairs(image, connectivity, frame) for image in images]
    index = np.repeat(np.arange(len(images)), [len(table) for table in tables])
    dimension, birth_pixel, death_pixel = np.concatenate([*tables, np.empty((0, 3), np.int64)]).T
    flat = images.reshape(len(images), images.shape[1] * images.shape[2]).astype(np.float64)
    birth = np.where(birth_pixel < 0, np.inf, flat[index, birth_pixel])
    death = np.where(death_pixel < 0, -np.inf, flat[index, death_pixel])
    kept = ((birth > death) | (death_pixel < 0)) & np.isin(dimension, dimensions)  # essential classes always
    return PersistencePairs(*(part[kept] for part in (index, dimension, birth, death, birth_pixel, death_pixel)))


def _pixel_pairs(image: NDArray[Any], connectivity: int, frame: bool) -> IntArray:
    """Return the rows (dimension, birth pixel, death pixel) of one image, -1 where there is no pixel."""
    ranks, entered = _entry_ranks(image)
    if frame:
        ranks = np.pad(ranks, 1, constant_values=-1.0)
    complex_ = gudhi.CubicalComplex(**{"vertices" if connectivity == 4 else "top_dimensional_cells": ranks})
    complex_.compute_persistence()
    cells = complex_.vertices_of_persistence_pairs() if connectivity == 4 else complex_.cofaces_of_persistence_pairs()
    regular, essential = cells
    blocks = [_block(dimension, pairs[:, 0], pairs[:, 1]) for dimension, pairs in enumerate(regular) if len(pairs)]
    blocks += [_block(dimension, births, -1) for dimension, births in enumerate(essential) if len(births)]
    table = np.concatenate(blocks)  # never empty: every image has an essential component
    values = np.append(ranks.ravel(order="F"), -1.0)  # gudhi counts cells in Fortran order; -1 is no cell
    for column in (1, 2):
        rank = values[table[:, column]].astype(np.int64)
        table[:, column] = np.where(rank < 0, -1, entered[rank])
    return table


def _block(dimension: int, born: IntArray, died: IntArray | int) -> IntArray:
    """Return the rows (dimension, birth cell, death cell) of pairs of one dimension."""
    return np.stack(np.broadcast_arrays(dimension, born, died), axis=1)


def _entry_ranks(image: NDArray[Any]) -> tuple[NDArray[np.float64], IntArray]:
    """Return for each pixel the rank at which it enters, and for each rank the pixel's flat index."""
    values = image.ravel().astype(np.float64)
    entered = np.argsort(-values, kind="stable")
    ranks = np.empty(values.size)
    ranks[entered] = np.arange(values.size)
    return ranks.reshape(image.shape), entered
