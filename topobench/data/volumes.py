"""Volumes that are read section by section: a section takes memory, the volume does not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from topobench.data.limits import check_declared, largest_image, unpacks_to_more
from topobench.data.pictures import DEFLATES_MOST
from topobench.data.quiet import plain
from topobench.data.readers import damage, map_npy, read_image, size_of
from topobench.data.tiffs import one_series, open_tiff, page_count, tiff_page
from topobench.errors import DataError

__all__ = ["Hdf5Sections", "Sections", "TiffSections", "open_sections"]

CACHED = 64 * 2**20  # bytes of unpacked HDF5 chunks that are kept: one chunk holds a piece of several sections
SPARE = 1024  # bytes by which a chunk, packed, may be larger than twice what it holds
LISTED = 10  # data sets that an error about HDF5 lists
MOST_LINKS = 32  # soft links that are followed: more go in a circle


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
            self._file = open_tiff(path, path)
            series = one_series(self._file, path)
            if series.ndim not in (2, 3) or "S" in series.axes:
                raise DataError(f"{path} has the shape {series.shape}; it must be (H, W) or (pages, H, W).")
            height, width = series.shape[-2:]
            check_declared(path, (height, width), series.dtype, "a page")
        self.shape = page_count(series), int(height), int(width)

    def __getitem__(self, index: int) -> NDArray[Any]:
        """Return a page (height, width), as stored."""
        with damage(self.path):
            return tiff_page(self._file, self.path, index)


class NpySections:
    """A .npy file of the shape (sections, height, width), or (height, width)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with damage(path):
            self._mapped = map_npy(path)
            if self._mapped.ndim not in (2, 3) or 0 in self._mapped.shape:
                raise DataError(f"{path} has the shape {self._mapped.shape}; it must be (H, W) or (pages, H, W).")
            sections, height, width = (1, *self._mapped.shape)[-3:]
            check_declared(path, (height, width), self._mapped.dtype, "a section")
        self.shape = int(sections), int(height), int(width)

    def __getitem__(self, index: int) -> NDArray[Any]:
        """Return a section (height, width), as stored."""
        return np.array(self._mapped.reshape(self.shape)[index])


class Hdf5Sections:
    """A data set of whole numbers (sections, height, width) in an HDF5 file.

    DataError, with the path, where the file is damaged or has no such data set (it lists some that there are), where
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
        """Return an attribute of three numbers (z, y, x), or None where there is none; DataError for anything else."""
        with damage(self.path, "HDF5"):
            if name not in self._data.attrs:
                return None
            found = np.asarray(self._data.attrs[name])
            if found.shape != (3,) or found.dtype.kind not in "uif" or not np.isfinite(found).all():
                raise DataError(f"{self.path}: the attribute {name!r} of {self.name!r} must be three finite numbers.")
            return found.astype(np.float64)

    def close(self) -> None:
        """Close the file, and let its cache go."""
        self._file.close()


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
    """Return the data set of that name; its data must lie in this file."""
    found = _reached(file, path, name)
    if not isinstance(found, h5py.Dataset):
        there = list(islice(_names(file), LISTED))
        raise DataError(f"{path} has no data set {name!r}; it has: {', '.join(map(plain, there)) or 'none'}.")
    if found.external or found.is_virtual:
        raise DataError(f"{path}: the data of {name!r} lie in another file, which is not read.")
    return found


def _reached(file: h5py.File, path: Path, name: str) -> h5py.Group | h5py.Dataset | None:
    """Return what bears a name, going link by link: soft links are followed, those into other files never opened."""
    item, parts, soft = file["/"], [part for part in name.split("/") if part], 0
    while parts and isinstance(item, h5py.Group):
        part = parts.pop(0)
        exists = item.id.links.exists(part.encode())  # "part in item" would follow it
        link = item.get(part, getlink=True) if exists else None
        if isinstance(link, h5py.ExternalLink):
            raise DataError(f"{path}: {name!r} leads by {part!r} into another file, which is not followed.")
        if isinstance(link, h5py.SoftLink) and soft < MOST_LINKS:
            soft, parts = soft + 1, [*(step for step in link.path.split("/") if step), *parts]
            item = file["/"] if link.path.startswith("/") else item
        elif isinstance(link, h5py.HardLink):
            item = item[part]
        else:
            return None
    return None if parts else item


def _check_dataset(data: h5py.Dataset, path: Path, name: str) -> None:
    if data.ndim != 3 or 0 in data.shape:
        raise DataError(f"{path}: {name!r} has the shape {data.shape}; it must be (sections, height, width).")
    if data.dtype.kind not in "ui":
        raise DataError(f"{path}: {name!r} holds {data.dtype}; it must hold whole numbers.")
    check_declared(path, data.shape[1:], data.dtype, f"sections of {name!r}")
    check_declared(path, data.chunks or (), data.dtype, f"chunks of {name!r}")
    if data.chunks:
        _check_chunks(data, path, name)


def _check_chunks(data: h5py.Dataset, path: Path, name: str) -> None:
    """Raise DataError where a chunk unpacks to more than it should hold; unpacks those alone that might be large."""
    declared = math.prod(data.chunks) * data.dtype.itemsize
    suspects: list[tuple[int, ...]] = []
    sizes: list[int] = [0]

    def look(chunk: Any) -> None:
        sizes.append(chunk.size)
        if data.compression == "gzip" and chunk.size * DEFLATES_MOST > largest_image() // 4:
            suspects.append(chunk.chunk_offset)

    data.id.chunk_iter(look)
    if max(sizes) > 2 * declared + SPARE or any(_overfull(data, place, declared) for place in suspects):
        raise DataError(f"{path}: chunks of {name!r} have {declared} bytes, and one of them unpacks to more.")


def _overfull(data: h5py.Dataset, place: tuple[int, ...], declared: int) -> bool:
    skipped, packed = data.id.read_direct_chunk(place)
    return not skipped and unpacks_to_more(packed, declared)


def _names(file: h5py.File) -> Iterator[str]:
    """Yield the names of the data sets of a file, each object once; links that are not hard are passed over."""
    seen, groups = set(), [("", file["/"])]
    while groups:
        above, group = groups.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            item = group[name]
            if (place := h5py.h5o.get_info(item.id).addr) in seen:
                continue
            seen.add(place)
            if isinstance(item, h5py.Dataset):
                yield f"{above}{name}"
            elif isinstance(item, h5py.Group):
                groups.append((f"{above}{name}/", item))
