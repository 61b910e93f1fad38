"""What topobench wants: of a checkout by its pyproject.toml, of what was installed by its metadata."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageMetadata, metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import topobench

__all__ = ["optional", "required", "wanted_python"]

FOR_DEVELOPERS = ("test", "perf")


def wanted_python() -> SpecifierSet:
    """Return which versions of Python topobench can run on."""
    project = _project()
    return SpecifierSet(project["requires-python"] if project else _metadata()["Requires-Python"])


def required() -> list[Requirement]:
    """Return the packages that topobench cannot do without."""
    if project := _project():
        return [Requirement(text) for text in project["dependencies"]]
    return [each for each in _of_metadata() if each.marker is None or each.marker.evaluate({"extra": ""})]


def optional() -> list[tuple[Requirement, str]]:
    """Return the packages that the extras for users add, each with the name of its extra."""
    if project := _project():
        extras: dict[str, list[str]] = project["optional-dependencies"]
        found = [(Requirement(text), extra) for extra, texts in extras.items() for text in texts]
    else:
        names = _metadata().get_all("Provides-Extra") or []
        found = [(each, extra) for extra in names for each in _of_metadata() if _belongs(each, extra)]
    return [(each, extra) for each, extra in found if extra not in FOR_DEVELOPERS]


def _belongs(requirement: Requirement, extra: str) -> bool:
    """Whether it is this extra that asks for a package."""
    marker = requirement.marker
    return marker is not None and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""})


def _of_metadata() -> Iterator[Requirement]:
    return (Requirement(text) for text in _metadata().get_all("Requires-Dist") or [])


def _metadata() -> PackageMetadata:
    return metadata("topobench")


def _project() -> dict[str, Any] | None:
    """Return the table ``[project]`` of the checkout that topobench runs from, or None where it was installed."""
    file = Path(topobench.__file__).parents[1] / "pyproject.toml"
    if not file.is_file():
        return None
    table: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    return table
