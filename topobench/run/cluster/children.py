"""The processes of a worker in which runs are executed: the worker itself loads no torch, and answers meanwhile.

One that has ended a run is kept for the next, for a minute; then its memory goes back.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from topobench.errors import RunError
from topobench.run.workers import Worker

__all__ = ["CHILDREN", "GPUS"]

IDLE = 60.0  # seconds


class _Children:
    def __init__(self) -> None:
        self._idle: list[tuple[dict[str, str], Worker, float]] = []
        self._lock = threading.Lock()

    @contextmanager
    def lent(self, environment: Mapping[str, str]) -> Iterator[Worker]:
        """Lend a process that has this environment."""
        worker = self._take(dict(environment)) or Worker(environment)
        try:
            yield worker
        except BaseException:
            worker.end()
            raise
        if worker.stopped or not worker.alive:
            worker.end()
            return
        with self._lock:
            self._idle.append((dict(environment), worker, time.monotonic()))
        timer = threading.Timer(IDLE, self.dismiss, [IDLE])
        timer.daemon = True
        timer.start()

    def dismiss(self, idle: float = 0.0) -> None:
        """End those that have had nothing to do for so many seconds."""
        with self._lock:
            for entry in list(self._idle):
                if time.monotonic() - entry[2] >= idle:
                    self._idle.remove(entry)
                    entry[1].end()

    def _take(self, environment: dict[str, str]) -> Worker | None:
        with self._lock:
            for entry in list(self._idle):
                self._idle.remove(entry)
                if entry[0] == environment and entry[1].alive:
                    return entry[1]
                entry[1].end()  # of another client: its memory is wanted
        return None


class _Gpus:
    """The GPUs of this worker, as CUDA_VISIBLE_DEVICES names them."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._lock = threading.Lock()

    def listed(self) -> list[str]:
        """Return those that CUDA_VISIBLE_DEVICES names."""
        return [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]

    @contextmanager
    def lent(self, count: int) -> Iterator[dict[str, str]]:
        """Lend one of so many, as what the environment of a process has; nothing where the worker has one alone."""
        listed = self.listed()
        if count < 2 and len(listed) < 2:
            yield {}
            return
        with self._lock:
            gpu = next((name for name in listed or map(str, range(count)) if name not in self._taken), None)
            if gpu is None:
                raise RunError(f"all {len(listed) or count} GPUs of this worker are at runs")
            self._taken.add(gpu)
        try:
            yield {"CUDA_VISIBLE_DEVICES": gpu}
        finally:
            self._taken.discard(gpu)


CHILDREN, GPUS = _Children(), _Gpus()
