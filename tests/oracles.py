"""Peers and plain re-computations that our own code is held against."""

import gudhi
import numpy as np
from skimage import measure


def gudhi_values(image, connectivity, frame):
    """The multiset of (dimension, birth, death) of a superlevel filtration, straight from gudhi's values."""
    inverted = -np.asarray(image, dtype=float)
    if frame:
        inverted = np.pad(inverted, 1, constant_values=-1e9)
    key = "vertices" if connectivity == 4 else "top_dimensional_cells"
    complex_ = gudhi.CubicalComplex(**{key: inverted})
    found = complex_.persistence(homology_coeff_field=2, min_persistence=0)
    pairs = [(dimension, 0.0 - birth, 0.0 - death) for dimension, (birth, death) in found if birth != death]
    return sorted((dimension, np.inf if birth == 1e9 else birth, death) for dimension, birth, death in pairs)


def values_of(pairs):
    """The multiset of (dimension, birth, death) of our pairs."""
    return sorted(zip(pairs.dimension.tolist(), pairs.birth.tolist(), pairs.death.tolist(), strict=True))


def betti_by_labelling(mask, connectivity, frame):
    """(b0, b1) by labelling structure and background with scikit-image."""
    mask = np.pad(mask, 1, constant_values=True) if frame else mask
    b0 = measure.label(mask, connectivity=1 if connectivity == 4 else 2).max()
    outside = np.pad(~mask, 1, constant_values=True)
    return int(b0), int(measure.label(outside, connectivity=2 if connectivity == 4 else 1).max()) - 1


def betti_by_persistence(pairs):
    """(b0, b1) of the segmentation `>= 0.5` from pairs of a likelihood."""
    alive = (pairs.birth >= 0.5) & (pairs.death < 0.5)
    return tuple(int(np.count_nonzero(alive & (pairs.dimension == dimension))) for dimension in (0, 1))
