"""The rules for a record by itself: each yields a sentence for what is wrong, without the name of the file."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import ValidationError

from topobench.cards import Budget, faults_of
from topobench.errors import RecordError
from topobench.leaderboard.audit.findings import Found, some
from topobench.metrics import figure_of
from topobench.registry import BUILTINS, singular
from topobench.scores import record_path
from topobench.types import Row, RunRecord

__all__ = ["EACH", "malformed"]

KINDS = ("trained", "null", "scored")
SHA256 = re.compile("[0-9a-f]{64}")
ROUNDING = 1e-9  # of sums of floats at the end of a range


def malformed(record: RunRecord) -> Iterator[str]:
    """Yield what a record lacks without which no other rule could be asked."""
    if record.kind not in KINDS:
        yield f"its kind is {record.kind!r}; it must be {', '.join(KINDS)}."
    if not record.finished and not re.fullmatch(r"failed: .+", record.status):
        yield f"its status is {record.status!r}; it must be 'finished' or 'failed: <reason>'."
    for what, table in (("recipe", record.recipe), ("card", record.card)):
        if not (_text(table.get("name")) and _count(table.get("version"))):
            yield f"its {what} has no name or no version."
    if record.kind == "trained" and (record.seed is None or record.fold is None):
        yield "it was trained and has no seed or no fold."
    for name, choices in record.protocols.items():
        figures = choices.get("figures")
        listed = isinstance(figures, list) and figures and all(map(_text, figures))
        if not (choices.get("name") == name and _count(choices.get("version")) and listed):
            yield f"what it keeps of the protocol {name!r} has another name, no version or no figures."
        elif strange := _strange_in(choices):
            yield strange


def _strange_in(choices: dict[str, Any]) -> str | None:
    """Return why it is not known what a figure of a plugin is, though the record keeps something of it."""
    try:
        for name in choices["figures"]:
            figure_of(name, choices)
    except RecordError as error:
        return str(error)
    return None


def well_named(found: Found) -> Iterator[str]:
    """A record lies where its content says."""
    wanted = record_path(found.path.parent, vars(found.record)).name
    if found.path.name != wanted:
        yield f"its file was renamed; by what it holds it is {wanted}."


def complete(found: Found) -> Iterator[str]:
    """A finished record has rows of the same images for each of its protocols, each once; a failed one has none."""
    record = found.record
    if not record.finished:
        if record.rows:
            yield f"it failed, and has {len(record.rows)} rows; a failed run has none."
        return
    if not record.protocols:
        yield "it is finished, and was scored by no protocol."
    images: dict[str, Counter[str]] = {name: Counter() for name in record.protocols}
    for row in record.rows:
        images.setdefault(row.protocol, Counter())[row.image] += 1
    everything = dict.fromkeys(row.image for row in record.rows)
    for name, counted in images.items():
        if name not in record.protocols:
            yield f"it has rows by {name!r}, which is not among its protocols."
        if twice := [image for image, times in counted.items() if times > 1]:
            yield f"by {name!r} it has more than one row of {some(twice)}."
        if not counted:
            yield f"by {name!r} it has no rows."
        elif missing := [image for image in everything if image not in counted]:
            yield f"by {name!r} it has no row of {some(missing)}, which another protocol has."


def of_units(found: Found) -> Iterator[str]:
    """Every image has its resampling unit, without which no interval can be computed, and it is one."""
    units: dict[str, set[str]] = defaultdict(set)
    for row in found.record.rows:
        units[row.image].add(row.unit)
    if without := [image for image, of in units.items() if "" in of]:
        yield f"the resampling unit of {some(without)} is empty; score again."
    if torn := [image for image, of in units.items() if len(of) > 1]:
        yield f"{some(torn)} is of several resampling units; an image is of one."


def of_figures(found: Found) -> Iterator[str]:
    """Every row has the figures that its protocol lists, each a number in its range or undefined with a reason."""
    wrong: dict[str, list[str]] = defaultdict(list)
    for row in found.record.rows:
        protocol = found.record.protocols.get(row.protocol)
        for what in _wrong_in(row, protocol or {"figures": list(row.figures)}):
            wrong[f"by {row.protocol!r} {what}"].append(row.image)
    yield from (f"{what}, in {some(images)}." for what, images in wrong.items())


def _wrong_in(row: Row, choices: dict[str, Any]) -> Iterator[str]:
    listed = choices["figures"]
    if lacking := [name for name in listed if name not in row.figures]:
        yield f"{some(lacking)} is lacking"
    if surplus := sorted(row.figures.keys() - set(listed)):
        yield f"{some(surplus)} is not among the figures of the protocol"
    for name, value in row.figures.items():
        if (value is None) != (name in row.reasons):
            yield f"{name} is undefined without a reason" if value is None else f"{name} is {value} and has a reason"
        if value is not None and not _within(value, *(limits := figure_of(name, choices).range)):
            yield f"{name} is {value}, beyond its range of {limits}"
    if strange := sorted(row.reasons.keys() - row.figures.keys()):
        yield f"{some(strange)} has a reason and is no figure"


def _within(value: float, lowest: float, highest: float) -> bool:
    return math.isfinite(value) and lowest - ROUNDING <= value <= highest + ROUNDING


def of_budget(found: Found) -> Iterator[str]:
    """What was trained had a budget, and spent it; nothing else has one."""
    record = found.record
    if record.kind != "trained":
        if record.budget:
            yield f"it was not trained, and has the budget {record.budget}."
        return
    try:
        budget = Budget.model_validate(record.budget)
    except ValidationError as error:
        yield f"its budget is none: {faults_of(error, Budget)}."
        return
    steps = record.training.get("steps")
    if record.finished and budget.steps and steps != budget.steps:
        yield f"its budget is {budget.steps} steps, and it took {steps}."
    if record.finished and not record.cost.get("train_seconds", -1) >= 0:
        yield "its cost has no train_seconds."


def of_training(found: Found) -> Iterator[str]:
    """What topobench ran itself says by which version of the training."""
    record = found.record
    if record.kind != "scored" and record.training_version < 1:
        yield f"its training_version is {record.training_version}; it must be at least 1."


def of_environment(found: Found) -> Iterator[str]:
    """It is known by what code figures were made: versions, and a commit without changes."""
    environment = found.record.environment
    wanted = ["topobench", "python", "numpy", *(["torch"] if found.record.kind == "trained" else [])]
    if missing := [name for name in wanted if not environment.get(name)]:
        yield f"its environment does not say the version of {some(missing)}."
    commit = environment.get("commit", "")
    if commit.endswith("+"):
        yield f"it was made by commit {commit.rstrip('+')} with changes (+); commit them, and run again."
    elif not re.fullmatch("[0-9a-f]{7,40}", commit):
        yield (
            f"its commit is {commit!r}, so nobody knows by what code it was made; in a clone, "
            "pip install -e '.' and run again."
        )


def of_plugins(found: Found) -> Iterator[str]:
    """Of a model or loss that is not topobench's it is known whose it is, and by what code."""
    recipe = found.record.recipe
    model, terms = recipe.get("model") or {}, recipe.get("loss") or ()
    used = {"models": [model.get("name")], "losses": [term.get("name") for term in terms]}
    for kind, names in used.items():
        for name in dict.fromkeys(names):
            key = f"{singular(kind)} {name}"
            if name and name not in BUILTINS[kind] and not found.record.plugins.get(key, {}).get("origin"):
                yield f"its {key} is not topobench's, and it does not say whose it is; run again with this topobench."


def of_hashes(found: Found) -> Iterator[str]:
    """Hashes are there and look like such; maps that were kept are those of exactly the scored images."""
    record = found.record
    if not SHA256.fullmatch(record.data_hash):
        yield f"its data_hash is {record.data_hash!r}; it must be a sha256."
    if record.kind == "scored" and not _sha256(record.recipe.get("predictions")):
        yield "it does not say the sha256 of the predictions that were scored."
    if record.finished and record.predictions:
        scored = {row.image for row in record.rows}
        if differing := sorted(scored.symmetric_difference(record.predictions)):
            yield f"its maps (predictions) and its rows are not of the same images: {some(differing)}."
    if strange := [image for image, sha256 in record.predictions.items() if not _sha256(sha256)]:
        yield f"what it keeps of the maps of {some(strange)} is no sha256."


def _sha256(value: Any) -> bool:
    return isinstance(value, str) and bool(SHA256.fullmatch(value))


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


EACH: tuple[Callable[[Found], Iterator[str]], ...] = (
    well_named, complete, of_units, of_figures, of_budget, of_training, of_environment, of_plugins, of_hashes,
)  # fmt: skip
