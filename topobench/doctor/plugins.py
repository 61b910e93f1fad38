"""Plugins: whether each loads and can be used, and who is to be told where one does not."""

from __future__ import annotations

from collections.abc import Iterator

from topobench.cards import load_card, load_recipe, why_unused
from topobench.doctor.finding import Finding
from topobench.errors import TopobenchError
from topobench.plugins import Plugin, all_plugins, broken, load_plugin

__all__ = ["each_plugin"]


def each_plugin() -> Iterator[Finding]:
    """A line for each plugin that does not load or that nobody can use; the others in one line."""
    sound = []
    yield from (Finding("plugins", "fault", sentence, "Mend it or leave it out.") for sentence in broken())
    for plugin in sorted(all_plugins(), key=lambda plugin: (plugin.kind, plugin.name, plugin.owner)):
        about = f"{plugin.name} ({plugin.kind}, from {plugin.owner})"
        try:
            if useless := why_unused(plugin):
                yield Finding("plugins", "warning", f"{about}: {useless}", _tell(plugin))
                continue
            _load(plugin)
            sound.append(about)
        except TopobenchError as error:
            yield Finding("plugins", "fault", str(error), _tell(plugin))
    yield Finding("plugins", "ok", ", ".join(sound) or "none")


def _load(plugin: Plugin) -> None:
    """Raise TopobenchError where a plugin does not load."""
    if plugin.kind == "cards":
        load_card(plugin.name)
    elif plugin.kind == "recipes":
        load_recipe(plugin.name)
    else:
        load_plugin(plugin)


def _tell(plugin: Plugin) -> str:
    if plugin.file:
        return "Mend it or leave it out."
    return f"Tell its makers: {plugin.makers or f'{plugin.owner} names nobody'}."
