"""What every adapter does: turn one disk layout into samples."""

from __future__ import annotations

from typing import Protocol

from topobench.types import Member, Sample

__all__ = ["Adapter"]


class Adapter(Protocol):
    """A reader of one disk layout.

    It is made with ``(card, folder)`` and the options of the card's ``[layout]`` as keywords. It may look which files
    there are then, and reads none. It can be pickled, for runs go to several processes: whoever holds open files leaves
    them out (``__getstate__``) and opens them anew.

    Attributes
    ----------
    members : tuple of Member
        The images that can be read, in the card's order; those that are missing are not among them.
    """

    members: tuple[Member, ...]

    def missing(self) -> list[str]:
        """Return what the card names and is not there: files, or how many images of how many; empty if all is."""
        ...

    def faults(self) -> list[str]:
        """Return what there is and does not fit: images without label, sizes that differ; reads headers at most."""
        ...

    def read(self, image_id: str) -> Sample:
        """Return one sample; DataError, with the path, where a file is not what the card says."""
        ...

    def data_hash(self) -> str:
        """Return a sha256 that changes whenever any sample would."""
        ...
