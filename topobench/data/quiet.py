"""What decoders and servers say: kept off the terminal, and made fit for a sentence."""

from __future__ import annotations

import ctypes
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from PIL import _imaging

__all__ = ["no_warnings", "plain", "silence_tiff"]

LONGEST = 200  # characters of a text that came out of a file
_FILTERS = threading.Lock()  # Python's filters of warnings are the same for all threads


def plain(text: object) -> str:
    """Return a text out of a file, of a decoder or a server, as a part of a sentence: one line, printable, not long."""
    letters = "".join(letter if letter.isprintable() else " " for letter in str(text)[: 4 * LONGEST])
    line = " ".join(letters.split()).rstrip(" .:")
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ... (cut)"


@contextmanager
def no_warnings() -> Iterator[None]:
    """Let Python print no warning within: what matters of it becomes an error."""
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@cache
def silence_tiff() -> None:
    """Let neither tifffile nor libtiff, with which Pillow unpacks, print what is wrong with a file: both raise, too."""
    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    set_handler = getattr(ctypes.CDLL(_imaging.__file__), "TIFFSetErrorHandler", None)  # Pillow may lack libtiff
    if set_handler is not None:
        set_handler(None)
