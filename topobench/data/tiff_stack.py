"""Adapter `tiff_stack`: one multi-page TIFF of images, one of labels, page by page."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from topobench.cards import Card
from topobench.data.samples import Pixels, make_sample, member_of, shape_fault
from topobench.data.volumes import TiffSections
from topobench.errors import DataError
from topobench.files import digest, file_sha256
from topobench.types import Sample

__all__ = ["TiffStack"]


class TiffStack:
    """Sections of a stack: page k of both files is ``section-kk``. Pages are read one at a time.

    Parameters
    ----------
    images, labels : file names in the data set's folder
    """

    def __init__(self, card: Card, folder: Path, images: str, labels: str) -> None:
        self.card = card
        self._paths = folder / images, folder / labels
        digits = max(2, len(str(card.count - 1)))
        names = [f"section-{page:0{digits}d}" for page in range(card.count)]
        self.members = () if self.missing() else tuple(member_of(card, name) for name in names)

    def missing(self) -> list[str]:
        """Return those of the two files that are not there."""
        return [str(path) for path in self._paths if not path.is_file()]

    def faults(self) -> list[str]:
        """Return where the files have other shapes than the card wants, or than each other."""
        if self.missing():
            return []
        try:
            images, labels = self._stacks
        except DataError as error:
            return [str(error).rstrip(".")]
        found = [f"{stack.path} has {stack.shape[0]} pages; the card wants {self.card.count}"
                 for stack in self._stacks if stack.shape[0] != self.card.count]  # fmt: skip
        found += [shape_fault(self.card, stack.shape[1:], str(stack.path)) for stack in self._stacks]
        if images.shape != labels.shape:
            found.append(f"{images.path} has the shape {images.shape}, {labels.path} {labels.shape}")
        return [fault for fault in found if fault]

    def read(self, image_id: str) -> Sample:
        """Return a section: the image as float32 (1, H, W) in [0, 1], the truth as bool (H, W)."""
        page = [member.image_id for member in self.members].index(image_id)
        if faults := self.faults():
            raise DataError("; ".join(faults) + ".")
        images, labels = (Pixels(stack[page], stack.path, f"page {page}") for stack in self._stacks)
        return make_sample(self.card, self.members[page], images, labels)

    def data_hash(self) -> str:
        """Return the hash of the two files' hashes."""
        return digest([file_sha256(path) for path in self._paths])

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open files behind; another process opens them itself."""
        return {name: value for name, value in self.__dict__.items() if name != "_stacks"}

    @cached_property
    def _stacks(self) -> tuple[TiffSections, TiffSections]:
        """The two files, opened once."""
        images, labels = self._paths
        return TiffSections(images), TiffSections(labels)
