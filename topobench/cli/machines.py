"""On which machines the runs of a command are executed: on this one, or on the workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from topobench.cli.words import counted
from topobench.errors import RunError
from topobench.run.device import Device, choose_device, device_count, device_elsewhere
from topobench.run.executors import execute_in_processes, execute_serially
from topobench.run.matrix import Run
from topobench.run.settings import Settings
from topobench.run.watcher import Overseer
from topobench.types import RunRecord

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Machines", "machines"]


class Machines(Protocol):
    """Where runs are executed: on what device each, how many at a time (with a cluster, as far as is known)."""

    @property
    def device(self) -> Device:
        """Of each run."""

    @property
    def jobs(self) -> int:
        """How many runs go on at a time."""

    @property
    def words(self) -> str:
        """All that for people, to stand after "so many runs"."""

    def execute(
        self, runs: Sequence[Run], store: Path, watcher: Overseer, stopping: Callable[[], bool], settings: Settings
    ) -> list[RunRecord]:
        """Execute runs, and return their records in the same order."""


@contextmanager
def machines(
    scheduler: str | None, stage: bool, device: str, precision: str, jobs: int | None, threads: int | None
) -> Iterator[Machines]:
    """Give the machines that the options of a command name, for the block."""
    if scheduler:
        from topobench.run.cluster.connection import connected

        with connected(scheduler) as client:
            yield Cluster.of(client, scheduler, stage, device, precision, jobs, threads)
    elif stage:
        raise click.UsageError("--stage belongs to --scheduler: on one machine all data are where they are.")
    else:
        yield Here.of(device, precision, jobs, threads)


@dataclass(frozen=True)
class Here:
    """The machine of this command."""

    device: Device
    jobs: int

    @classmethod
    def of(cls, device: str, precision: str, jobs: int | None, threads: int | None) -> Here:
        """Return this machine; `jobs` None: one run a GPU, and one on anything else."""
        kind = choose_device(device).kind
        most = device_count(kind)
        if jobs and kind != "cpu" and jobs > most:
            raise click.UsageError(f"--jobs is {jobs}; each run takes a whole {kind} device, and there are {most}.")
        return cls(choose_device(kind, precision, jobs or most, threads), jobs or most)

    @property
    def words(self) -> str:
        """What each run takes, and how many go on at a time."""
        return _taking(self.device) + (f", {self.jobs} at a time" if self.jobs > 1 else "")

    def execute(
        self, runs: Sequence[Run], store: Path, watcher: Overseer, stopping: Callable[[], bool], settings: Settings
    ) -> list[RunRecord]:
        """Execute runs in this process, or several at a time in others."""
        settings = replace(settings, cache_bytes=settings.cache_bytes // self.jobs)
        if self.jobs > 1:
            return execute_in_processes(runs, store, watcher, stopping, settings, self.jobs)
        return execute_serially(runs, store, watcher, stopping, settings)


@dataclass(frozen=True)
class Cluster:
    """The workers of a Dask cluster; at most so many runs at a time, if that is said."""

    client: Client
    scheduler: str
    stage: bool
    device: Device
    most: int | None

    @classmethod
    def of(
        cls, client: Client, scheduler: str, stage: bool, device: str, precision: str, most: int | None,
        threads: int | None,
    ) -> Cluster:  # fmt: skip
        """Return a cluster; threads None: one a run, so that no run is another when other workers come."""
        kind = _kind_of(client, scheduler) if device == "auto" else device
        return cls(client, scheduler, stage, device_elsewhere(kind, precision, threads or 1), most)

    @property
    def jobs(self) -> int:
        """For how many runs there is room now."""
        from topobench.run.cluster.connection import gpus_of

        if self.device.kind == "cuda":
            room = sum(gpus_of(self.client))
        else:
            room = sum(max(1, threads // self.device.threads) for threads in self.client.nthreads().values())
        return max(1, min(room, self.most or room))

    @property
    def words(self) -> str:
        """What each run takes, and where they go."""
        return f"{_taking(self.device)}, on the workers of {self.scheduler}"

    def execute(
        self, runs: Sequence[Run], store: Path, watcher: Overseer, stopping: Callable[[], bool], settings: Settings
    ) -> list[RunRecord]:
        """Send runs to the workers."""
        from topobench.run.cluster.executor import execute_on_cluster

        return execute_on_cluster(runs, store, watcher, stopping, settings, self.client, self.stage, self.most)


def _kind_of(client: Client, scheduler: str) -> str:
    from topobench.run.cluster.connection import gpus_of

    if not (found := gpus_of(client)):
        raise RunError(
            f"no worker of {scheduler} is there yet that could say whether it has a GPU; start one, or give --device "
            "cuda or --device cpu."
        )
    return "cuda" if any(found) else "cpu"


def _taking(device: Device) -> str:
    threads = f", {counted(device.threads, 'thread')}" if device.kind == "cpu" else ""
    return f"on {device.kind} ({device.precision}{threads})"
