"""Who is told how a download goes on: a terminal, a log, nobody."""

from __future__ import annotations

from typing import Protocol

__all__ = ["SILENT", "Watcher"]


class Watcher(Protocol):
    """Is told what happens."""

    def begins(self, name: str, number: int, of: int) -> None:
        """Say that the download of a file begins, which is one of so many."""

    def received(self, done: int, total: int | None) -> None:
        """Say how many bytes of it are there, and of how many if that is known."""

    def says(self, sentence: str) -> None:
        """Say what else is worth knowing: waiting, trying again, unpacking."""


class _Silent:
    def begins(self, name: str, number: int, of: int) -> None: ...

    def received(self, done: int, total: int | None) -> None: ...

    def says(self, sentence: str) -> None: ...


SILENT: Watcher = _Silent()
