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
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from topobench.data.readers import read_image
from topobench.errors import DataError, RunError
from topobench.files import write_atomic

__all__ = ["keep_map", "levels_of", "read_map"]


def levels_of(likelihood: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a likelihood, or a mask, as levels of 255, uint8 of its shape; RunError where one is not in [0, 1]."""
    wide = np.asarray(likelihood, dtype=np.float64)
    if not (wide.size and wide.min() >= 0 and wide.max() <= 1):  # or NaN
        raise RunError(f"a likelihood of shape {wide.shape} is not within [0, 1] everywhere; it must be, without NaN.")
    return np.rint(wide * 255).astype(np.uint8)


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
        raise DataError(f"{path} is missing; the record says that this map was kept.")
    levels = read_image(path)
    if levels.dtype != np.uint8 or _sha256(levels) != sha256:
        raise DataError(f"{path} is not the map that the run gave: its sha256 is not the one in the record.")
    return np.asarray(levels / np.float32(255), dtype=np.float32)


def _path(folder: Path, image_id: str) -> Path:
    """Return where the map of an image lies: its id, in which what no file name may hold is percent-encoded."""
    return folder / f"{quote(image_id, safe=' ()+,@=~')}.png"


def _sha256(levels: NDArray[np.uint8]) -> str:
    """Return the sha256 of shape and levels: not of the file, whose compression may differ."""
    return hashlib.sha256(f"{levels.shape}".encode() + levels.tobytes()).hexdigest()
