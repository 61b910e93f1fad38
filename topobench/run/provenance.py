"""Which plugins a run uses: where they come from, for its record, and whether their code is still what it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from topobench.cards import Recipe, load_card, load_protocol, load_recipe
from topobench.cards import plugin_of as plugin_of_file
from topobench.errors import TopobenchError
from topobench.plugins import Plugin, provenance
from topobench.registry import plugin_of, singular

if TYPE_CHECKING:
    from topobench.run.matrix import Run

__all__ = ["changed", "plugins_of_run"]

Origins = dict[str, dict[str, str]]

TRAINING = ("model", "loss", "adapter")  # those whose code decides how a training goes


def plugins_of_run(run: Run) -> Origins:
    """Return where each plugin comes from that a run uses, by kind and name (``model my-net``), as records keep it."""
    return {f"{singular(plugin.kind)} {plugin.name}": provenance(plugin) for plugin in _used(run)}


def changed(before: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return those of the plugins that decide how a training goes whose code is another now, in words."""
    return [
        f"{name} ({_since(before[name]['origin'], now[name]['origin'])})"
        for name in before
        if name in now and name.split()[0] in TRAINING and before[name]["code"] != now[name]["code"]
    ]


def _since(then: str, now: str) -> str:
    return f"{then}, which has changed since" if then == now else f"{then} then, {now} now"


def _used(run: Run) -> Iterator[Plugin]:
    names = [("adapters", run.dataset.card.adapter)]
    if run.recipe:
        names += [("models", run.recipe.model.name), *(("losses", term.name) for term in run.recipe.loss)]
    else:
        names.append(("nulls", run.name))
    names += [("metrics", figure) for protocol in run.protocols for figure in load_protocol(protocol).figures]
    for kind, name in dict.fromkeys(names):
        if plugin := _asked(kind, name):
            yield plugin
    yield from _files(run)


def _asked(kind: str, name: str) -> Plugin | None:
    """Return the plugin of a name; None for a built-in, and where several offer it: whoever loads it is told."""
    try:
        return plugin_of(kind, name)
    except TopobenchError:
        return None


def _files(run: Run) -> Iterator[Plugin]:
    """Yield the plugins that the card and the recipe are of, unless these were read from other files of that name."""
    card, recipe = run.dataset.card, run.recipe
    try:
        of_card = plugin_of_file("datasets", card.name)
        if of_card and load_card(card.name) == card:
            yield of_card
        if of_recipe := _of_recipe(recipe) if recipe else None:
            yield of_recipe
    except TopobenchError:
        return


def _of_recipe(recipe: Recipe) -> Plugin | None:
    """Return the plugin that a recipe is of; one of a sweep differs from it in its name and its last term's weight."""
    plugin = plugin_of_file("recipes", recipe.name)
    if plugin:
        return plugin if load_recipe(plugin.name) == recipe else None
    plugin = plugin_of_file("recipes", recipe.name.rpartition("-x")[0])
    return plugin if plugin and _unweighed(load_recipe(plugin.name)) == _unweighed(recipe) else None


def _unweighed(recipe: Recipe) -> Recipe:
    *others, last = recipe.loss
    return recipe.model_copy(update={"name": "", "loss": (*others, last.model_copy(update={"weight": 0.0}))})
