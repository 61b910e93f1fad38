"""Which plugins a run uses: where they come from, for its record, and whether their code is still what it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from topobench.cards import Card, Protocol, Recipe, load_card, load_protocol, load_recipe
from topobench.cards import plugin_of as plugin_of_file
from topobench.errors import TopobenchError
from topobench.plugins import Plugin, provenance
from topobench.registry import plugin_of, singular

if TYPE_CHECKING:
    from topobench.run.matrix import Run

__all__ = ["changed", "differing", "plugins_of_run", "plugins_of_scoring"]

Origins = dict[str, dict[str, str]]

TRAINING = ("model", "loss", "adapter")  # those whose code decides how a training goes


def plugins_of_run(run: Run) -> Origins:
    """Return where each plugin comes from that a run uses, by kind and name (``model my-net``), as records keep it."""
    protocols = [load_protocol(protocol) for protocol in run.protocols]
    return _as_kept([*_of_training(run), *_of_scoring(run.dataset.card, protocols)])


def plugins_of_scoring(card: Card | None, protocols: Iterable[Protocol]) -> Origins:
    """Return the same of predictions that are scored: on the data set of a card, if on one, by these protocols."""
    return _as_kept(_of_scoring(card, protocols))


def changed(before: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return those of the plugins that decide how a training goes whose code is another now, in words."""
    return [
        f"{name} ({_since(before[name]['origin'], now[name]['origin'])})"
        for name in before
        if name in now and name.split()[0] in TRAINING and before[name]["code"] != now[name]["code"]
    ]


def differing(wanted: Mapping[str, Mapping[str, str]], found: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return those of the plugins that are wanted, of whatever kind, of which another process has not the same code."""
    return [name for name, about in wanted.items() if name not in found or found[name]["code"] != about["code"]]


def _since(then: str, now: str) -> str:
    return f"{then}, which has changed since" if then == now else f"{then} then, {now} now"


def _as_kept(plugins: Iterable[Plugin | None]) -> Origins:
    return {f"{singular(plugin.kind)} {plugin.name}": provenance(plugin) for plugin in plugins if plugin}


def _of_training(run: Run) -> Iterator[Plugin | None]:
    if run.recipe is None:
        yield _code("nulls", run.name)
        return
    yield _code("models", run.recipe.model.name)
    yield from (_code("losses", term.name) for term in run.recipe.loss)
    yield _of_recipe(run.recipe)


def _of_scoring(card: Card | None, protocols: Iterable[Protocol]) -> Iterator[Plugin | None]:
    if card:
        yield _code("adapters", card.adapter)
        yield _of_card(card)
    yield from (_code("metrics", figure) for protocol in protocols for figure in protocol.figures)


def _code(kind: str, name: str) -> Plugin | None:
    """Return the plugin of a name; None for a built-in, and where several offer it: whoever loads it is told."""
    try:
        return plugin_of(kind, name)
    except TopobenchError:
        return None


def _of_card(card: Card) -> Plugin | None:
    """Return the plugin that a card is of; None if it was read from another file that bears its name."""
    try:
        plugin = plugin_of_file("datasets", card.name)
        return plugin if plugin and load_card(card.name) == card else None
    except TopobenchError:
        return None


def _of_recipe(recipe: Recipe) -> Plugin | None:
    """Return the plugin that a recipe is of; one of a sweep differs from it in its name and its last term's weight."""
    try:
        if plugin := plugin_of_file("recipes", recipe.name):
            return plugin if load_recipe(plugin.name) == recipe else None
        plugin = plugin_of_file("recipes", recipe.name.rpartition("-x")[0])
        return plugin if plugin and _unweighed(load_recipe(plugin.name)) == _unweighed(recipe) else None
    except TopobenchError:
        return None


def _unweighed(recipe: Recipe) -> Recipe:
    *others, last = recipe.loss
    return recipe.model_copy(update={"name": "", "loss": (*others, last.model_copy(update={"weight": 0.0}))})
