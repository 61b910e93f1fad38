"""One process at a time is at a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from topobench.files import naming
from topobench.run.store import Place

__all__ = ["alone"]


@contextmanager
def alone(place: Place, taken: Callable[[], None]) -> Iterator[None]:
    """Hold a run for this process. A process that is killed lets go.

    While another has it, `taken` is called, every half second: what it raises ends the waiting.
    """
    place.lock.parent.mkdir(parents=True, exist_ok=True)
    lock, pause = FileLock(place.lock), 0.0
    with naming(place.lock):
        while not lock.is_locked:
            try:
                lock.acquire(timeout=pause)
            except Timeout:
                taken()
                pause = 0.5
    try:
        yield
    finally:
        lock.release()
