"""Pages of TIFF files: which are read, by whom they are unpacked, and that they unpack to no more than they declare."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from topobench.data.limits import largest_image
from topobench.errors import DataError

__all__ = ["one_series", "page_count", "tiff_page"]

DEFLATE = {tifffile.COMPRESSION.ADOBE_DEFLATE, tifffile.COMPRESSION.DEFLATE}
OURS = DEFLATE | {tifffile.COMPRESSION.NONE, tifffile.COMPRESSION.PACKBITS}  # what tifffile unpacks by itself
DEFLATES_MOST = 1032  # bytes that a byte of Deflate can become


def one_series(file: tifffile.TiffFile, path: Path) -> tifffile.TiffPageSeries:
    """Return the only series of pages; DataError where there are several, where 0 is white, or there is a palette."""
    if len(file.series) != 1:
        shapes = ", ".join(str(series.shape) for series in file.series[:3])
        raise DataError(f"{path} has pages of several shapes: {shapes}; all must have one.")
    series = file.series[0]
    photometric = series.keyframe.photometric
    if photometric == tifffile.PHOTOMETRIC.PALETTE:
        raise DataError(f"{path} has a palette; it must hold the values themselves.")
    if photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        raise DataError(f"{path} says that 0 is white (MINISWHITE), which programs read in two ways; 0 must be black.")
    return series


def page_count(series: tifffile.TiffPageSeries) -> int:
    """Return how many pages (H, W), or (H, W, 3), a series has."""
    return 1 if series.ndim == 2 or "S" in series.axes else int(series.shape[0])


def tiff_page(file: tifffile.TiffFile, path: Path, index: int) -> NDArray[Any]:
    """Return a page of the only series, as stored.

    DataError where it unpacks to more than it declares. LZW, CCITT and JPEG are unpacked by Pillow, into an image of
    the declared size; tifffile unpacks the rest.
    """
    series = file.series[0]
    if series.dataoffset is not None and page_count(series) > 1:  # ImageJ may list no more than the first page
        return np.array(_lying_in_one_piece(file, path)[index])
    page: Any = series.pages[index]
    if page.compression not in OURS:
        with Image.open(path) as image:
            image.seek(index)
            return np.array(image)
    if page.compression in DEFLATE:
        _check_unpacked(file, page, path)
    return np.asarray(page.asarray())


def _lying_in_one_piece(file: tifffile.TiffFile, path: Path) -> NDArray[Any]:
    """Return all pages as they lie in the file, mapped."""
    series: Any = file.series[0]
    dtype = np.dtype(f"{file.byteorder}{series.dtype.char}")
    return np.asarray(np.memmap(path, dtype, "r", series.dataoffset, series.shape))


def _check_unpacked(file: tifffile.TiffFile, page: Any, path: Path) -> None:
    """Raise DataError where a packed piece of a page holds more than the page; looks at those alone that might."""
    declared = page.nbytes
    for offset, size in zip(page.dataoffsets, page.databytecounts, strict=True):
        if size * DEFLATES_MOST > largest_image() // 4:
            file.filehandle.seek(offset)
            unpacked = len(zlib.decompressobj().decompress(file.filehandle.read(size), declared + 1))
            if unpacked > declared:
                raise DataError(f"{path} declares pages of {declared} bytes, and one of its pieces unpacks to more.")
