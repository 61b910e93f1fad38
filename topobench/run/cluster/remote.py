"""What workers do when a client asks: say what they have, have runs executed, hand over files, take data sets.

Called by Dask in the workers' processes, by name; loads no torch.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import platform
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from distributed import Worker as DaskWorker
from distributed import get_worker

import topobench
from topobench.data import Dataset
from topobench.environment import environment
from topobench.errors import in_words
from topobench.files import digest, file_sha256
from topobench.run.cluster.children import CHILDREN, GPUS
from topobench.run.cluster.folders import own_store
from topobench.run.cluster.tasks import TOPIC, About, Outcome, Part, Question, Task
from topobench.run.orders import ENDS
from topobench.run.store import Store
from topobench.run.workers import Worker

__all__ = ["attend", "count_gpus", "describe", "dismiss", "read_piece", "stop"]

TICK = 0.1  # seconds at most until a wish to stop is heeded
STEP = 0.5  # seconds between two steps of a run that are told
STOPPED: set[str] = set()  # the sessions that asked their runs to stop


async def describe(question: Question, dask_worker: DaskWorker) -> About:
    """Say what this worker is and has."""
    shares, lacking = await asyncio.to_thread(_look, question)  # and meanwhile this worker goes on answering
    return About(
        address=dask_worker.address,
        name=str(dask_worker.name),
        host=platform.node(),
        version=topobench.__version__,
        commit=environment()["commit"],
        torch=_version("torch"),
        threads=dask_worker.state.nthreads,
        gpus=count_gpus(dask_worker),
        shares=shares,
        weights=_is_there(question.weights),
        lacking=lacking,
    )


def count_gpus(dask_worker: DaskWorker) -> int:
    """Return how many GPUs this worker was started with (``--resources GPU=...``), of those that it sees."""
    declared, listed = int(dask_worker.state.total_resources.get("GPU", 0)), GPUS.listed()
    return min(declared, len(listed)) if listed else declared


def stop(session: str) -> None:
    """Let the runs of a session stop at the next safe point."""
    STOPPED.add(session)


def dismiss() -> None:
    """End the processes that have nothing to do."""
    CHILDREN.dismiss()


def read_piece(path: Path, offset: int, length: int) -> bytes:
    """Return a piece of a file."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


def attend(task: Task) -> Outcome:
    """Have a run executed in a process, tell how it goes on, and return how it ended.

    It stops, with a checkpoint, when its session says so, when its client is gone and when this worker closes.
    """
    dask = get_worker()
    key = dask.get_current_task()
    store = task.order.store if task.shares else own_store(digest(str(task.order.store))[:16])
    gpus: AbstractContextManager[dict[str, str]] = GPUS.lent(count_gpus(dask)) if task.cuda else nullcontext({})
    with gpus as gpu, CHILDREN.lent({**task.environment, **gpu}) as child:
        child.give(replace(task.order, store=store))
        outcome = _followed(child, task, lambda: task.session in STOPPED or not _is_wanted(dask, key), dask)
    return outcome if task.shares or outcome.record is None else _with_parts(outcome, Store(store), task.name)


def _followed(child: Worker, task: Task, stopping: Callable[[], bool], dask: DaskWorker) -> Outcome:
    """Return how the run ends that a process is at; what it tells meanwhile is told to the client."""
    record, found, begun, last = None, False, False, 0.0
    while True:
        wait([child.connection], TICK)
        if not child.stopped and stopping():
            child.stop()
        for what, _, more in child.hear():
            if what in ENDS:
                child.index = None
                if what == "died" and not begun:
                    return Outcome("broken", ("its process for a run ended before that began; its log says why",))
                return Outcome(what, more, record, digest(asdict(record)) if record else "", found)
            begun = True
            if what == "run_ended":
                record, found = more
            elif what != "stepped" or time.monotonic() > last + STEP:
                last = time.monotonic() if what == "stepped" else last
                dask.log_event(TOPIC, [task.ticket, what, pickle.dumps(more)])


def _is_wanted(dask: DaskWorker, key: Any) -> bool:
    """Whether somebody still waits for a task: the scheduler takes tasks back whose client is gone."""
    task = dask.state.tasks.get(key)
    at_it = task is not None and task.state in ("executing", "long-running")
    return at_it and dask.status.name in ("running", "paused")


def _with_parts(outcome: Outcome, store: Store, name: str) -> Outcome:
    """Return an outcome with what the run has left in the worker's own store, but for its checkpoints."""
    place = store.named(name)
    files = [path for folder in (place.predictions, place.scalars) for path in sorted(folder.rglob("*"))]
    parts = tuple(
        Part(str(path.relative_to(store.folder)), path.stat().st_size, file_sha256(path))
        for path in files
        if path.is_file() and not path.name.startswith(".")
    )
    return replace(outcome, parts=parts, store=store.folder)


def _look(question: Question) -> tuple[bool, dict[str, str]]:
    """Return whether the client's store is seen here, and why data sets cannot be used."""
    try:
        shares = question.probe.read_text() == question.token and os.access(question.probe.parent, os.W_OK)
    except (OSError, UnicodeDecodeError):
        shares = False
    lacking = {key: why for key, packed in question.datasets.items() if (why := _why_lacking(packed))}
    return shares, lacking


def _why_lacking(packed: bytes) -> str:
    """Return why a data set cannot be read here, or is another than the client's; an empty text if neither."""
    try:
        dataset: Dataset = pickle.loads(packed)
        return dataset.why_not_here()
    except ImportError:  # the adapter of a plugin, which is loaded in the process of a run alone, and missed there
        return ""
    except Exception as error:  # whatever the adapter of a plugin raises, or that it is not installed
        return in_words(error)


def _is_there(file: str) -> bool:
    try:
        return Path(file).is_file()
    except OSError:  # it lies where this worker may not look
        return False


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
