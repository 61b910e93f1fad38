"""Adapter `hdf5_volume`: volumes of images and ids in HDF5 files, section by section, in the layout of CREMI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from topobench.cards import Card, Count, Strict
from topobench.data.samples import Pixels, by_member, make_sample, member_of, shape_fault
from topobench.data.volumes import Hdf5Sections
from topobench.errors import CardError, DataError
from topobench.files import digest, file_sha256
from topobench.types import Sample

__all__ = ["Hdf5Volume", "Volume"]

OUTSIDE = 2**53  # no volume reaches as far, and a float holds it exactly


class Volume(Strict):
    """One file: its name, what the ids of its sections begin with, and how many it has."""

    name: str
    file: str
    sections: Count


class Hdf5Volume:
    """Sections of volumes: section k of the volume ``A`` is ``A-kkk``. A section is read at a time.

    Where the image volume is larger than that of the labels, the labels' attributes `offset` and `resolution` (z, y, x,
    of one unit) say where in it they lie, as in the padded volumes of CREMI (https://cremi.org/data).

    Parameters
    ----------
    images, labels : names of the HDF5 data sets (sections, height, width)
    volumes : the files
    """

    def __init__(self, card: Card, folder: Path, images: str, labels: str, volumes: tuple[Volume, ...]) -> None:
        if sum(volume.sections for volume in volumes) != card.count:
            raise CardError(f"card {card.name!r}: count is {card.count}, but its volumes' sections are not as many.")
        self.card, self.folder = card, folder
        self._names = images, labels
        self._volumes = volumes
        self._there = [volume for volume in volumes if (folder / volume.file).is_file()]
        self._places = by_member(card, (
            (member_of(card, f"{index:03d}", volume.name), (volume, index))
            for volume in self._there for index in range(volume.sections)
        ))  # fmt: skip
        self.members = tuple(self._places)
        self._open: tuple[Volume, _Opened] | None = None

    def missing(self) -> list[str]:
        """Return the files that are not there."""
        return [str(self.folder / volume.file) for volume in self._volumes if volume not in self._there]

    def faults(self) -> list[str]:
        """Return where the volumes have other shapes than the card wants."""
        found = []
        for volume in self._there:
            try:
                opened = self._opened(volume)
            except DataError as error:
                found.append(str(error).rstrip("."))
                continue
            where = f"{opened.labels.path}, {opened.labels.name!r},"
            sections, *shape = opened.labels.shape
            if sections != volume.sections:
                found.append(f"{where} has {sections} sections; the card wants {volume.sections}")
            found.append(shape_fault(self.card, (shape[0], shape[1]), where))
        return [fault for fault in found if fault]

    def read(self, image_id: str) -> Sample:
        """Return a section: the image as float32 (1, H, W) in [0, 1], the truth as bool (H, W)."""
        member = next(member for member in self.members if member.image_id == image_id)
        volume, index = self._places[member]
        opened = self._opened(volume)
        image, labels = (
            Pixels(array, self.folder / volume.file, f"section {index}") for array in opened.section(index)
        )
        return make_sample(self.card, member, image, labels)

    def data_hash(self) -> str:
        """Return the hash of the files' hashes."""
        return digest([file_sha256(self.folder / volume.file) for volume in self._there])

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open file behind; another process opens it itself."""
        return {**self.__dict__, "_open": None}

    def _opened(self, volume: Volume) -> _Opened:
        """Return a volume, open; the one before is closed, for each takes memory for unpacked chunks."""
        if self._open is None or self._open[0] != volume:
            if self._open is not None:
                self._open[1].close()
            self._open = volume, _Opened(self.folder / volume.file, *self._names)
        return self._open[1]


class _Opened:
    """The two data sets of an open file, and where in the images the labels begin."""

    def __init__(self, path: Path, images: str, labels: str) -> None:
        self.images, self.labels = Hdf5Sections(path, images), Hdf5Sections(path, labels)
        self._start = np.zeros(3, dtype=int)
        if self.images.shape == self.labels.shape:
            return
        offset, resolution = self.labels.attribute("offset"), self.labels.attribute("resolution")
        if offset is not None and resolution is not None and (resolution > 0).all():
            with np.errstate(over="ignore"):  # what overflows lies outside, too
                self._start = np.rint(np.clip(offset / resolution, -1, OUTSIDE)).astype(int)
        if (self._start < 0).any() or (self._start + self.labels.shape > self.images.shape).any():
            raise DataError(
                f"{path}: {images!r} has the shape {self.images.shape}, {labels!r} {self.labels.shape} and begins at "
                f"{self._start.tolist()} of it; the labels must lie within the images."
            )

    def section(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return image and labels of a section, (H, W) each."""
        first, top, left = self._start
        height, width = self.labels.shape[1:]
        return self.images[index + first][top : top + height, left : left + width], self.labels[index]

    def close(self) -> None:
        """Close the file."""
        self.images.close()
        self.labels.close()
