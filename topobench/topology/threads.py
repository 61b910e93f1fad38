"""Batches shared among threads: our kernels hold no GIL, so plain threads are enough.

Not numba's own threads: beside torch they load a second libgomp, after which every fork dies.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from numpy.typing import NDArray

from topobench.errors import ArgumentError

__all__ = ["share"]

Part = TypeVar("Part")
WORTH_A_THREAD = 2**16  # pixels take some tenths of a millisecond; a thread is started in less than one tenth


def share(
    work: Callable[[NDArray[Any]], Part], batch: NDArray[Any], threads: int | None
) -> list[tuple[int, Part]]:
    """Return what `work` makes of each thread's share of a batch, with the index of the share's first image.

    Parameters
    ----------
    work : callable
        Takes images (b, H, W); called from several threads at once.
    batch : array (B, H, W)
    threads : int or None
        At most so many threads, and never more than images. None: as many as are worth starting, and as the
        processor and the environment variable OMP_NUM_THREADS allow.
    """
    count = min(_threads_for(batch.size) if threads is None else _checked(threads), len(batch))
    if count <= 1:
        return [(0, work(batch))]
    firsts = [number * len(batch) // count for number in range(count + 1)]
    shares = [batch[first:last] for first, last in zip(firsts, firsts[1:], strict=False)]
    with ThreadPoolExecutor(count - 1) as pool:
        others = [pool.submit(work, images) for images in shares[1:]]
        parts = [work(shares[0]), *(future.result() for future in others)]
    return list(zip(firsts, parts, strict=False))


def _checked(threads: int) -> int:
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ArgumentError(f"threads is {threads!r}; it must be a whole number from 1 on, or None (as many as help).")
    return threads


def _threads_for(pixels: int) -> int:
    """Return how many threads are worth starting for so many pixels."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        cores = min(cores, int(asked))
    return max(1, min(cores, pixels // WORTH_A_THREAD))
