"""The rules of what a recipe names: it is kept as text, and its model and losses can be made."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli_w

from topobench.cards import Recipe, load_recipe
from topobench.cards.schema import Choice
from topobench.conformance import Outcome, Rule, ask, ask_unless
from topobench.data.fetch import WEIGHTS
from topobench.data.fetch.weights import find_weights
from topobench.data.hints import weights_command
from topobench.losses import build_loss
from topobench.run.conformance.subject import CROP, LOSSES, MODEL, SEED, Subject
from topobench.run.evaluate import try_model
from topobench.run.recipes import recipe_loss, recipe_model
from topobench.run.weights import weights_of

__all__ = ["RULES"]


def _text(subject: Subject) -> Iterator[Outcome]:
    yield ask("TOML", _comes_back, subject.recipe, _through_toml)
    yield ask("JSON", _comes_back, subject.recipe, _through_json)


def _comes_back(recipe: Recipe, through: Any) -> str | None:
    found = through(recipe)
    before, now = (each.model_dump(by_alias=True) for each in (recipe, found))
    changed = [key for key in before if before[key] != now.get(key)]
    if not changed and found.identity() == recipe.identity():
        return None
    key = changed[0] if changed else "the identity"
    return (
        f"written and read again, {key} is {now.get(key)!r} and no longer {before.get(key)!r}; options must be what a "
        "TOML file holds: text, numbers, booleans, lists and tables, and no None or tuple."
    )


def _through_toml(recipe: Recipe) -> Recipe:
    table = recipe.model_dump(mode="json", by_alias=True, exclude_none=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{recipe.name}.toml"
        path.write_text(tomli_w.dumps(table), encoding="utf-8")
        return load_recipe(str(path))


def _through_json(recipe: Recipe) -> Recipe:
    return Recipe.model_validate_json(recipe.model_dump_json(by_alias=True), strict=True)


def _model(subject: Subject) -> Iterator[Outcome]:
    choice = subject.recipe.model
    for channels, case in ((1, "1 channel"), (3, "3 channels")):
        absent = _absent("models", choice)
        yield subject.noted(MODEL, ask_unless(absent, case, _is_model, subject, channels))


def _is_model(subject: Subject, channels: int) -> str | None:
    if reason := _unknown_weights("models", subject.recipe.model):
        return reason
    try_model(recipe_model(subject.recipe, channels, SEED), "cpu", channels, CROP)
    return None


def _losses(subject: Subject) -> Iterator[Outcome]:
    terms = subject.recipe.loss
    each = [ask_unless(_absent("losses", term), term.name, _is_loss, term) for term in terms]
    yield from (subject.noted(LOSSES, outcome) for outcome in each)
    lacking = None if all(outcome.passed for outcome in each) else "not all of them can be made here."
    yield subject.noted(LOSSES, ask_unless(lacking, "together", _are_a_loss, subject))


def _is_loss(term: Choice) -> str | None:
    if reason := _unknown_weights("losses", term):
        return reason
    build_loss(term.name, term.options)
    return None


def _are_a_loss(subject: Subject) -> str | None:
    recipe_loss(subject.recipe)  # which asks whether one of them trains alone, from the first step on
    return None


def _absent(kind: str, choice: Choice) -> str | None:
    """Return why a part cannot be made here, if so: the weights that it wants are not in the cache."""
    name = weights_of(kind, choice)
    if name not in WEIGHTS or find_weights(name):
        return None
    return f"the weights {name!r}, which {choice.name!r} wants, are not here: `{weights_command('fetch', name)}`."


def _unknown_weights(kind: str, choice: Choice) -> str | None:
    name = weights_of(kind, choice)
    if not name or name in WEIGHTS:
        return None
    return (
        f"{choice.name!r} has pretrained_weights {name!r}; topobench gets {', '.join(WEIGHTS)} alone, and what gets "
        "its own weights names none."
    )


def unable(subject: Subject) -> str | None:
    """Return why the recipe cannot be trained here, where an earlier rule said that it cannot."""
    recipe = subject.recipe
    absent = [_absent("models", recipe.model), *(_absent("losses", term) for term in recipe.loss)]
    if reason := next(filter(None, absent), None):
        return reason
    return f"it cannot be trained, as the rule {subject.faulty[0]!r} says." if subject.faulty else None


RULES: tuple[Rule[Subject], ...] = (
    Rule("text and back", "as TOML or JSON, and read again, it is the same recipe of the same identity", _text),
    Rule(MODEL, "its model is made with its options, for grey and for colour, and gives a logit a pixel", _model),
    Rule(LOSSES, "its losses are made, and one of them trains alone from the first step on", _losses),
)
