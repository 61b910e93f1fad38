"""The adapter of a plugin: whatever it raises, and whatever it gives that is no sample, is said with whose it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from topobench.data.contract import Adapter
from topobench.errors import DataError, TopobenchError, in_words
from topobench.types import Member, Sample

__all__ = ["Guarded", "calling"]

Found = TypeVar("Found")


def calling(whose: str, function: Callable[[], Found]) -> Found:
    """Return what a function of a plugin returns; what it raises becomes a DataError that begins with `whose` it is."""
    try:
        return function()
    except (TopobenchError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise DataError(f"{whose} raised {in_words(error)}.") from error


class Guarded:
    """An adapter that stands before somebody else's."""

    def __init__(self, adapter: Adapter, whose: str) -> None:
        self.adapter, self.whose = adapter, whose
        self.members = calling(whose, lambda: tuple(adapter.members))
        if strange := [member for member in self.members if not isinstance(member, Member)]:
            raise DataError(f"{whose} has {strange[0]!r} among its members; they must be topobench.types.Member.")

    def missing(self) -> list[str]:
        """Return what the card names and is not there."""
        return calling(self.whose, lambda: list(self.adapter.missing()))

    def faults(self) -> list[str]:
        """Return what there is and does not fit."""
        return calling(self.whose, lambda: list(self.adapter.faults()))

    def read(self, image_id: str) -> Sample:
        """Return one sample."""
        sample = calling(self.whose, lambda: self.adapter.read(image_id))
        if not isinstance(sample, Sample):
            raise DataError(
                f"{self.whose} read {image_id} as a {type(sample).__name__}; it must be a topobench.types.Sample."
            )
        return sample

    def data_hash(self) -> str:
        """Return a sha256 that changes whenever any sample would."""
        return calling(self.whose, self.adapter.data_hash)
