"""Executors: who executes the runs of a matrix. One after the other in this process, or several in processes."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import torch

from topobench.run.execute import Stopped, execute, find, record_failure
from topobench.run.matrix import Run
from topobench.run.settings import DEFAULTS, Settings
from topobench.run.watcher import Watcher
from topobench.run.workers import Worker, packed
from topobench.types import RunRecord

__all__ = ["execute_in_processes", "execute_serially"]

TICK = 0.1  # seconds at most until a signal is heeded
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


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
    pool = _Pool(runs, store, watcher, settings, jobs)
    try:
        pool.work(stopping)
    finally:
        pool.end()
    return [pool.records[index] for index in range(len(runs))]


class _Pool:
    """Workers, one a slot, and the runs that wait for them."""

    def __init__(self, runs: Sequence[Run], store: Path, watcher: Watcher, settings: Settings, jobs: int) -> None:
        self.runs, self.store, self.watcher, self.settings = runs, store, watcher, settings
        self.records: dict[int, RunRecord] = {}
        self.workers: dict[int, Worker] = {}
        self.error: BaseException | None = None
        self.ending = False
        self.waiting = deque(self._not_found())
        self.packed = packed(runs) if self.waiting else b""
        self.environments = list(_environments([runs[index] for index in self.waiting], jobs))

    @property
    def busy(self) -> list[Worker]:
        """The workers that are at a run."""
        return [worker for worker in self.workers.values() if worker.index is not None]

    def work(self, stopping: Callable[[], bool]) -> None:
        """Have all runs executed; raises `Stopped`, or what the store raised, once no worker is at a run."""
        while self.busy or (self.waiting and not self.ending):
            if stopping():
                self._stop()
            if not self.ending:
                self._give()
            wait([worker.connection for worker in self.busy], TICK)
            for worker in self.busy:
                for what, index, more in worker.hear():
                    self._heed(worker, what, index, more)
        if self.error:
            raise self.error
        if len(self.records) < len(self.runs):
            raise Stopped

    def end(self) -> None:
        """End all workers at once."""
        for worker in self.workers.values():
            worker.process.kill()  # all of them, before any is waited for
        for worker in self.workers.values():
            worker.end()

    def _not_found(self) -> Iterator[int]:
        """Yield the runs that are to be executed; those that were finished before need no process."""
        for index, run in enumerate(self.runs):
            if record := find(run, self.store):
                self.watcher.run_started(run)
                self._ended(index, record, True)
            else:
                yield index

    def _give(self) -> None:
        """Give every slot that has nothing to do a run, and a worker where it has none."""
        for slot, environment in enumerate(self.environments):
            worker = self.workers.get(slot)
            if not self.waiting or (worker and worker.index is not None):
                continue
            if worker and not worker.alive:  # it died while it had nothing to do, which fails no run
                worker.end()
                worker = None
            self.workers[slot] = worker or Worker(self.packed, self.store, self.settings, environment)
            self.workers[slot].give(self.waiting.popleft())

    def _stop(self) -> None:
        """Begin no run any more, and let those that go on stop."""
        if not self.ending:
            self.ending = True
            for worker in self.busy:
                worker.stop()

    def _heed(self, worker: Worker, what: str, index: int, more: tuple[Any, ...]) -> None:
        """Do what a worker's message asks for."""
        if what in ("done", "stopped", "error", "died"):
            worker.index = None
        if what == "died":
            self._replace(worker, index, *more)
        elif what == "error":
            self.error = self.error or more[0]
            self._stop()
        elif what == "run_ended":
            self._ended(index, *more)
        elif what == "printed":
            print(more[1], file=getattr(sys, more[0]))
        elif what not in ("done", "stopped"):
            getattr(self.watcher, what)(self.runs[index], *more)

    def _replace(self, worker: Worker, index: int, how: str) -> None:
        """Record the run of a worker that is gone, unless it had done so itself; its slot is free for another."""
        self.workers = {slot: other for slot, other in self.workers.items() if other is not worker}
        worker.end()
        if index not in self.records:
            run = self.runs[index]
            record = find(run, self.store) or record_failure(run, self.store, how, self.settings)
            self._ended(index, record, False)

    def _ended(self, index: int, record: RunRecord, found: bool) -> None:
        self.records[index] = record
        self.watcher.run_ended(self.runs[index], record, found)


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
