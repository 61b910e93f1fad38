"""topobench itself, Python and packages, held to what the metadata ask for; variables that change what it does."""

from __future__ import annotations

import importlib
import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import topobench
from topobench.doctor.finding import Finding
from topobench.errors import in_words

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__all__ = ["about_topobench", "extras", "packages", "python", "settings"]

# Where it is not the name of the distribution.
IMPORTED_AS = {"tomli-w": "tomli_w", "scikit-image": "skimage", "pillow": "PIL"}
FIRST = ("torch", "numpy", "numba", "scikit-image", "gudhi")  # what figures depend on, said before the others
SETTINGS = ("TOPOBENCH_", "NUMBA_", "OMP_", "GOMP_", "MKL_", "CUDA_", "PYTORCH_", "TORCH_")  # beginnings of variables


def about_topobench() -> Iterator[Finding]:
    """The version that runs, its commit and place; whether the version installed is another."""
    from topobench.environment import environment

    commit = environment()["commit"]
    found = f"{topobench.__version__}{commit and f', commit {commit}'}, in {Path(topobench.__file__).parent}"
    installed = _version("topobench")
    if installed is None:
        yield Finding("topobench", "warning", f"{found}, not installed", "For the command of its name: pip install .")
    elif installed == topobench.__version__:
        yield Finding("topobench", "ok", found)
    else:
        yield Finding(
            "topobench", "warning", f"{found}; yet what is installed calls itself {installed}",
            "Install it anew; another project of this name wants a virtual environment of its own.",
        )  # fmt: skip


def python() -> Iterator[Finding]:
    """The Python that runs, and whether it is new enough."""
    from topobench.doctor.requirements import wanted_python

    wanted, found = wanted_python(), platform.python_version()
    about = f"{found} ({platform.python_implementation()}, {platform.platform()})"
    if wanted.contains(found, prereleases=True):
        yield Finding("python", "ok", about)
    else:
        yield Finding("python", "fault", about, f"topobench wants Python {wanted}: make a virtual environment of it.")


def packages() -> Iterator[Finding]:
    """A fault for each package that is missing, too old, or cannot be imported; the others in one line."""
    from topobench.doctor.requirements import required

    sound = []
    for wanted in sorted(required(), key=lambda each: (each.name not in FIRST, each.name)):
        if fault := _fault_of(wanted):
            yield Finding("packages", "fault", fault, _install(wanted))
        else:
            sound.append(f"{wanted.name} {version(wanted.name)}")
    yield Finding("packages", "ok", ", ".join(sound) or "none")


def extras() -> Iterator[Finding]:
    """What there is of the packages that only some uses want; that one is absent is no fault."""
    from topobench.doctor.requirements import optional

    found, absent = [], {}
    for wanted, extra in optional():
        has = _version(wanted.name)
        if has is None:
            absent[wanted.name] = extra
        elif wanted.specifier.contains(has, prereleases=True):
            found.append(f"{wanted.name} {has}")
        else:
            yield Finding("extras", "warning", f"{wanted.name} {has} does not fit {wanted.specifier}", _install(wanted))
    found += [f"{name} absent (pip install 'topobench[{extra}]')" for name, extra in absent.items()]
    yield Finding("extras", "ok", ", ".join(found) or "none")


def settings() -> Iterator[Finding]:
    """The variables of the environment that change what topobench, torch or numba do; ArgumentError for a wrong one."""
    from topobench.data.limits import largest_image

    largest_image()
    found = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith(SETTINGS)]
    yield Finding("settings", "ok", ", ".join(found) or "none")


def _fault_of(wanted: Requirement) -> str:
    """Return what is wrong with a package that topobench needs, or an empty text."""
    has = _version(wanted.name)
    if has is None:
        return f"{wanted.name} is not installed"
    if not wanted.specifier.contains(has, prereleases=True):
        return f"{wanted.name} {has} does not fit {wanted.specifier}"
    try:
        importlib.import_module(IMPORTED_AS.get(wanted.name, wanted.name))
    except (Exception, SystemExit) as error:
        return f"{wanted.name} {has} cannot be imported, {in_words(error)}"
    return ""


def _install(wanted: Requirement) -> str:
    return f"pip install --force-reinstall '{wanted.name}{wanted.specifier}'"


def _version(name: str) -> str | None:
    """Return the version of a distribution that is installed, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
