"""What is known of the files of a data set, and the addresses that they come from."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from topobench.cards.schema import Count, Strict

__all__ = ["Below", "DataFile", "Download"]

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def _below(path: str) -> str:
    """Return a path with / between its parts; ValueError where it leads out of the folder that it is seen from."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path or "\0" in path:
        raise ValueError(f"{path!r} must be a path below the data set's folder, with / between its parts")
    return path


Below = Annotated[str, AfterValidator(_below)]


class DataFile(Strict):
    """What is known of a file: its size, and the sha256 of its known releases, that of its address first."""

    bytes: Count | None = None
    sha256: tuple[Sha256, ...] = ()


class Download(Strict):
    """An address that files come from.

    With ``{file}`` in it, it is an address for each of the card's `files`, whose sha256 are checked. Else an archive
    (zip, tar) lies there, of so many `bytes` and with this `sha256`; what it holds in the folder `within` comes into
    the folder `into` of the data set. An archive whose sha256 nobody knows is taken over https alone, and those of the
    card's `files` that it holds are checked.
    """

    url: Annotated[str, Field(pattern=r"^https?://[^/\s]+/\S*$")]
    bytes: Count | None = None
    sha256: Sha256 | None = None
    within: Below = ""
    into: Below = ""

    @model_validator(mode="after")
    def _fits_together(self) -> Download:
        if self.each_file and (self.bytes or self.sha256 or self.within or self.into):
            raise ValueError(f"downloads: an address with {{file}} takes no other key: {self.url}")
        address = urlsplit(self.url)
        local = address.hostname in ("localhost", "127.0.0.1")
        if not (self.each_file or self.sha256 or address.scheme == "https" or local):
            raise ValueError(f"downloads: without sha256 an address must begin with https: {self.url}")
        return self

    @property
    def each_file(self) -> bool:
        """Whether each of the card's files has an address of its own."""
        return "{file}" in self.url
