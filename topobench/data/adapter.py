"""What every adapter does: turn one disk layout into samples."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from topobench.types import Sample

__all__ = ["Adapter"]


class Adapter(Protocol):
    """A reader of one disk layout.

    It is made with ``(card, folder)`` and the options of the card's ``[layout]`` as keywords, and opens no file
    then; `missing` is asked before anything is read.
    """

    image_ids: tuple[str, ...]

    def missing(self) -> list[Path]:
        """Return the files that the card names and that are not there."""
        ...

    def read(self, image_id: str) -> Sample:
        """Return one sample; DataError, with the path, where a file is not what the card says."""
        ...

    def data_hash(self) -> str:
        """Return a sha256 that changes whenever any sample would."""
        ...
