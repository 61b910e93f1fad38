"""Checkpoints: a training that can go on from where it was, bit for bit.

Each is a file of its own, ``step-<steps done>-<validations done>-<sha256>.pt``, whose name holds the hash of its bytes.
It is written whole or not at all, and read with ``weights_only``: nothing in it is run. One that is damaged, of another
run, of other code of a plugin or of a newer topobench is refused with the reason, and the one before it is taken.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from topobench.errors import RunError
from topobench.files import remove_strays, write_atomic
from topobench.run.provenance import changed

__all__ = ["Checkpoints"]

FORMAT = 1  # raised when a checkpoint holds something else than before
NAME = re.compile(r"step-(\d{8,})-(\d{4,})-([0-9a-f]{16})\.pt")
KEPT = 2


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one run, in a folder of its own; `plugins` are those that it uses (run/provenance.py)."""

    folder: Path
    run_id: str
    plugins: dict[str, dict[str, str]] = field(default_factory=dict)

    def save(self, step: int, state: dict[str, Any], validations: int = 0) -> Path:
        """Write the state after so many steps and validations; return its path. The one before is kept, too.

        What lies there of as many steps, or of more, was refused when this training went on from an older one.
        """
        buffer = io.BytesIO()
        torch.save({**state, "format": FORMAT, "run_id": self.run_id, "plugins": self.plugins}, buffer)
        path = self.folder / f"step-{step:08d}-{validations:04d}-{_short_hash(buffer.getvalue())}.pt"
        remove_strays(self.folder)
        write_atomic(path, buffer.getvalue())
        for refused in self._newest_first():
            if refused != path and _order(refused) >= _order(path):
                refused.unlink(missing_ok=True)
        self.prune(KEPT)
        return path

    def prune(self, kept: int) -> None:
        """Remove all but so many, the newest."""
        for old in self._newest_first()[kept:]:
            old.unlink(missing_ok=True)

    def latest(self) -> tuple[int, dict[str, Any], list[str]] | None:
        """Return (steps done, state, why newer ones were refused) of the newest sound one; None where there is none.

        RunError where there are checkpoints and none is sound: a training never starts afresh in silence.
        """
        found, refused = self.newest_sound()
        if refused and not found:
            raise RunError(f"{'; '.join(refused)}. Remove that folder to train from the start.")
        return (*found, refused) if found else None

    def newest_sound(self) -> tuple[tuple[int, dict[str, Any]] | None, list[str]]:
        """Return (steps done, state) of the newest sound one, if there is one, and why newer ones were refused."""
        refused: list[str] = []
        for path in self._newest_first():
            state = self._read(path)
            if isinstance(state, dict):
                return (_order(path)[0], state), refused
            refused.append(f"checkpoint {path} is refused: {state}")
        return None, refused

    def _read(self, path: Path) -> dict[str, Any] | str:
        """Return what a checkpoint holds, or why it is refused."""
        content = path.read_bytes()
        if _short_hash(content) != path.stem.rpartition("-")[2]:
            return "it is damaged, for its sha256 is not the one in its name"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about pickles of other kinds, which are refused anyway
                state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
            return f"it holds something else than tensors and numbers, which is not loaded ({type(error).__name__})"
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            found = state.get("format") if isinstance(state, dict) else type(state).__name__
            return f"its format is {found!r}; this topobench reads {FORMAT}"
        if state["run_id"] != self.run_id:
            return f"it is of the run {str(state['run_id'])[:12]}, and this is {self.run_id[:12]}"
        if other := changed(state.get("plugins", {}), self.plugins):
            return f"it was trained by other code of {', '.join(other)}"
        return state

    def _newest_first(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        found = [path for path in self.folder.iterdir() if NAME.fullmatch(path.name)]
        return sorted(found, key=_order, reverse=True)


def _order(path: Path) -> tuple[int, int]:
    """Return steps and validations done."""
    _, step, validations, _ = path.name.split("-")
    return int(step), int(validations)


def _short_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
