"""Reading image files: the pixels as they are stored, or a sentence that names the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from topobench.errors import DataError

__all__ = ["IMAGE_SUFFIXES", "read_image", "read_stack", "to_unit"]

IMAGE_SUFFIXES = (".png", ".tif", ".tiff", ".npy")
SINGLE_CHANNEL_MODES = ("1", "L", "I;16", "I;16B", "I", "F")


def read_image(path: Path) -> NDArray[Any]:
    """Return the pixels of a PNG (H, W), a TIFF (H, W) or (pages, H, W), or a .npy file, as stored.

    DataError, with the path, where the file is damaged, not an image, or has colours or a palette.
    """
    try:
        return _decode(path)
    except DataError:
        raise
    except Exception as error:  # damaged files make the decoders raise whatever they like
        raise DataError(f"{path} cannot be read as an image: {type(error).__name__}: {error}") from error


def _decode(path: Path) -> NDArray[Any]:
    if path.suffix.lower() == ".npy":
        return np.asarray(np.load(path, allow_pickle=False))
    if path.suffix.lower() in (".tif", ".tiff"):
        return np.asarray(tifffile.imread(path))
    with Image.open(path) as image:
        if image.mode not in SINGLE_CHANNEL_MODES:
            raise DataError(f"{path} has the mode {image.mode}; it must have one channel and no palette.")
        return np.asarray(image)


def read_stack(path: Path) -> NDArray[Any]:
    """Return an image file as a stack (pages, H, W); a single image is a stack of one page."""
    pixels = read_image(path)
    if pixels.ndim not in (2, 3):
        raise DataError(f"{path} has the shape {pixels.shape}; it must be (H, W) or (pages, H, W).")
    return pixels.reshape((-1, *pixels.shape[-2:]))


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
