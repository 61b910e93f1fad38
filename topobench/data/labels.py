"""From the pixels of a label file to structure, as a card's ``[labels]`` says; never by a rule it does not state."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from topobench.cards import Labels
from topobench.errors import ArgumentError, DataError
from topobench.types import BoolArray

__all__ = ["id_borders", "structure_of", "values_of"]


def structure_of(labels: NDArray[Any], rule: Labels, connectivity: int, where: str) -> BoolArray:
    """Return where there is structure: bool (H, W).

    DataError, with `where`, lists the values that the rule does not allow.
    """
    if labels.dtype.kind not in "bui":
        raise DataError(f"{where} holds {labels.dtype}; labels must be whole numbers.")
    if rule.rule == "threshold":
        if labels.dtype == np.bool_ or (labels.size and labels.max() == 1):
            raise DataError(
                f"{where} holds 0 and 1 alone; the card takes what lies above {rule.above:g} for structure."
            )
        return np.asarray(labels > rule.above)
    if rule.rule == "ids":
        borders = id_borders(labels, rule.thickness or 1, connectivity)
        return borders | np.isin(labels, np.array(rule.structure)) if rule.structure else borders
    strange = [value for value in values_of(labels) if value not in (*rule.structure, *rule.background)]
    if strange:
        more = f" and {len(strange) - 5} more" if len(strange) > 5 else ""
        raise DataError(
            f"{where} has the label values {strange[:5]}{more}; the card allows {list(rule.structure)} (structure) and "
            f"{list(rule.background)} (background)."
        )
    return np.isin(labels, np.array(rule.structure))


def values_of(labels: NDArray[Any]) -> list[int]:
    """Return the different values of an array of whole numbers, ascending."""
    if labels.dtype in (np.bool_, np.uint8):
        return np.flatnonzero(np.bincount(labels.ravel(), minlength=256)).tolist()
    return [int(value) for value in np.unique(labels)]


def id_borders(ids: NDArray[Any], thickness: int, connectivity: int = 8) -> BoolArray:
    """Return the borders between regions of different ids, as structure of that connectivity: bool (H, W).

    Parameters
    ----------
    ids : (H, W), whole numbers
        An id for every pixel; regions of one id need not be connected.
    thickness : int
        Pixels across a straight border: 1 takes of each pair of neighbours with different ids the one that comes
        first in row-major order, 2 takes both; each two more add a pixel on either side.
    connectivity : 8 or 4
        Of the structure. Neighbours are those of the regions, which have the dual connectivity (4 or 8), so that no
        two pixels of different ids are neighbours once the borders are taken away.

    Examples
    --------
    >>> id_borders(np.array([[7, 7, 9, 9]]), 1).tolist(), id_borders(np.array([[7, 7, 9, 9]]), 2).tolist()
    ([[False, True, False, False]], [[False, True, True, False]])
    """
    if connectivity not in (4, 8) or thickness < 1:
        raise ArgumentError(
            f"thickness is {thickness}, connectivity {connectivity}; wanted are at least 1, and 8 or 4."
        )
    border = np.zeros(ids.shape, dtype=bool)
    steps = [(0, 1), (1, 0)]
    if connectivity == 4:  # with one pixel of each pair, those of the other diagonal are parted already
        steps += [(1, 1), (1, -1)] if thickness % 2 == 0 else [(1, 1)]
    for down, right in steps:
        first, second = _shifted(ids.shape, down, right), _shifted(ids.shape, -down, -right)
        differ = ids[first] != ids[second]
        border[first] |= differ
        if thickness % 2 == 0:
            border[second] |= differ
    around = ndimage.generate_binary_structure(2, 1 if connectivity == 8 else 2)
    grown = (thickness - 1) // 2
    return np.asarray(ndimage.binary_dilation(border, around, iterations=grown) if grown else border)


def _shifted(shape: tuple[int, ...], down: int, right: int) -> tuple[slice, slice]:
    """Return where in an image the pixels lie that have a neighbour so many steps down and to the right."""
    rows, columns = (slice(max(-step, 0), side - max(step, 0)) for step, side in zip((down, right), shape, strict=True))
    return rows, columns
