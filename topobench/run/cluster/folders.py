"""Where a worker keeps what is its own: staged data sets, and the runs of stores that it does not see."""

from __future__ import annotations

import os
from pathlib import Path

import pooch

__all__ = ["FOLDER", "own_store", "staged"]

FOLDER = "TOPOBENCH_WORKER_DIR"  # the environment variable


def _own() -> Path:
    if os.environ.get(FOLDER):
        return Path(os.environ[FOLDER])
    return Path(pooch.os_cache("topobench")) / "worker"


def staged(key: str) -> Path:
    """Return the folder of a data set that was sent to this worker, or to another that sees the same folders."""
    return _own() / "data" / key[:32]


def own_store(key: str) -> Path:
    """Return this worker's own store for a client's store, which `key` names."""
    return _own() / "stores" / key
