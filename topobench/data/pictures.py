"""Pillow, held to the formats that are read here, and asked for our limit in place of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from PIL import Image, UnidentifiedImageError

from topobench.data.quiet import no_warnings

__all__ = ["DEFLATES_MOST", "JPEGS_MOST", "check_held", "open_pillow"]

FORMATS = ("PNG", "JPEG", "GIF", "PPM", "BMP")
JPEGS_MOST = 512  # pixels that a byte of JPEG can become: of each block of 8 x 8, some bit says how bright it is
DEFLATES_MOST = 1032  # bytes that a byte of Deflate can become
MOST = {"PNG": 8 * DEFLATES_MOST, "JPEG": JPEGS_MOST, "MPO": JPEGS_MOST, "GIF": 2731, "PPM": 8, "BMP": 128}  # likewise


@contextmanager
def open_pillow(file: IO[bytes], formats: tuple[str, ...] = FORMATS) -> Iterator[Image.Image]:
    """Open an image of one of the formats; of all that Pillow knows, EPS would start a program.

    Pillow's own limit cannot be raised for one call: it is lifted, and ours is to be asked.
    """
    with no_warnings():  # Pillow looks for both its limit and what to warn of whenever it goes on in the file
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            with Image.open(file, formats=formats) as image:
                yield image
        except UnidentifiedImageError:
            raise ValueError(f"its content is no sound {' or '.join(formats)}") from None
        finally:
            Image.MAX_IMAGE_PIXELS = before


def check_held(image: Image.Image, file: IO[bytes]) -> None:
    """Raise ValueError where a file is too small for the pixels that it declares: Pillow may make up what lacks."""
    place = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(place)
    if image.height * image.width > size * MOST[image.format or ""]:
        declared = f"{image.height} x {image.width} pixels"
        raise ValueError(f"it declares {declared}, more than {size} bytes of {image.format} can hold")
