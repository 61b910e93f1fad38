"""Executors: who executes the runs of a matrix. One after the other in this process, or several in processes.

On other machines: run/cluster.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from pathlib import Path

import torch

from topobench.run.execute import execute
from topobench.run.matrix import Run
from topobench.run.orders import Message
from topobench.run.pool import TICK, Pool
from topobench.run.settings import DEFAULTS, Settings
from topobench.run.watcher import Watcher
from topobench.run.workers import THREADS, Worker
from topobench.types import RunRecord

__all__ = ["execute_in_processes", "execute_serially"]


def execute_serially(
    runs: Sequence[Run], store: Path, watcher: Watcher, stopping: Callable[[], bool], settings: Settings = DEFAULTS
) -> list[RunRecord]:
    """Execute runs in order and return their records; one that fails stops no other.

    Raises `Stopped` as soon as `stopping` says so, between two steps or two images; what was done is in the store.
    """
    return [execute(run, store, watcher, stopping, settings) for run in runs]


def execute_in_processes(
    runs: Sequence[Run], store: Path, watcher: Watcher, stopping: Callable[[], bool], settings: Settings, jobs: int
) -> list[RunRecord]:
    """Execute so many runs at a time, each in a process, and return their records in the order of `runs`.

    As `execute_serially`, with the same records, but for who took a warm-up that runs share. On cuda each process has a
    GPU to itself (`CUDA_VISIBLE_DEVICES` is heeded), on the CPU as many threads as its runs are made for. A process
    that dies fails its run alone: another takes its place. What the store raises is raised here after all have stopped;
    none outlives this call.
    """
    pool = _Processes(runs, store, watcher, settings, jobs)
    try:
        return pool.work(stopping)
    finally:
        pool.end()


class _Processes(Pool):
    """Workers, one a slot, and the runs that wait for them."""

    def __init__(self, runs: Sequence[Run], store: Path, watcher: Watcher, settings: Settings, jobs: int) -> None:
        super().__init__(runs, store, watcher, settings)
        self.workers: dict[int, Worker] = {}
        self.environments = list(_environments([runs[index] for index in self.waiting], jobs))

    def busy(self) -> bool:
        """Whether a worker is at a run."""
        return bool(self._busy())

    def give(self) -> None:
        """Give every slot that has nothing to do a run, and a worker where it has none."""
        for slot, environment in enumerate(self.environments):
            worker = self.workers.get(slot)
            if not self.waiting or (worker and worker.index is not None):
                continue
            if worker and not worker.alive:  # it died at a run, which has its record, or while it had nothing to do
                worker.end()
                worker = None
            self.workers[slot] = worker or Worker(environment)
            self.workers[slot].give(self.order(self.waiting.popleft()))

    def told(self) -> Iterator[Message]:
        """Yield what workers tell."""
        wait([worker.connection for worker in self._busy()], TICK)
        for worker in self._busy():
            yield from worker.hear()

    def stop(self) -> None:
        """Ask all workers to stop."""
        for worker in self._busy():
            worker.stop()

    def left(self, index: int) -> None:
        """Note that the worker of a run has nothing to do."""
        for worker in self._busy():
            if worker.index == index:
                worker.index = None

    def end(self) -> None:
        """End all workers at once."""
        for worker in self.workers.values():
            worker.process.kill()  # all of them, before any is waited for
        for worker in self.workers.values():
            worker.end()

    def _busy(self) -> list[Worker]:
        return [worker for worker in self.workers.values() if worker.index is not None]


def _environments(runs: Sequence[Run], jobs: int) -> Iterator[dict[str, str]]:
    """Yield what the environment of each worker has of its own: its threads, and on cuda its GPU."""
    kinds, jobs = {run.device.kind for run in runs}, min(jobs, len(runs))
    own = [{"CUDA_VISIBLE_DEVICES": gpu} for gpu in _gpus()[:jobs]] if "cuda" in kinds else [{}] * jobs
    if kinds == {"cpu"}:
        threads = max(run.device.threads for run in runs)
    else:  # for losses and metrics, which the CPU computes
        threads = max(1, torch.get_num_threads() // max(1, len(own)))
    yield from ({**dict.fromkeys(THREADS, str(threads)), **one} for one in own)


def _gpus() -> list[str]:
    """Return the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    listed = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return (listed or [str(number) for number in range(torch.cuda.device_count())])[: torch.cuda.device_count()]
