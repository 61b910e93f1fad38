"""Loading a plugin, and finding its files. Whatever it does, its user alone gets to hear of it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import chdir, redirect_stdout
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from topobench.errors import ArgumentError, in_words
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
    seconds, path = patience(), list(sys.path)
    try:
        if plugin in _stopped:
            raise _stopped[plugin]
        # What it prints is no answer of a command's, and where it goes, the paths that a command was given stay.
        with redirect_stdout(sys.stderr), chdir("."), time_limit(seconds):
            code_of(plugin)
            found = _object(plugin)
            version = getattr(found, "api_version", API_VERSION)
            kept = bool(version == API_VERSION)
    except KeyboardInterrupt:
        raise
    except TimedOut as error:
        _stopped[plugin] = error
        raise ArgumentError(f"{plugin} does not load: {error}. {plugin.advice}") from error
    except BaseException as error:
        raise ArgumentError(f"{plugin} does not load: {in_words(error)}. {plugin.advice}") from error
    finally:
        sys.path.extend(
            entry for entry in dict.fromkeys(path) if entry not in sys.path
        )  # others are found where they were
    if not kept:
        raise ArgumentError(_of_another_version(plugin, version))
    return found


def toml_of(plugin: Plugin) -> Path:
    """Return the file of a card or recipe, which need not be there; ArgumentError where its package is not."""
    if plugin.file:
        return plugin.file.parent / plugin.value
    top, *below = plugin.value.partition(":")[0].split(".")
    if not (folders := _folders(_spec(top))):
        raise ArgumentError(f"{plugin} must lie in the package {top!r}, and there is none. {plugin.advice}")
    files = [Path(folder, *below, f"{plugin.name}.toml") for folder in folders]  # several of a namespace package
    return next((file for file in files if file.is_file()), files[0])


def code_of(plugin: Plugin) -> str:
    """Return the sha256 of a plugin's code, as this process took it up; empty if unknown.

    It is that of its file, or of all Python files of its top package; their names count, their times and what is
    compiled do not.
    """
    if plugin not in _codes:
        try:
            sums = [
                [str(file.relative_to(folder)), file_sha256(file)]
                for folder, files in _sources(plugin)
                for file in sorted(files)
                if file.is_file()  # and no link that an editor left
            ]
        except OSError:  # a file that may not be read, or has just been removed
            sums = []
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


def _of_another_version(plugin: Plugin, version: Any) -> str:
    """Return what is said of a plugin that keeps another version of its contract than that of this topobench."""
    newer = isinstance(version, int) and version > API_VERSION
    advice = "Upgrade topobench." if newer else plugin.advice
    return f"{plugin} has api_version {version!r}; this topobench takes {API_VERSION}. {advice}"


def _sources(plugin: Plugin) -> Iterator[tuple[Path, list[Path]]]:
    """Yield the Python files of a plugin, and the folder that they are named from; several of a namespace package."""
    if plugin.file:
        yield plugin.file.parent, [plugin.file]
        return
    spec = _spec(plugin.value.partition(":")[0].split(".")[0])
    if folders := _folders(spec):
        yield from ((Path(folder), list(Path(folder).rglob("*.py"))) for folder in folders)
    elif spec and spec.origin and spec.origin.endswith(".py"):
        yield Path(spec.origin).parent, [Path(spec.origin)]


def _spec(top: str) -> ModuleSpec | None:
    """Return where a package or module at the top lies, or None; nothing of it is run."""
    try:
        return find_spec(top)
    except (ImportError, ValueError):  # what is no name, or was put among the modules by hand
        return None


def _folders(spec: ModuleSpec | None) -> Sequence[str]:
    return list(spec.submodule_search_locations or ()) if spec else ()
