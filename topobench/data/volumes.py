"""Volumes that are read section by section: a section takes memory, the volume does not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
import tifffile
from numpy.typing import NDArray

from topobench.data.limits import check_declared
from topobench.data.readers import damage, read_image, size_of
from topobench.errors import DataError

__all__ = ["Hdf5Sections", "Sections", "TiffSections", "open_sections"]

CACHED = 64 * 2**20  # bytes of unpacked HDF5 chunks that are kept: one chunk holds a piece of several sections
DEEPEST = 16  # groups within groups that an error about HDF5 lists


class Sections(Protocol):
    """A volume (sections, height, width) on disk."""

    path: Path
    shape: tuple[int, int, int]

    def __getitem__(self, index: int) -> NDArray[Any]:
        """Return a section (height, width), as stored."""
        ...


class TiffSections:
    """The pages of a TIFF file; a file of one page is a volume of one section.

    DataError, with the path, where it is damaged, in colours, has pages of several shapes, or a page larger than the
    limit.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with damage(path):
            self._file = tifffile.TiffFile(path)
            series = self._file.series[0]
            if series.ndim not in (2, 3) or "S" in series.axes:
                raise DataError(f"{path} has the shape {series.shape}; it must be (H, W) or (pages, H, W).")
            if len(self._file.series) > 1:
                shapes = ", ".join(str(one.shape) for one in self._file.series[:3])
                raise DataError(f"{path} has pages of several shapes: {shapes}; all must have one.")
            pages, height, width = (1, *series.shape)[-3:]
            check_declared(path, (height, width), series.dtype, "a page")
        self.shape = int(pages), int(height), int(width)
        self._series = series

    def __getitem__(self, index: int) -> NDArray[Any]:
        """Return a page (height, width), as stored."""
        with damage(self.path):
            if self._mapped is not None:
                return np.array(self._mapped[index])
            page = self._series.pages[index]
            return np.asarray(page.asarray())  # type: ignore[union-attr]

    @cached_property
    def _mapped(self) -> NDArray[Any] | None:
        """The pixels as they lie in the file, where they lie in one piece: ImageJ may list no more than one page."""
        if self._series.dataoffset is None:
            return None
        dtype = np.dtype(f"{self._file.byteorder}{self._series.dtype.char}")
        return np.memmap(self.path, dtype, "r", self._series.dataoffset, self.shape)


class NpySections:
    """A .npy file of the shape (sections, height, width), or (height, width)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with damage(path):
            self._mapped = np.load(path, mmap_mode="r", allow_pickle=False)
            if self._mapped.ndim not in (2, 3):
                raise DataError(f"{path} has the shape {self._mapped.shape}; it must be (H, W) or (pages, H, W).")
            sections, height, width = (1, *self._mapped.shape)[-3:]
            check_declared(path, (height, width), self._mapped.dtype, "a section")
        self.shape = int(sections), int(height), int(width)

    def __getitem__(self, index: int) -> NDArray[Any]:
        """Return a section (height, width), as stored."""
        return np.array(self._mapped.reshape(self.shape)[index])


class Hdf5Sections:
    """A data set of whole numbers (sections, height, width) in an HDF5 file.

    DataError, with the path, where the file is damaged or has no such data set (it lists those that there are), where
    it leads into another file, has another rank or type, or sections larger than the limit.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        with damage(path, "HDF5"):
            self._file = h5py.File(path, "r", rdcc_nbytes=CACHED)
            self._data = _dataset(self._file, path, name)
            _check_dataset(self._data, path, name)
        self.shape: tuple[int, int, int] = self._data.shape

    def __getitem__(self, index: int) -> NDArray[Any]:
        """Return a section (height, width), as stored."""
        with damage(self.path, "HDF5"):
            return np.asarray(self._data[index])

    def attribute(self, name: str) -> NDArray[np.float64] | None:
        """Return an attribute of three numbers (z, y, x), or None where there is none."""
        found = self._data.attrs.get(name)
        return None if found is None or np.shape(found) != (3,) else np.asarray(found, np.float64)


class OneSection:
    """An image file of any other kind: a volume of one section."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shape = (1, *size_of(path))

    def __getitem__(self, index: int) -> NDArray[Any]:
        """Return the image (height, width), as stored."""
        return read_image(self.path)


def open_sections(path: Path) -> Sections:
    """Return an image file as a volume: the pages of a TIFF, the sections of a .npy file, else the one image."""
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return NpySections(path)
    return TiffSections(path) if suffix in (".tif", ".tiff") else OneSection(path)


def _dataset(file: h5py.File, path: Path, name: str) -> h5py.Dataset:
    """Return the data set of that name, reached by hard and soft links of this file alone."""
    parts = name.strip("/").split("/")
    for depth in range(1, len(parts) + 1):
        link = file.get("/".join(parts[:depth]), getlink=True) if "/".join(parts[:depth]) in file else None
        if isinstance(file.get("/".join(parts[:depth]), getlink=True, default=None), h5py.ExternalLink):
            raise DataError(f"{path}: {'/'.join(parts[:depth])!r} is a link into another file, which is not followed.")
        if link is None:
            break
    found = file.get(name)
    if not isinstance(found, h5py.Dataset):
        raise DataError(f"{path} has no data set {name!r}; it has: {', '.join(_names(file)[:10]) or 'none'}.")
    if found.external or found.is_virtual:
        raise DataError(f"{path}: the data of {name!r} lie in another file, which is not read.")
    return found


def _check_dataset(data: h5py.Dataset, path: Path, name: str) -> None:
    if data.ndim != 3:
        raise DataError(f"{path}: {name!r} has the shape {data.shape}; it must be (sections, height, width).")
    if data.dtype.kind not in "ui":
        raise DataError(f"{path}: {name!r} holds {data.dtype}; it must hold whole numbers.")
    check_declared(path, data.shape[1:], data.dtype, f"sections of {name!r}")
    check_declared(path, data.chunks or (), data.dtype, f"chunks of {name!r}")


def _names(group: h5py.Group, above: str = "", depth: int = 0) -> Sequence[str]:
    """Return the names of all data sets below a group; links into other files are not followed."""
    found: list[str] = []
    for name in group:
        if isinstance(group.get(name, getlink=True), h5py.ExternalLink) or depth > DEEPEST:
            continue
        item = group.get(name)
        if isinstance(item, h5py.Dataset):
            found.append(f"{above}{name}")
        elif isinstance(item, h5py.Group):
            found += _names(item, f"{above}{name}/", depth + 1)
    return found
