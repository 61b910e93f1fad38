"""Where data lie on disk: ``--data-dir``, ``$TOPOBENCH_DATA``, else the user's cache; one folder a data set."""

from __future__ import annotations

import os
from pathlib import Path

import pooch

__all__ = ["data_root"]


def data_root(data_dir: str | Path | None = None) -> Path:
    """Return the folder that holds one sub-folder a data set; it need not exist."""
    if data_dir is not None:
        return Path(data_dir)
    if os.environ.get("TOPOBENCH_DATA"):
        return Path(os.environ["TOPOBENCH_DATA"])
    return Path(pooch.os_cache("topobench")) / "data"
