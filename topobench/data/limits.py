"""How large an image may be: asked of its header, before anything is read, so that no file can fill the memory."""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from topobench.errors import ArgumentError, DataError

__all__ = ["MAX_IMAGE_MIB", "check_declared", "largest_image", "unpacks_to_more"]

MAX_IMAGE_MIB = "TOPOBENCH_MAX_IMAGE_MIB"  # the variable that sets the limit: worker processes inherit it
DEFAULT_MIB = 1024
PIECE = 2**20  # bytes that are unpacked at a time, where they are only counted


def largest_image() -> int:
    """Return how many bytes an image, or a section of a volume, may have once it is decoded."""
    given = os.environ.get(MAX_IMAGE_MIB, str(DEFAULT_MIB))
    if not given.isdecimal() or int(given) < 1:
        raise ArgumentError(f"{MAX_IMAGE_MIB} is {given!r}; it must be a whole number of MiB from 1 on.")
    return int(given) * 2**20


def check_declared(path: Path, shape: Sequence[int], dtype: DTypeLike, what: str = "an image") -> None:
    """Raise DataError where what a header declares, of that shape and dtype, is empty or larger than the limit."""
    declared, limit = math.prod(map(int, shape)) * np.dtype(dtype).itemsize, largest_image()
    size = " x ".join(map(str, shape))
    if min(shape, default=1) < 1:
        raise DataError(f"{path} declares {what} of {size} {np.dtype(dtype)}, which is empty.")
    if declared > limit:
        raise DataError(
            f"{path} declares {what} of {size} {np.dtype(dtype)}, {_readable(declared)}; the limit is "
            f"{_readable(limit)}. If the file is sound, raise it: topobench --max-image-mib N, or {MAX_IMAGE_MIB}=N."
        )


def unpacks_to_more(packed: bytes | memoryview, size: int) -> bool:
    """Whether what zlib packed is larger than so many bytes, unpacked; none of it is kept."""
    unpacker = zlib.decompressobj()
    while size >= 0 and (piece := unpacker.decompress(packed, PIECE)):
        size, packed = size - len(piece), unpacker.unconsumed_tail
    return size < 0


def _readable(size: int) -> str:
    power = min(int(math.log(max(size, 1), 1024)), 4)
    return f"{size / 1024**power:.4g} {('bytes', 'KiB', 'MiB', 'GiB', 'TiB')[power]}"
