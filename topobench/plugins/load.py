"""Loading a plugin, and finding its files. Whatever it does, its user alone gets to hear of it."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from topobench.errors import ArgumentError
from topobench.files import digest, file_sha256
from topobench.plugins.plugin import Plugin
from topobench.plugins.single import module_of
from topobench.timelimit import TimedOut, patience, time_limit

__all__ = ["API_VERSION", "code_of", "load_plugin", "provenance", "toml_of"]

API_VERSION = 1  # of the contracts; raised when a plugin that kept one must be changed

_stopped: dict[Plugin, TimedOut] = {}
_codes: dict[Plugin, str] = {}  # as they were when this process first asked: what is loaded stays so, whoever edits it


def load_plugin(plugin: Plugin) -> Any:
    """Return what a plugin leads to; ArgumentError says why it cannot be used, and whose it is.

    It may raise anything, exit, or take longer than `patience`: none of this goes beyond here. One that was stopped is
    not tried again in this process.
    """
    try:
        if plugin in _stopped:
            raise _stopped[plugin]
        with time_limit(patience()):
            code_of(plugin)
            found = _object(plugin)
    except KeyboardInterrupt:
        raise
    except TimedOut as error:
        _stopped[plugin] = error
        raise ArgumentError(f"{plugin} does not load: {error}. {plugin.advice}") from error
    except BaseException as error:
        raise ArgumentError(f"{plugin} does not load: {type(error).__name__}: {error}. {plugin.advice}") from error
    _check_version(plugin, found)
    return found


def toml_of(plugin: Plugin) -> Path:
    """Return the file of a card or recipe, which need not be there; ArgumentError where its package is not."""
    if plugin.file:
        return plugin.file.parent / plugin.value
    top, *below = plugin.value.partition(":")[0].split(".")
    if not (folders := _folders(_spec(top))):
        raise ArgumentError(f"{plugin} must lie in the package {top!r}, and there is none. {plugin.advice}")
    return Path(folders[0], *below, f"{plugin.name}.toml")


def code_of(plugin: Plugin) -> str:
    """Return the sha256 of a plugin's code, as this process took it up; empty if unknown.

    It is that of its file, or of all Python files of its top package; their names count, their times and what is
    compiled do not.
    """
    if plugin not in _codes:
        folder, files = _sources(plugin)
        sums = [[str(file.relative_to(folder)), file_sha256(file)] for file in sorted(files)]
        _codes[plugin] = digest(sums) if sums else ""
    return _codes[plugin]


def provenance(plugin: Plugin) -> dict[str, str]:
    """Return where a plugin comes from, as a record keeps it.

    Its `origin` (distribution and version, or the name of a file), the `object` that it is, and the sha256 of its
    `code` (`code_of`).
    """
    origin = plugin.file.name if plugin.file else plugin.origin
    return {"origin": origin, "object": plugin.value, "code": code_of(plugin)}


def _object(plugin: Plugin) -> Any:
    """Import the module of a plugin, and return the object that it names."""
    module, _, path = plugin.value.partition(":")
    if plugin.file:
        module, path = module_of(plugin.file), plugin.value
    found: Any = importlib.import_module(module)
    for attribute in filter(None, path.split(".")):
        if isinstance(found, ModuleType) and not hasattr(found, attribute):
            raise AttributeError(f"{plugin.file or module} has no {attribute!r}")
        found = getattr(found, attribute)
    return found


def _check_version(plugin: Plugin, found: Any) -> None:
    """Raise ArgumentError where a plugin keeps another version of its contract than that of this topobench."""
    version = getattr(found, "api_version", API_VERSION)
    if version != API_VERSION:
        newer = isinstance(version, int) and version > API_VERSION
        advice = "Upgrade topobench." if newer else plugin.advice
        raise ArgumentError(f"{plugin} has api_version {version!r}; this topobench takes {API_VERSION}. {advice}")


def _sources(plugin: Plugin) -> tuple[Path, list[Path]]:
    """Return the Python files of a plugin, and the folder that they are named from."""
    if plugin.file:
        return plugin.file.parent, [plugin.file]
    spec = _spec(plugin.value.partition(":")[0].split(".")[0])
    if folders := _folders(spec):
        return Path(folders[0]), list(Path(folders[0]).rglob("*.py"))
    if spec and spec.origin and spec.origin.endswith(".py"):
        return Path(spec.origin).parent, [Path(spec.origin)]
    return Path(), []


def _spec(top: str) -> ModuleSpec | None:
    """Return where a package or module at the top lies, or None; nothing of it is run."""
    try:
        return find_spec(top)
    except (ImportError, ValueError):  # what is no name, or was put among the modules by hand
        return None


def _folders(spec: ModuleSpec | None) -> Sequence[str]:
    return list(spec.submodule_search_locations or ()) if spec else ()
