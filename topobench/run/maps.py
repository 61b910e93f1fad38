"""Likelihood maps that are kept, so that a later metric can score an old run: 8-bit PNG, one an image.

Level 255 is likelihood 1, and rounding never takes a pixel across 0.5: what is at least 0.5 is level 128 or more, and
what is less is 127 or less. So figures of the segmentation, which is all that the protocols score, are the same from
the kept maps as from the likelihoods that the network gave. `topobench score --predictions` reads them too.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from topobench.data.folders import file_stem
from topobench.data.readers import read_image
from topobench.errors import DataError, RunError
from topobench.files import write_atomic

__all__ = ["keep_map", "levels_of", "read_map"]

AGAIN = "Bring it back; or remove the record, and give the command of the run again."


def levels_of(likelihood: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a likelihood, or a mask, (H, W) as levels of 255, uint8; RunError for other shapes and values."""
    wide = np.asarray(likelihood, dtype=np.float64)
    if wide.ndim != 2 or not wide.size:
        raise RunError(f"a likelihood has the shape {wide.shape}; it must be (H, W), both at least 1.")
    if not (wide.min() >= 0 and wide.max() <= 1):  # or NaN
        raise RunError(
            f"a likelihood of shape {wide.shape} has values in [{wide.min()}, {wide.max()}]; they must be within "
            "[0, 1], without NaN."
        )
    levels = np.rint(wide * 255).astype(np.uint8)
    return levels if levels.max() > 1 else np.zeros_like(levels)  # of 0 and 1 alone it would be read as a mask


def keep_map(folder: Path, image_id: str, likelihood: NDArray[Any]) -> str:
    """Write the map (H, W) of an image into a folder, whole or not at all; return the sha256 of its levels."""
    levels = levels_of(likelihood)
    stream = io.BytesIO()
    Image.fromarray(levels).save(stream, format="PNG")
    write_atomic(_path(folder, image_id), stream.getvalue())
    return _sha256(levels)


def read_map(folder: Path, image_id: str, sha256: str) -> NDArray[np.float32]:
    """Return the map (H, W) of an image, float32 in [0, 1]; DataError where it is missing, damaged or another."""
    path = _path(folder, image_id)
    if not path.is_file():
        raise DataError(f"{path} is missing; the record says that this map was kept. {AGAIN}")
    levels = read_image(path)
    if levels.dtype != np.uint8:
        raise DataError(f"{path} is {levels.dtype}; the run kept a map of 8 bits, so this is another. {AGAIN}")
    if _sha256(levels) != sha256:
        raise DataError(
            f"{path}, of shape {levels.shape}, is not the map that the run gave: its sha256 is not the one in the "
            f"record. {AGAIN}"
        )
    return np.asarray(levels / np.float32(255), dtype=np.float32)


def _path(folder: Path, image_id: str) -> Path:
    return folder / f"{file_stem(image_id)}.png"


def _sha256(levels: NDArray[np.uint8]) -> str:
    """Return the sha256 of shape and levels: not of the file, whose compression may differ."""
    return hashlib.sha256(f"{levels.shape}".encode() + levels.tobytes()).hexdigest()
