"""Reading image files: the pixels as they are stored, or a sentence that names the file.

What a file declares in its header is held to the limit (limits.py) before it is decoded, and whatever a decoder raises
becomes a DataError. A file's suffix says what it is; ``.gz`` behind it is unpacked in memory.
"""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from topobench.data.limits import check_declared, largest_image
from topobench.data.pictures import check_held, open_pillow
from topobench.data.quiet import no_warnings, plain
from topobench.data.tiffs import one_series, open_tiff, page_count, tiff_page
from topobench.errors import DataError, TopobenchError

__all__ = [
    "IMAGE_SUFFIXES", "check_name", "damage", "map_npy", "read_image", "size_of", "stem_of", "suffix_of", "to_unit",
]  # fmt: skip

TIFF = (".tif", ".tiff")
IMAGE_SUFFIXES = (".png", ".tif", ".tiff", ".npy", ".jpg", ".jpeg", ".gif", ".ppm", ".pgm", ".bmp")
MODES = {"1": "bool", "L": "uint8", "RGB": "uint8", "I;16": "uint16", "I;16B": "uint16", "I": "int32", "F": "float32"}
PIECE = 2**20  # bytes of packed content that are unpacked at a time
KEPT = 2**25  # bytes of packed content that are kept, once unpacked


def suffix_of(path: Path) -> str:
    """Return the suffix that says what a file is, in small letters: ``.ppm`` for ``im0001.ppm.gz``, else ""."""
    inner = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    suffix = inner.suffix.lower()
    packed = inner != path and suffix in (*TIFF, ".npy")  # these are mapped, or read from several places
    return suffix if suffix in IMAGE_SUFFIXES and not packed else ""


def stem_of(path: Path) -> str:
    """Return a file's name without its suffix: ``im0001`` for ``im0001.ppm.gz``."""
    return (path.with_suffix("") if path.suffix.lower() == ".gz" else path).stem


def check_name(path: Path) -> None:
    """Raise DataError for a file or folder whose name is not text, for nothing could then be written about it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise DataError(f"the name of {os.fsencode(path)!r} is not UTF-8; give the file another one.") from None


def read_image(path: Path, colour: bool = False) -> NDArray[Any]:
    """Return the pixels of an image as stored: (H, W), (pages, H, W) of a TIFF or .npy; with `colour` also (H, W, 3).

    DataError, with the path, where the file is damaged, larger than the limit, no image, of several images that are no
    stack, or has no pixel, a palette, transparency, or colours that were not asked for.
    """
    with damage(path), _opened(path) as file:
        pixels = _READERS.get(suffix_of(path), _read_pillow)(path, file, colour)
        if pixels.ndim not in (2, 3):
            raise DataError(f"{path} has the shape {pixels.shape}; it must be (H, W) or (pages, H, W).")
        return pixels


def size_of(path: Path) -> tuple[int, int]:
    """Return (height, width) from the header of an image; DataError where it cannot be read, or is too large."""
    with damage(path), _opened(path) as file:
        height, width = map(int, _SIZES.get(suffix_of(path), _pillow_size)(path, file))
        check_declared(path, (height, width), np.uint8)
        return height, width


def map_npy(path: Path) -> NDArray[Any]:
    """Return the array in a .npy file, mapped; DataError where it holds no numbers."""
    with no_warnings():  # numpy warns of headers that Python 2 wrote
        mapped = np.lib.format.open_memmap(path, mode="r")
    if mapped.dtype.kind not in "buif":
        raise DataError(f"{path} holds {plain(mapped.dtype)}; wanted are bool, whole numbers or floats.")
    return mapped


@contextmanager
def damage(path: Path, what: str = "an image") -> Iterator[None]:
    """Turn whatever a decoder raises within into a DataError that names the file."""
    try:
        yield
    except TopobenchError:
        raise
    except Exception as error:  # damaged files make the decoders raise whatever they like
        raise DataError(f"{path} cannot be read as {what}: {type(error).__name__}: {plain(error)}.") from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file; what is packed in one that ends in .gz is unpacked, up to the limit.

    A large one is gone through once to see that it keeps to the limit, and again when it is read: it is never kept.
    """
    with path.open("rb") as file:
        if path.suffix.lower() != ".gz":
            yield file
            return
        with gzip.open(file) as packed:
            content = packed.read(KEPT + 1)
            size, most = len(content), largest_image() + 1
            if size <= KEPT:
                check_declared(path, (size,), np.uint8, "content")
                yield io.BytesIO(content)
                return
            del content
            while size < most and (piece := packed.read(PIECE)):  # to the end, where its checksum stands
                size += len(piece)
            check_declared(path, (min(size, most),), np.uint8, "content")
            packed.seek(0)
            yield io.BufferedReader(packed)


