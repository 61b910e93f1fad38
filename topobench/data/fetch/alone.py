"""A folder to gather files in, for one process at a time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from topobench.data.fetch.watcher import Watcher
from topobench.files import naming

__all__ = ["alone"]


@contextmanager
def alone(room: Path, watcher: Watcher) -> Iterator[None]:
    """Hold a folder to gather files in, for one process; another waits for it. A process that is killed lets go."""
    room.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(room.with_name(f"{room.name}.lock"))
    with naming(Path(lock.lock_file)):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            watcher.says(f"Another process is fetching {room.name}; waiting for it.")
            lock.acquire()
    try:
        room.mkdir(exist_ok=True)
        for stray in (*room.glob("tmp*"), *room.glob(".*.unpacking")):  # left where a process was killed
            shutil.rmtree(stray) if stray.is_dir() else stray.unlink()
        yield
    finally:
        with suppress(OSError):
            room.rmdir()  # where nothing was gathered
        lock.release()
