"""Checkpoints: a training that can go on from where it was, bit for bit.

Each is a file of its own, ``step-<steps done>-<sha256>.pt``, whose name holds the hash of its bytes. It is
written whole or not at all, read with ``weights_only``, and passed over for the one before when it does not
match its name.
"""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path
from typing import Any

import torch

from topobench.errors import RunError
from topobench.files import write_atomic

__all__ = ["latest", "save"]

NAME = re.compile(r"step-(\d{8})-([0-9a-f]{16})\.pt")


def save(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Write the state after `step` steps, then remove all but the last two checkpoints; return its path."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    path = folder / f"step-{step:08d}-{_short_hash(buffer.getvalue())}.pt"
    write_atomic(path, buffer.getvalue())
    for old in _newest_first(folder)[2:]:
        old.unlink(missing_ok=True)
    return path


def latest(folder: Path) -> tuple[int, dict[str, Any]] | None:
    """Return (steps done, state) of the newest checkpoint whose bytes match its name; None where there is none.

    RunError where there are checkpoints and all are damaged: a training never starts afresh in silence.
    """
    paths = _newest_first(folder)
    for path in paths:
        step, wanted = NAME.fullmatch(path.name).groups()  # type: ignore[union-attr]
        content = path.read_bytes()
        if _short_hash(content) == wanted:
            return int(step), torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    if paths:
        raise RunError(f"all checkpoints in {folder} are damaged; remove that folder to train from the start")
    return None


def _newest_first(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if NAME.fullmatch(path.name)), reverse=True)


def _short_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
