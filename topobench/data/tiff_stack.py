"""Adapter `tiff_stack`: one multi-page TIFF of images, one of labels, page by page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topobench.cards import Card, Count
from topobench.data.readers import read_stack, to_unit
from topobench.errors import DataError
from topobench.files import digest, file_sha256
from topobench.types import BoolArray, Sample

__all__ = ["TiffStack"]


class TiffStack:
    """Sections of a stack: page k of both files is ``section-kk``.

    Parameters
    ----------
    images, labels : file names in the data set's folder
    structure, background : label values that mean structure, and that do not; any other value is an error
    block : int
        So many neighbouring sections make one resampling unit.
    """

    def __init__(
        self, card: Card, folder: Path, images: str, labels: str,
        structure: tuple[int, ...], background: tuple[int, ...], block: Count = 1,
    ) -> None:  # fmt: skip
        self.card = card
        self.images, self.labels = folder / images, folder / labels
        self.structure, self.background = structure, background
        self.block = block
        self.image_ids = tuple(f"section-{page:02d}" for page in range(card.count))
        self._stacks: dict[Path, NDArray[Any]] = {}

    def missing(self) -> list[Path]:
        """Return those of the two files that are not there."""
        return [path for path in (self.images, self.labels) if not path.is_file()]

    def read(self, image_id: str) -> Sample:
        """Return a section: the image as float32 (1, H, W) in [0, 1], the truth as bool (H, W)."""
        page = self.image_ids.index(image_id)
        image = to_unit(self._stack(self.images)[page], self.images)
        truth = self._truth(self._stack(self.labels)[page], page)
        return Sample(image_id, image[None], truth, None, f"block-{page // self.block:02d}")

    def data_hash(self) -> str:
        """Return the hash of the two files' hashes."""
        return digest([file_sha256(self.images), file_sha256(self.labels)])

    def _stack(self, path: Path) -> NDArray[Any]:
        """Return the whole stack, read once; both stacks of the card's data sets are a few megabytes."""
        if path not in self._stacks:
            stack = read_stack(path)
            wanted = (self.card.count, *self.card.shape)
            if stack.shape != wanted:
                raise DataError(f"{path} has the shape {stack.shape}; the card wants {wanted} (pages, height, width).")
            self._stacks[path] = stack
        return self._stacks[path]

    def _truth(self, labels: NDArray[Any], page: int) -> BoolArray:
        found = np.unique(labels)
        strange = [int(value) for value in found if value not in (*self.structure, *self.background)]
        if strange:
            raise DataError(
                f"{self.labels}, page {page}, has the label values {strange[:5]}; the card allows "
                f"{list(self.structure)} (structure) and {list(self.background)} (background)."
            )
        return np.isin(labels, np.array(self.structure))
