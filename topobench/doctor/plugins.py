"""Plugins: whether each loads and can be used, and who is to be told where one does not."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points

from topobench.doctor.finding import Finding
from topobench.errors import ArgumentError
from topobench.registry import BUILTINS, load_plugin, nearest, plugins_of

__all__ = ["each_plugin"]

GROUP = "topobench."


def each_plugin() -> Iterator[Finding]:
    """A line for each plugin that does not load or that nobody can use; the others in one line."""
    sound = []
    groups = sorted(group for group in entry_points().groups if group.startswith(GROUP))
    for point in (point for group in groups for point in entry_points(group=group)):
        kind = point.group.removeprefix(GROUP)
        about = f"{point.name} ({kind}, from {_owner(point)})"
        try:
            if useless := _useless(kind, point):
                yield Finding("plugins", "warning", f"{about}: {useless}", f"Tell its makers: {_makers(point)}.")
                continue
            load_plugin(point)
            sound.append(about)
        except ArgumentError as error:
            yield Finding("plugins", "fault", str(error), f"Tell its makers: {_makers(point)}.")
    yield Finding("plugins", "ok", ", ".join(sound) or "none")


def _useless(kind: str, point: EntryPoint) -> str:
    """Return why a plugin is never used, or an empty text."""
    if kind not in BUILTINS:
        return f"there is no group {point.group!r}{nearest(point.group, [GROUP + each for each in BUILTINS])}"
    if point.name in BUILTINS[kind]:
        return "a built-in of this name comes before it"
    first = next(each for each in plugins_of(kind) if each.name == point.name)
    return "" if first.value == point.value else f"{first.value} of {_owner(first)} has this name and comes before it"


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "an unnamed distribution"


def _makers(point: EntryPoint) -> str:
    """Return where the makers of a plugin are found: an address of its metadata, that of its issues first."""
    about = point.dist.metadata if point.dist else None
    if about is None:
        return "nobody is named"
    urls = [text.split(",", 1)[-1].strip() for text in sorted(about.get_all("Project-URL") or [], key=_not_for_issues)]
    people = [about[key] for key in ("Home-page", "Maintainer-email", "Author-email", "Author") if about[key]]
    return next(iter(urls + people), f"{_owner(point)} names nobody")


def _not_for_issues(url: str) -> bool:
    return not any(word in url.lower() for word in ("issue", "bug", "tracker"))
