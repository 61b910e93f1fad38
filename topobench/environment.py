"""Where something was computed: versions, commit, machine, memory."""

from __future__ import annotations

import os
import platform
import re
import resource
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

import topobench

__all__ = ["code", "environment", "peak_memory_mib", "reset_peak_memory"]


def environment(**more: str) -> dict[str, str]:
    """Return what a reader needs to judge a figure, as text; `more` adds what only the caller knows."""
    return {
        "topobench": topobench.__version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
        **more,
    }


def code() -> str:
    """Return of what code this topobench is: its version and, of a checkout, the commit."""
    return " ".join(filter(None, [topobench.__version__, _commit()]))


def reset_peak_memory() -> None:
    """Let the peak of this process's memory begin anew, where the system can (Linux); else it stays that of all."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory_mib() -> float:
    """Return the peak resident memory of this process, MiB, since it was last reset."""
    with suppress(OSError):
        if found := re.search(r"^VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE):
            return int(found[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


@cache
def _commit() -> str:
    """Return the commit of the checkout that topobench runs from, with ``+`` if it has changes, else an empty text."""
    top = Path(__file__).parents[1]
    if not (top / ".git").exists():
        return ""
    try:
        ask = ["git", "-C", str(top), "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"]
        return subprocess.run(ask, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
