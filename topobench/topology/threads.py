"""Batches shared among threads: our kernels hold no GIL, so plain threads are enough.

Not numba's own threads: beside torch they load a second libgomp, after which every fork dies.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from numpy.typing import NDArray

from topobench.errors import ArgumentError

__all__ = ["share"]

Part = TypeVar("Part")
WORTH_A_THREAD = 2**16  # pixels take some tenths of a millisecond; a thread is at work in less than one tenth
SHARES = 2  # for each thread, so that the one that is held up does less


def share(work: Callable[[NDArray[Any]], Part], batch: NDArray[Any], threads: int | None) -> list[tuple[int, Part]]:
    """Return what `work` makes of the shares of a batch, each with the index of the share's first image.

    Parameters
    ----------
    work : callable
        Takes images (b, H, W); called from several threads at once.
    batch : array (B, H, W)
    threads : int or None
        At most so many threads; None: as many as the processor and the environment variable OMP_NUM_THREADS allow.
        Never more than images, nor than are worth the trouble.
    """
    _check(threads)
    count = min(len(batch), batch.size // WORTH_A_THREAD)
    if count > 1:
        count = min(count, threads or _allowed())
    if count <= 1:
        return [(0, work(batch))]
    shares = min(count * SHARES, len(batch))
    firsts = [number * len(batch) // shares for number in range(shares + 1)]
    parts: dict[int, Part] = {}
    tickets = iter(range(shares))  # whoever is free takes the next; to take one is a single step of the interpreter

    def serve() -> None:
        for ticket in tickets:
            parts[ticket] = work(batch[firsts[ticket] : firsts[ticket + 1]])

    helpers = [_pool().submit(serve) for _ in range(count - 1)]
    serve()
    for helper in helpers:
        helper.result()
    return [(firsts[number], parts[number]) for number in range(shares)]


@cache
def _pool() -> ThreadPoolExecutor:
    """Return the threads of this process: started once, for to start them takes as long as some images."""
    return ThreadPoolExecutor(_cores(), "topobench")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked process has none of its parent's threads


def _check(threads: int | None) -> None:
    whole = isinstance(threads, int) and not isinstance(threads, bool)
    if threads is not None and not (whole and threads >= 1):
        raise ArgumentError(f"threads is {threads!r}; it must be a whole number from 1 on, or None (as many as help).")


def _allowed() -> int:
    """Return how many threads the environment allows."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(int(asked), _cores()) if asked.isdecimal() and int(asked) > 0 else _cores()


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
