"""Files from a worker to the client, piece by piece, so that none is whole in memory, checked by their hash."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from topobench.errors import RunError
from topobench.run.cluster import remote
from topobench.run.cluster.tasks import Outcome, Part

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["bring"]

PIECE = 8 * 2**20  # bytes


def bring(client: Client, address: str, outcome: Outcome, store: Path) -> None:
    """Write the files that a run has left on a worker into the client's store; RunError where one comes as another."""
    for part in outcome.parts:
        if Path(part.path).is_absolute() or ".." in Path(part.path).parts:
            raise RunError(f"a worker sent a file of the name {part.path!r}, which lies outside of the store.")
        _bring(client, address, outcome.store / part.path, part, store / part.path)


def _bring(client: Client, address: str, theirs: Path, part: Part, ours: Path) -> None:
    ours.parent.mkdir(parents=True, exist_ok=True)
    temporary, found = ours.with_name(f".{ours.name}.{secrets.token_hex(4)}.part"), hashlib.sha256()
    try:
        with temporary.open("xb") as file:
            for offset in range(0, part.size, PIECE):
                answer = client.run(remote.read_piece, theirs, offset, PIECE, workers=[address])
                found.update(answer[address])
                file.write(answer[address])
            file.flush()
            os.fsync(file.fileno())
        if found.hexdigest() != part.sha256:
            raise RunError(f"{theirs} of the worker {address} came as another file: its sha256 is not {part.sha256}.")
        temporary.replace(ours)
    finally:
        temporary.unlink(missing_ok=True)
