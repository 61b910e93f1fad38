"""Adapter `matlab_masks`: image files with labels in MATLAB files, as CrackForest has them."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topobench.cards import Card
from topobench.data.limits import check_declared, largest_image
from topobench.data.paired_folders import PairedFolders, Part
from topobench.data.readers import damage
from topobench.errors import DataError

__all__ = ["MatlabMasks", "read_mat"]

HEADER, TAG = 128, 8  # bytes before the first element of a MATLAB 5 file, and before the content of an element
COMPRESSED = 15  # type of an element that is packed with zlib


class MatlabMasks(PairedFolders):
    """Paired folders whose labels are MATLAB files (version 5; not 7.3, which is HDF5).

    Parameters
    ----------
    parts : as of `paired_folders`
    variable : the array in each file
    field : its field, where it is a structure of one element
    """

    def __init__(self, card: Card, folder: Path, parts: tuple[Part, ...], variable: str, field: str = "") -> None:
        self.variable, self.field = variable, field
        super().__init__(card, folder, parts)

    def read_labels(self, path: Path) -> NDArray[Any]:
        """Return the labels in a MATLAB file (H, W), as stored."""
        return read_mat(path, self.variable, self.field)

    def label_size(self, path: Path) -> tuple[int, int]:
        """Return (height, width) of the labels in a MATLAB file, which has no header that would say so."""
        height, width = self.read_labels(path).shape
        return height, width


def read_mat(path: Path, variable: str, field: str = "") -> NDArray[Any]:
    """Return an array (H, W) of a MATLAB 5 file; DataError says what there is in place of it."""
    from scipy.io import loadmat  # slow to import

    with damage(path, "a MATLAB file"):
        _check_unpacked(path)
        found = loadmat(path, variable_names=[variable])
        if variable not in found:
            there = [name for name in loadmat(path) if not name.startswith("__")]
            raise DataError(f"{path} has no variable {variable!r}; it has: {', '.join(there) or 'none'}.")
        array = found[variable]
        if field:
            if array.dtype.names is None or field not in array.dtype.names or array.size != 1:
                fields = ", ".join(array.dtype.names or ()) or "none"
                raise DataError(f"{path}: {variable!r} is no structure with a field {field!r}; its fields: {fields}.")
            array = array[field].flat[0]
        if hasattr(array, "toarray"):  # a sparse matrix
            check_declared(path, array.shape, array.dtype)
            array = array.toarray()
        if array.ndim != 2 or array.dtype.kind not in "bui":
            raise DataError(f"{path} holds {array.dtype} of the shape {array.shape}; wanted are whole numbers (H, W).")
        return np.asarray(array)


def _check_unpacked(path: Path) -> None:
    """Raise DataError where the packed elements of a file are larger, unpacked, than the limit of an image."""
    content, place, limit = path.read_bytes(), HEADER, largest_image()
    check_declared(path, (len(content),), np.uint8, "content")
    order = "little" if content[126:128] == b"IM" else "big"
    while place + TAG <= len(content):
        kind, size = (int.from_bytes(content[place + k : place + k + 4], order) for k in (0, 4))  # type: ignore[arg-type]
        if not size:  # nothing, or zeros to the end
            return
        if kind == COMPRESSED:
            unpacker = zlib.decompressobj()
            limit -= len(unpacker.decompress(content[place + TAG : place + TAG + size], limit + 1))
            check_declared(path, (largest_image() - limit,), np.uint8, "content")
        place += TAG + size
