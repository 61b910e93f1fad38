"""Adapter `matlab_masks`: image files with labels in MATLAB files, as CrackForest has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from topobench.cards import Card
from topobench.data.matlab import read_mat
from topobench.data.paired_folders import PairedFolders, Part

__all__ = ["MatlabMasks", "read_mat"]


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
