"""What an audit finds: a sentence, the file that it is about, and whether that must be mended."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from topobench.types import RunRecord

__all__ = ["Finding", "Found", "some"]


@dataclass(frozen=True)
class Finding:
    """What was found in a file. A fault must be mended before records are published; a notice is to be known.

    `more` counts further files of which a notice says the same.
    """

    path: Path
    what: str
    fault: bool = True
    more: int = 0

    def __str__(self) -> str:
        """Return a sentence that names the file."""
        more = f" and {self.more} more" if self.more else ""
        return f"{'fault' if self.fault else 'notice'}: record {self.path}{more}: {self.what}"


@dataclass(frozen=True)
class Found:
    """A record that could be read, and where."""

    path: Path
    record: RunRecord

    def fault(self, what: str) -> Finding:
        """Return a fault of this record."""
        return Finding(self.path, what)

    def notice(self, what: str) -> Finding:
        """Return something to be known of this record."""
        return Finding(self.path, what, fault=False)


def some(names: Collection[object]) -> str:
    """Return names as words, the first few of many."""
    shown = ", ".join(str(name) for name in list(names)[:5])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")
