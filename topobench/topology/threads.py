"""Batches shared among threads: our kernels hold no GIL, so plain threads are enough.

Not numba's own threads: beside torch they load a second libgomp, after which every fork dies.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from typing import TypeVar

from topobench.errors import ArgumentError

__all__ = ["SLOW", "share"]

Part = TypeVar("Part")
WORTH_A_THREAD = 2**16  # pixels: 0.3 ms for the persistence of membranes; another thread is at work within 0.1 ms
SLOW = 2**13  # the same for work that takes a microsecond for ten pixels: several passes, or sorting
SHARES = 3  # for each thread, so that the one that is held up does less


def share(
    work: Callable[[int, int], Part], shape: tuple[int, ...], threads: int | None, worth: int | None = None
) -> list[Part]:
    """Return what `work` makes of each share of a batch, in order.

    Parameters
    ----------
    work : callable
        Takes the index of the first image and one past the last; called from several threads at once.
    shape : (B, H, W) of the batch
    threads : int or None
        At most so many threads; None: as many as the processor and the environment variable OMP_NUM_THREADS allow.
        Never more than images, nor than are worth the trouble.
    worth : int or None
        How many pixels another thread is worth; None: `WORTH_A_THREAD`.

    Raises
    ------
    ArgumentError
        If `threads` is no whole number from 1 on; what `work` raises, after all threads have stopped.
    """
    _check(threads)
    images, height, width = shape
    count = min(images, images * height * width // (worth or WORTH_A_THREAD))
    if count > 1:
        count = min(count, threads or _allowed())
    if count <= 1:
        return [work(0, images)]
    shares = min(count * SHARES, images)
    firsts = [number * images // shares for number in range(shares + 1)]
    parts: dict[int, Part] = {}
    tickets = iter(range(shares))  # whoever is free takes the next; to take one is a single step of the interpreter

    def serve() -> None:
        try:
            for ticket in tickets:
                parts[ticket] = work(firsts[ticket], firsts[ticket + 1])
        finally:
            for _ in tickets:  # after an error, nobody begins another share
                pass

    helpers = _helpers(serve, count - 1)
    try:
        serve()
    finally:
        helpers = [helper for helper in helpers if not helper.cancel()]  # who has not begun has nothing left to do
        wait(helpers)
    for helper in helpers:
        helper.result()  # raises what the helper raised
    return [parts[number] for number in range(shares)]


def _helpers(serve: Callable[[], None], count: int) -> list[Future[None]]:
    """Let so many threads of the pool serve too; none where the interpreter is about to end."""
    helpers = []
    with contextlib.suppress(RuntimeError):  # "cannot schedule new futures after shutdown"
        for _ in range(count):
            helpers.append(_pool().submit(serve))
    return helpers


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
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()  # "4,2" has one number for each level
    return min(int(asked), _cores()) if asked.isdecimal() and int(asked) > 0 else _cores()


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
