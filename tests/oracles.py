"""Peers and plain re-computations that our own code is held against."""

import gudhi
import numpy as np
from gudhi.sklearn.cubical_persistence import _persistence_on_rectangle_from_top_cells
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


def gudhi_fast_values(image, connectivity=8):
    """The same without frame, for images at least 3 wide, by gudhi's fast path for two dimensions; rows, sorted.

    It knows connectivity 8 only. The pairs of 4 follow by Alexander duality: a class of f that lives in (death, birth]
    is one of -f, inside a frame and in the other dimension, that lives in (-birth, -death].
    """
    image = np.asarray(image, float)
    if connectivity == 8:
        return sorted_rows(*_fast(image))
    dimension, birth, death = _fast(np.pad(-image, 1, constant_values=np.inf))
    inside = ~((dimension == 0) & np.isinf(birth))  # the frame's own class is none of the image's
    return sorted_rows(1 - dimension[inside], 0.0 - death[inside], 0.0 - birth[inside])


def _fast(image):
    # not the class of `gudhi.sklearn`, which wraps this function and takes longer
    found = [np.asarray(pairs) for pairs in _persistence_on_rectangle_from_top_cells(-image, 0.0)]
    birth, death = np.concatenate(found).T
    return np.repeat([0, 1], [len(pairs) for pairs in found]), 0.0 - birth, 0.0 - death


def sorted_rows(*columns):
    """Columns of equal length as one table with sorted rows."""
    return np.stack([column[np.lexsort(columns[::-1])] for column in map(np.asarray, columns)], axis=1)


def pairs_table(pairs):
    """All columns of our pairs as one table with sorted rows: equal tables are the same multiset of pairs."""
    names = "image", "dimension", "birth", "death", "birth_pixel", "death_pixel"
    return sorted_rows(*(getattr(pairs, name) for name in names))


def euler_characteristic(mask, connectivity):
    """Vertices - edges + squares of a mask's cubical complex; 4: pixels are vertices, 8: pixels are squares."""
    if connectivity == 8:  # a vertex is there when any of the pixels around it is, a square when its pixel is
        mask, join = np.pad(mask, 1), np.logical_or
    else:
        join = np.logical_and
    across, down = join(mask[:, 1:], mask[:, :-1]), join(mask[1:], mask[:-1])
    windows = join(across[1:], across[:-1])
    return int(mask.sum()) - int(across.sum()) - int(down.sum()) + int(windows.sum())


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
