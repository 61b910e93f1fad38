"""What a run is sent with: the order, fitted to its worker, and the environment of its process there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from topobench.environment import code
from topobench.plugins import FILES
from topobench.plugins.single import named_files
from topobench.run.cluster.staging import Datasets
from topobench.run.cluster.tasks import About, Task
from topobench.run.matrix import Run
from topobench.run.orders import Order
from topobench.run.provenance import plugins_of_run
from topobench.run.workers import THREADS
from topobench.scores import run_name

__all__ = ["Outfit"]

HERE = ("TOPOBENCH_DATA", "TOPOBENCH_WORKER_DIR", "TOPOBENCH_PICTURES")  # variables that are of one machine


class Outfit:
    """Makes the tasks of a session.

    Attributes
    ----------
    cuda : bool
        Whether its runs take GPUs.
    """

    def __init__(self, session: str, runs: Sequence[Run], datasets: Datasets) -> None:
        self.cuda = any(run.device.kind == "cuda" for run in runs)
        self._threads = max((run.device.threads for run in runs), default=1)
        self._session, self._datasets = session, datasets

    def room(self, about: About) -> int:
        """Return how many of the runs a worker takes at a time."""
        return about.room(self.cuda, self._threads)

    def task(self, ticket: str, run: Run, order: Order, about: About) -> Task:
        """Return what a worker is sent to have a run executed."""
        key = self._datasets.key(run)
        if key in about.staged:
            order = replace(order, run=replace(order.run, dataset=self._datasets.as_sent(key)))
        settings = replace(order.settings, cache_bytes=order.settings.cache_bytes // self.room(about))
        order = replace(order, settings=settings, plugins=plugins_of_run(run), code=code())
        cuda, environment = run.device.kind == "cuda", self._environment(run, about)
        return Task(ticket, self._session, run_name(run.identity()), order, about.shares, cuda, environment)

    def _environment(self, run: Run, about: About) -> dict[str, str]:
        """Return what the process of a run has in its environment besides the worker's."""
        ours = {name: value for name, value in os.environ.items() if name.startswith("TOPOBENCH_") and name not in HERE}
        if files := named_files():
            ours[FILES] = os.pathsep.join(map(str, files))  # absolute
        if not about.weights:
            ours.pop("TOPOBENCH_WEIGHTS", None)  # it looks for them where it lies
        threads = run.device.threads
        if self.cuda:  # for losses and metrics, which the CPU computes
            threads = max(1, about.threads // self.room(about))
        return {**ours, **dict.fromkeys(THREADS, str(threads))}
