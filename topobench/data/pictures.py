"""Pillow, held to the formats that are read here, and asked for our limit in place of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from PIL import Image, UnidentifiedImageError

from topobench.data.quiet import no_warnings

__all__ = ["open_pillow"]

FORMATS = ("PNG", "JPEG", "GIF", "PPM", "BMP")
JPEGS_MOST = 512  # pixels that a byte of JPEG can become: of each block of 8 x 8, some bit says how bright it is


@contextmanager
def open_pillow(file: IO[bytes], formats: Sequence[str] = FORMATS) -> Iterator[Image.Image]:
    """Open an image of one of the formats; of all that Pillow knows, EPS would start a program.

    Pillow's own limit cannot be raised for one call: it is lifted, and ours is to be asked.
    """
    size = file.seek(0, os.SEEK_END)
    with no_warnings():  # Pillow looks for both its limit and what to warn of whenever it goes on in the file
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            with Image.open(file, formats=formats) as image:
                if image.format in ("JPEG", "MPO") and image.height * image.width > size * JPEGS_MOST:
                    declared = f"{image.height} x {image.width} pixels"  # what lacks would be filled with grey
                    raise ValueError(f"it declares {declared}, more than {size} bytes of JPEG can hold")
                yield image
        except UnidentifiedImageError:
            raise ValueError(f"its content is no sound {' or '.join(formats)}") from None
        finally:
            Image.MAX_IMAGE_PIXELS = before
