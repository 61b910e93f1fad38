"""Which plugins there are: of files, and of what is installed. What cannot be read keeps nobody from the rest."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from topobench.errors import ArgumentError, in_words
from topobench.plugins.plugin import GROUP, Plugin
from topobench.plugins.single import named_files, read_plugins

__all__ = ["all_plugins", "broken", "find", "plugins_of"]

Modified = tuple[tuple[str, float], ...]  # paths, and when they were changed
Scan = tuple[tuple[Plugin, ...], tuple[str, ...]]


def plugins_of(kind: str) -> list[Plugin]:
    """Return the plugins of a kind, unloaded: those of files first, then those that are installed."""
    return [plugin for plugin in all_plugins() if plugin.kind == kind]


def all_plugins() -> tuple[Plugin, ...]:
    """Return all plugins, unloaded, also those of kinds of which there is none; what cannot be read is in `broken`."""
    return _scan()[0]


def broken() -> tuple[str, ...]:
    """Return a sentence for each file of plugins, and each distribution's list of them, that cannot be read."""
    return _scan()[1]


def find(kind: str, name: str) -> Plugin | None:
    """Return the plugin of that name, or None; ArgumentError where several offer it. A file comes before the rest."""
    found = [plugin for plugin in plugins_of(kind) if plugin.name == name]
    found = [plugin for plugin in found if plugin.file] or found
    if len({(plugin.value, plugin.file) for plugin in found}) > 1:
        raise ArgumentError(
            f"{' and '.join(map(str, found))} have one name, so it is not known which is meant; leave one out, or have "
            "it renamed."
        )
    return found[0] if found else None


def _scan() -> Scan:
    files = tuple((str(file), _modified(file)) for file in named_files())
    return _scanned(files, tuple((entry, _modified(entry or ".")) for entry in sys.path))


def _modified(path: str | Path) -> float:
    try:
        return Path(path).stat().st_mtime
    except OSError:
        return -1.0


@lru_cache(maxsize=8)
def _scanned(files: Modified, path: Modified) -> Scan:
    """Return all plugins and what cannot be read; looked for anew when one of these files or folders has changed."""
    found: list[Plugin] = []
    wrong: list[str] = []
    for file, _ in files:
        try:
            found += read_plugins(Path(file))
        except ArgumentError as error:
            wrong.append(str(error))
    for each in distributions():
        try:
            found += _offered(each)
        except Exception as error:  # whatever damaged metadata do
            wrong.append(f"the entry points of {_owner(each)} cannot be read: {in_words(error)}. Install it again.")
    return tuple(found), tuple(wrong)


def _offered(installed: Distribution) -> Iterator[Plugin]:
    """Yield what a distribution offers; nothing where another of its name comes before it on the path."""
    points = [point for point in installed.entry_points if point.group.startswith(GROUP)]
    if not points or _place(distribution(installed.name)) != _place(installed):
        return
    makers = _makers(installed)
    for point in points:
        kind = point.group.removeprefix(GROUP)
        value = re.sub(r"\s*:\s*", ":", point.value.partition("[")[0].strip())  # without the extras that it wants
        yield Plugin(kind, point.name, value, installed.name, installed.version or "", makers)


def _place(installed: Distribution) -> tuple[str, str]:
    """Return what tells a distribution from others of its name, of which two versions may lie in one folder."""
    return str(installed.locate_file("")), installed.version


def _owner(installed: Distribution) -> str:
    """Return what a distribution is called, or where it lies: its metadata may be lost."""
    try:
        name = installed.name
    except Exception:
        name = ""
    return name or f"a distribution without a name in {installed.locate_file('')}"


def _makers(installed: Distribution) -> str:
    """Return where the makers of a distribution are found: an address of its metadata, that of its issues first."""
    about = installed.metadata
    urls = [text.split(",", 1)[-1].strip() for text in sorted(about.get_all("Project-URL") or [], key=_not_for_issues)]
    keys = ("Home-page", "Maintainer-email", "Author-email", "Author")
    people = [text for key in keys for text in about.get_all(key) or [] if text]
    return next(iter(urls + people), "")


def _not_for_issues(url: str) -> bool:
    return not any(word in url.lower() for word in ("issue", "bug", "tracker"))
