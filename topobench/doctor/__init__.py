"""Whether this installation works, and what a maintainer would ask: `diagnose` looks, and changes nothing.

Nothing is imported before the check that needs it, for what does not import is among what may be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from topobench.doctor.finding import Finding, guarded
from topobench.doctor.folders import data_sets, output_folder, weights
from topobench.doctor.installation import about_topobench, extras, packages, python, settings
from topobench.doctor.machine import cores_and_memory, device, kernel
from topobench.doctor.plugins import each_plugin

__all__ = ["Finding", "diagnose"]


def diagnose(data_dir: str | Path | None = None, output: str | Path = "topobench-out") -> Iterator[Finding]:
    """Yield what each check finds, one after the other: whoever shows them at once sees where a process died.

    `data_dir` and `output` are as for `topobench run`. A check that raises is itself a fault.
    """
    checks: dict[str, Callable[[], Iterator[Finding]]] = {
        "topobench": about_topobench,
        "python": python,
        "packages": packages,
        "extras": extras,
        "plugins": each_plugin,
        "settings": settings,
        "machine": cores_and_memory,
        "device": device,
        "kernel": kernel,
        "output": lambda: output_folder(Path(output)),
        "data": lambda: data_sets(data_dir),
        "weights": lambda: weights(data_dir),
    }
    for point, check in checks.items():
        yield from guarded(point, check)
