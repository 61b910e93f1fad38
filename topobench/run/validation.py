"""Which state of a training is scored: the last, or the best on images held out of those it trains on.

Nothing here ever sees the images of the fold that is scored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from torch import nn

from topobench.cards import Card, Validation, load_protocol
from topobench.errors import CardError
from topobench.metrics import figure_of
from topobench.metrics.scoring import settings_of
from topobench.run.evaluate import model_predictor
from topobench.scores import score_samples
from topobench.seeds import generator
from topobench.types import Member, Sample

__all__ = ["Interrupted", "Validated", "Validator", "hold_out"]


class Interrupted(Exception):
    """A stop was asked for before all images held out were scored."""


class Validated(NamedTuple):
    """The images held out, scored after so many steps: the mean of the figure, and for how many it is undefined."""

    step: int
    value: float
    undefined: int


def hold_out(members: Sequence[Member], share: float, fold: int, seed: int) -> tuple[list[str], list[str]]:
    """Split training images into those trained on and those held out (ids, in their order), by resampling units.

    Units are drawn until they hold `share` of the images, or as near as whole units come from below; at least one. They
    depend on fold and seed alone. CardError where all images are of one unit.
    """
    units = sorted({member.unit for member in members})
    if len(units) < 2:
        raise CardError(
            f"the {len(members)} training images of fold {fold} are of one resampling unit, so that none can be held "
            "out to choose a checkpoint by; leave out [budget.validation], which scores the last."
        )
    drawn: set[str] = set()
    for index in generator("validation", fold, seed).permutation(len(units)):
        more = drawn | {units[index]}
        if drawn and sum(member.unit in more for member in members) > share * len(members):
            break
        drawn = more
    trained = [member.image_id for member in members if member.unit not in drawn]
    return trained, [member.image_id for member in members if member.unit in drawn]


class Validator:
    """Scores a model on the images held out, and says which of two results is better.

    Parameters
    ----------
    rule : Validation
    samples : the images held out
    card : of the data set, whose phase and connectivity count
    device : kind, such as ``cpu``

    Attributes
    ----------
    stopping : callable
        Asked after each image: where it returns True, the rest is left and `Interrupted` raised.
    """

    def __init__(self, rule: Validation, samples: Sequence[Sample], card: Card, device: str) -> None:
        self.rule, self.samples, self.card, self.device = rule, samples, card, device
        self.protocol = load_protocol(rule.protocol)
        settings = settings_of(self.protocol, card.phase, card.connectivity, 0)
        self.figure = figure_of(self.protocol.ranked_by, settings)
        self.stopping: Callable[[], bool] = lambda: False

    def __call__(self, model: nn.Module, step: int) -> Validated:
        """Return the result of a model after so many steps. The model is left in eval mode."""
        rows = score_samples(
            self.samples, model_predictor(model, self.device), [self.protocol], self.card.phase,
            self.card.connectivity,
        )  # fmt: skip
        values = []
        for [row] in rows:
            values.append(row.figures[self.protocol.ranked_by])
            if len(values) < len(self.samples) and self.stopping():
                raise Interrupted
        defined = [value for value in values if value is not None]
        return Validated(step, float(np.mean(defined)) if defined else 0.0, len(values) - len(defined))

    def better(self, new: Validated, old: Validated | None) -> bool:
        """Return whether a later result is at least as good: first defined for more images, then by its mean."""
        if old is None or new.undefined != old.undefined:
            return old is None or new.undefined < old.undefined
        return new.value <= old.value if self.figure.better == "low" else new.value >= old.value
