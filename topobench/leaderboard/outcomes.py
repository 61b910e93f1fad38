"""What a run gave under one protocol, as arrays, and which runs are of one method."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from topobench.files import digest
from topobench.leaderboard.resampling import Floats
from topobench.types import Row, RunRecord

__all__ = ["Outcome", "held_out_of", "label_of", "method_key", "method_keys", "name_of", "outcomes_of"]


@dataclass(frozen=True)
class Outcome:
    """A run under one protocol.

    `record` has no rows any more: `values` float64 (images, figures), NaN where undefined, holds what they said of the
    `images`, whose resampling units are `units`. An unfinished run has no images.
    """

    record: RunRecord
    protocol: str
    images: tuple[str, ...]
    units: tuple[str, ...]
    figures: tuple[str, ...]
    values: Floats

    @property
    def choices(self) -> dict[str, Any]:
        """Every choice of the protocol that the figures depend on."""
        return self.record.protocols[self.protocol]


def outcomes_of(record: RunRecord) -> Iterator[Outcome]:
    """Yield what a run gave, for each of its protocols."""
    bare = replace(record, rows=())
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in record.rows if record.finished else ():
        rows[row.protocol].append(row)
    for protocol in record.protocols:
        of_it = rows[protocol]
        names: dict[str, None] = {}
        for row in of_it:
            names |= dict.fromkeys(row.figures)
        figures = tuple(map(sys.intern, names))
        values = [list(map(row.figures.get, figures)) for row in of_it]  # None becomes NaN
        yield Outcome(
            bare, protocol, tuple(sys.intern(row.image) for row in of_it),
            tuple(sys.intern(row.unit or row.image) for row in of_it), figures,
            np.array(values, dtype=np.float64).reshape(len(of_it), len(figures)),
        )  # fmt: skip


def method_key(record: RunRecord) -> str:
    """Return what is the same for all runs of a method, whatever they ran on: its recipe, without any predictions."""
    recipe = {key: value for key, value in record.recipe.items() if key != "predictions"}
    return digest([record.kind, recipe, record.training_version])


def method_keys(outcomes: Iterable[Outcome]) -> dict[str, str]:
    """Return for each finished run, by its id, the key of its method, among those scored by a protocol.

    Records are of one method if their whole recipe is the same, and the version of the training. Predictions differ
    from fold to fold: those of one name are of one method as long as no image is scored twice.
    """
    alike: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.record.finished:
            alike[method_key(outcome.record)].append(outcome)
    return {run: method for key, group in alike.items() for run, method in _of_one_name(key, group)}


def _of_one_name(key: str, group: Sequence[Outcome]) -> Iterator[tuple[str, str]]:
    """Yield the runs of a group and the keys of their methods: one for all, but where predictions scored one image."""
    images = [image for outcome in group for image in outcome.images]
    twice = group[0].record.kind == "scored" and len(set(images)) < len(images)
    for outcome in group:
        record = outcome.record
        yield record.run_id, digest([key, record.recipe["predictions"]]) if twice else key


def name_of(record: RunRecord) -> str:
    """Return what a method is called: a recipe whose model or loss does without the weights there are says so."""
    scratch = record.recipe.get("model", {}).get("pretrained") is False
    features = any(term.get("pretrained") is False for term in record.recipe.get("loss", ()))
    return f"{record.recipe['name']}{' (from scratch)' * scratch}{' (random features)' * features}"


def label_of(record: RunRecord) -> str:
    """Return what a run is called."""
    seed = "" if record.seed is None else f", seed {record.seed}"
    return f"{name_of(record)}, fold {record.fold}{seed}"


def held_out_of(record: RunRecord) -> float | None:
    """Return what the scored state gave on the images held out, where it was chosen by them and is defined for any."""
    training = record.training
    found = {step: (value, undefined) for step, value, undefined in training.get("validated", ())}
    value, undefined = found.get(training.get("scored_step"), (None, 0))
    return None if undefined and undefined >= len(training.get("held_out", ())) else value
