"""Executors: who executes the runs of a matrix. Here: one after the other, in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from topobench.run.execute import execute
from topobench.run.matrix import Run
from topobench.run.settings import DEFAULTS, Settings
from topobench.run.watcher import Watcher
from topobench.types import RunRecord

__all__ = ["execute_serially"]


def execute_serially(
    runs: Sequence[Run], store: Path, watcher: Watcher, stopping: Callable[[], bool], settings: Settings = DEFAULTS
) -> list[RunRecord]:
    """Execute runs in order and return their records; one that fails stops no other.

    Raises `Stopped` as soon as `stopping` says so, between two steps or two images; what was done is in the store.
    """
    return [execute(run, store, watcher, stopping, settings) for run in runs]