def _read_npy(path: Path, file: IO[bytes], colour: bool) -> NDArray[Any]:
    mapped = map_npy(path)
    check_declared(path, mapped.shape, mapped.dtype)
    return np.array(mapped, dtype=mapped.dtype.newbyteorder("="))


def _read_tiff(path: Path, file: IO[bytes], colour: bool) -> NDArray[Any]:
    with open_tiff(file, path) as tiff:
        series = one_series(tiff, path)
        check_declared(path, series.shape, series.dtype)
        if "S" in series.axes and not (colour and series.axes in ("YXS", "SYX") and 3 in series.shape):
            raise DataError(f"{path} has the shape {series.shape} ({series.axes}); {_wanted(colour)}.")
        pixels = np.stack([tiff_page(tiff, path, index) for index in range(page_count(series))])
        pixels = pixels.reshape(series.shape)
        return np.ascontiguousarray(np.moveaxis(pixels, 0, -1)) if series.axes == "SYX" else pixels


def _read_pillow(path: Path, file: IO[bytes], colour: bool) -> NDArray[Any]:
    with open_pillow(file) as image:
        check_declared(path, (image.height, image.width, len(image.getbands())), MODES.get(image.mode, "uint8"))
        check_held(image, file)
        if (frames := getattr(image, "n_frames", 1)) > 1:
            raise DataError(f"{path} holds {frames} images; it must hold one.")
        grey_gif = image.mode == "P" and image.format == "GIF" and _is_grey(image)
        mode = "L" if grey_gif else image.mode
        if mode not in MODES or (mode == "RGB" and not colour):
            colours = f" of {len(image.getcolors(2**24) or [])} colours" if image.mode == "P" else ""
            raise DataError(f"{path} has the mode {image.mode}{colours}; {_wanted(colour)}.")
        return np.asarray(image.convert("L") if grey_gif else image)


_READERS: dict[str, Callable[[Path, IO[bytes], bool], NDArray[Any]]] = {
    ".npy": _read_npy, ".tif": _read_tiff, ".tiff": _read_tiff,
}  # fmt: skip


def _npy_size(path: Path, file: IO[bytes]) -> Sequence[int]:
    shape = map_npy(path).shape
    return shape[:2] if len(shape) == 3 and shape[2] == 3 else shape[-2:]


def _tiff_size(path: Path, file: IO[bytes]) -> Sequence[int]:
    with open_tiff(file, path) as tiff:
        page = tiff.pages.first
        return page.imagelength, page.imagewidth


def _pillow_size(path: Path, file: IO[bytes]) -> Sequence[int]:
    with open_pillow(file) as image:
        return image.height, image.width


_SIZES: dict[str, Callable[[Path, IO[bytes]], Sequence[int]]] = {
    ".npy": _npy_size, ".tif": _tiff_size, ".tiff": _tiff_size,
}  # fmt: skip


def _wanted(colour: bool) -> str:
    return (
        "it must be grey or RGB, without palette or alpha"
        if colour
        else "it must have one channel and no palette (Pillow: image.convert('L'))"
    )


def _is_grey(image: Image.Image) -> bool:
    """Whether a palette holds greys alone: GIF knows no other way to store them."""
    palette = np.array(image.getpalette("RGB")).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())


def to_unit(pixels: NDArray[Any], path: Path) -> NDArray[np.float32]:
    """Return pixels as float32 in [0, 1]: bool as it is, 8 and 16 bit divided by their highest value, float checked."""
    if pixels.dtype == np.bool_:
        return pixels.astype(np.float32)
    if pixels.dtype in (np.uint8, np.uint16):
        return (pixels / np.float32(np.iinfo(pixels.dtype).max)).astype(np.float32)
    if pixels.dtype.kind == "f" and pixels.size and pixels.min() >= 0 and pixels.max() <= 1:
        return pixels.astype(np.float32)
    span = f"[{pixels.min()}, {pixels.max()}]" if pixels.size else "nothing"
    raise DataError(f"{path} holds {pixels.dtype} in {span}; wanted are bool, uint8, uint16, or float in [0, 1].")
