"""Pages of TIFF files: which are read, by whom they are unpacked, and that they unpack to no more than they declare."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import IO, Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from topobench.data.limits import largest_image, unpacks_to_more
from topobench.data.pictures import DEFLATES_MOST, JPEGS_MOST, open_pillow
from topobench.data.quiet import plain, silence_tiff
from topobench.errors import DataError

__all__ = ["one_series", "open_tiff", "page_count", "tiff_page"]

DEFLATE = {tifffile.COMPRESSION.ADOBE_DEFLATE, tifffile.COMPRESSION.DEFLATE}
OURS = DEFLATE | {tifffile.COMPRESSION.NONE, tifffile.COMPRESSION.PACKBITS}  # what tifffile unpacks by itself
CCITT = {
    tifffile.COMPRESSION.CCITTRLE, tifffile.COMPRESSION.CCITT_T4, tifffile.COMPRESSION.CCITT_T6,
}  # fmt: skip
ELSEWHERE = {"ome", "mmstack", "ndtiff"}  # kinds whose pages may lie in other files, which are not read
MOST = {
    tifffile.COMPRESSION.NONE: 1, tifffile.COMPRESSION.PACKBITS: 64, tifffile.COMPRESSION.LZW: 2731,
    tifffile.COMPRESSION.JPEG: JPEGS_MOST, tifffile.COMPRESSION.OJPEG: JPEGS_MOST, tifffile.COMPRESSION.LZMA: 2**13,
    tifffile.COMPRESSION.ZSTD: 2**15, **dict.fromkeys(DEFLATE, DEFLATES_MOST),
}  # fmt: skip


def open_tiff(file: IO[bytes] | Path, path: Path) -> tifffile.TiffFile:
    """Return a TIFF file, open; DataError where its list of pages breaks off, for pages would be lost in silence."""
    silence_tiff()
    off: dict[str, Any] = {f"is_{kind}": False for kind in ELSEWHERE & tifffile.TIFF.FILE_FLAGS}
    opened = tifffile.TiffFile(file, **off)
    try:
        _check_list(opened, path)
    except BaseException:
        opened.close()
        raise
    return opened


def one_series(file: tifffile.TiffFile, path: Path) -> tifffile.TiffPageSeries:
    """Return the only series of pages; DataError where there are several, where 0 is white, or there is a palette."""
    if len(file.series) != 1:
        shapes = ", ".join(str(series.shape) for series in file.series[:3])
        raise DataError(f"{path} has pages of several shapes: {shapes}; all must have one.")
    series = file.series[0]
    if series.dtype is None:
        raise DataError(f"{path} has pixels of {series.keyframe.bitspersample} bits, of a type that is not known.")
    if series.keyframe.ndim != 2 and "S" not in series.axes:
        raise DataError(f"{path} has pages of the shape {series.keyframe.shape}; a page must be (H, W).")
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
    if not page.is_contiguous:
        _check_pieces(page, file, path)
    if page.compression in DEFLATE:
        _check_unpacked(file, page, path)
    pixels = page.asarray() if page.compression in OURS else _unpacked_by_pillow(path, index)
    if pixels.shape != page.shape or pixels.dtype != page.dtype:
        raise DataError(
            f"{path} declares pages of {page.shape} {page.dtype}, and unpacks to {pixels.shape} {pixels.dtype}."
        )
    return np.asarray(pixels)


def _check_list(file: tifffile.TiffFile, path: Path) -> None:
    """Raise DataError where the list of pages breaks off, or runs in a circle: tifffile may follow it for long."""
    form, handle, place = file.tiff, file.filehandle, 8 if file.is_bigtiff else 4
    seen: set[int] = set()
    while True:
        handle.seek(place)
        found = handle.read(form.offsetsize)
        page = struct.unpack(form.offsetformat, found)[0] if len(found) == form.offsetsize else handle.size
        if page == 0 and seen:
            return
        if page in seen or not 0 < page < handle.size:
            how = "runs in a circle" if page in seen else "breaks off"
            raise DataError(f"{path} cannot be read as an image: its list of pages {how} after {len(seen)}.")
        seen.add(page)
        handle.seek(page)
        [tags] = struct.unpack(form.tagnoformat, handle.read(form.tagnosize).ljust(form.tagnosize, b"\xff"))
        place = page + form.tagnosize + tags * form.tagsize


def _unpacked_by_pillow(path: Path, index: int) -> NDArray[Any]:
    with path.open("rb") as file, open_pillow(file, ("TIFF",)) as image:
        image.seek(index)
        return np.array(image)


def _lying_in_one_piece(file: tifffile.TiffFile, path: Path) -> NDArray[Any]:
    """Return all pages as they lie in the file, mapped."""
    series: Any = file.series[0]
    dtype = np.dtype(f"{file.byteorder}{series.dtype.char}")
    return np.asarray(np.memmap(path, dtype, "r", series.dataoffset, series.shape))


def _check_pieces(page: Any, file: tifffile.TiffFile, path: Path) -> None:
    """Raise DataError where the pieces of a page are too few or too small for it, or do not lie in the file."""
    pieces, wanted = list(zip(page.dataoffsets, page.databytecounts, strict=True)), math.prod(page.chunked)
    if len(pieces) != wanted:
        raise DataError(f"{path} declares pages of {wanted} pieces, and one of them has {len(pieces)}.")
    if any(size < 1 or offset < 0 or offset + size > file.filehandle.size for offset, size in pieces):
        raise DataError(f"{path} declares pieces of pages that are empty, or do not lie in the file.")
    most = 8 * page.imagewidth if page.compression in CCITT else MOST.get(page.compression, 0)  # a row takes a bit
    if not most:
        raise DataError(f"{path} is packed in a way that is not read, {plain(page.compression)}; Deflate is.")
    packed = sum(page.databytecounts)
    if page.size * page.keyframe.bitspersample // 8 > most * packed:
        raise DataError(f"{path} declares pages of {page.shape}, more than can be packed into {packed} bytes.")


def _check_unpacked(file: tifffile.TiffFile, page: Any, path: Path) -> None:
    """Raise DataError where a packed piece of a page holds more than the page; looks at those alone that might."""
    declared = page.nbytes
    for offset, size in zip(page.dataoffsets, page.databytecounts, strict=True):
        if size * DEFLATES_MOST > largest_image() // 4:
            file.filehandle.seek(offset)
            if unpacks_to_more(file.filehandle.read(size), declared):
                raise DataError(f"{path} declares pages of {declared} bytes, and one of its pieces unpacks to more.")
