"""What a process that executes runs is told, and what it tells. Loads neither torch nor data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from topobench.run.settings import Settings

__all__ = ["ENDS", "STOP", "Message", "Order", "Packed"]

Message = tuple[str, int, tuple[Any, ...]]  # what happened, to the run of which number, and more of it
ENDS = ("done", "stopped", "error", "unfit", "broken", "died")  # what is told of a run last
STOP = "stop"


@dataclass(frozen=True)
class Packed:
    """A run as bytes, and as others its data set, which other runs share (run/packing.py)."""

    run: bytes
    dataset: bytes


@dataclass(frozen=True)
class Order:
    """A run to be executed.

    Attributes
    ----------
    index : int
        Its number among all.
    run : Packed
    store, settings
        As `execute` takes them.
    plugins : dict or None
        Where the plugins come from that the run uses, if those of the other process may be others (run/provenance.py).
    code : str or None
        Of what version and commit topobench is, if that of the other process may be another.
    """

    index: int
    run: Packed
    store: Path
    settings: Settings
    plugins: dict[str, dict[str, str]] | None = None
    code: str | None = None
