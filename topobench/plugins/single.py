"""Plugins in single files, without packaging: their table is read and not run, and their modules have names of ours."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from topobench.errors import ArgumentError
from topobench.plugins.plugin import KINDS, Plugin

__all__ = ["FILES", "located", "module_of", "named_files", "read_plugins"]

FILES = "TOPOBENCH_PLUGINS"  # the environment variable: files, parted as in PATH; processes that are begun see it, too
TABLE = "PLUGINS"
PREFIX = "topobench_plugin_"  # of the modules that files become
WANTED = f'wanted is a table of texts such as {TABLE} = {{"models": {{"my-net": "MyNet"}}}}'


def named_files() -> list[Path]:
    """Return the files that the environment names, in order, each once."""
    named = [text for text in os.environ.get(FILES, "").split(os.pathsep) if text.strip()]
    return list(dict.fromkeys(map(located, named)))


def located(text: str | Path) -> Path:
    """Return where a file lies that somebody named: one path of each, however it was written."""
    path = Path(text)
    with suppress(RuntimeError):  # of ~nobody, which then is not there
        path = path.expanduser()
    return path.parent.resolve() / path.name


def read_plugins(file: Path) -> list[Plugin]:
    """Return the plugins of a file, by its table ``PLUGINS``; ArgumentError says what is wrong. Runs nothing of it."""
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except OSError as error:
        raise ArgumentError(f"the file of plugins {file} cannot be read: {error.strerror}.") from error
    except (SyntaxError, ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise ArgumentError(
            f"the file of plugins {file} is not Python{line}: {getattr(error, 'msg', error)}."
        ) from error
    table = _table(file, tree)
    return [
        Plugin(kind, name, value, str(file), file=file)
        for kind, names in table.items()
        for name, value in names.items()
    ]


def module_of(file: Path) -> str:
    """Return what the module of a file is called: the same in every process, so that what it made can be pickled."""
    stem = re.sub(r"\W", "_", file.stem)
    return f"{PREFIX}{stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"


def _table(file: Path, tree: ast.Module) -> dict[str, dict[str, str]]:
    """Return the table of a file; ArgumentError where there is none, or it is no such thing."""
    values = [value for name, value in _assigned(tree) if name == TABLE]
    if not values:
        raise ArgumentError(f"the file of plugins {file} has no {TABLE} at its top level; {WANTED}.")
    try:
        table = ast.literal_eval(values[-1])
    except (ValueError, TypeError):
        table = None
    if not isinstance(table, dict) or not all(map(_is_texts, table.values())):
        raise ArgumentError(f"{TABLE} of {file} is read and not run, and is not what it must be; {WANTED}.")
    if unknown := [kind for kind in table if kind not in KINDS]:
        raise ArgumentError(f"{TABLE} of {file} has the kind {unknown[0]!r}; there are {', '.join(KINDS)}.")
    return table


def _is_texts(names: Any) -> bool:
    return isinstance(names, dict) and all(isinstance(text, str) and text for pair in names.items() for text in pair)


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that a module sets at its top level, and to what."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((target.id, node.value) for target in targets if isinstance(target, ast.Name))


class Finder(MetaPathFinder):
    """Finds the modules of files by their names, also for whoever unpickles what they made."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module of ours comes from; None for all others."""
        if not name.startswith(PREFIX):
            return None
        return next((spec_from_file_location(name, file) for file in named_files() if module_of(file) == name), None)


sys.meta_path.append(Finder())
