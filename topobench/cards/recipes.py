"""Recipes (baselines) and suites (which of them run on what): what their TOML files hold."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from topobench.cards.schema import Choice, Count, File, Index, Name, Part, Strict, VariantName
from topobench.errors import CardError

__all__ = ["Budget", "LossTerm", "ModelChoice", "Published", "Recipe", "Suite", "Validation"]


class ModelChoice(Choice):
    """The model of a recipe and its options."""


class LossTerm(Choice):
    """One term of a recipe's loss.

    Its weight is 0 before the part `start` of the run's steps, then rises linearly to `weight` over the part
    `ramp`; further keys are options of the loss.
    """

    weight: Annotated[float, Field(gt=0.0)]
    start: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    ramp: Part = 0.0

    @model_validator(mode="after")
    def _reaches_its_weight(self) -> LossTerm:
        if self.start + self.ramp > 1 + 1e-9:
            raise ValueError(
                f"loss {self.name!r} starts at {self.start:g} of the run and rises over {self.ramp:g} of it, so it "
                "never reaches its weight; start + ramp must be at most 1"
            )
        return self


class Validation(Strict):
    """By what rule the best state of a training is chosen: by images that are held out of those it trains on.

    So many resampling units as make up the part `share` of the training images are held out, drawn by fold and seed
    alone, the same for every recipe. `times` a run, evenly spaced and at its end, they are scored by `protocol`; the
    state with the best mean of the figure that it ranks by is the one that is scored on the fold, the later of two that
    are alike.
    """

    protocol: VariantName = "hu2019"
    share: Annotated[float, Field(gt=0.0, le=0.5)] = 0.2
    times: Count = 10


class Budget(Strict):
    """What every run of a suite may spend: steps of batches of square crops (pixels a side), or seconds of them.

    Seconds are those of training steps alone. With `validation` the best state is scored, else the last.
    """

    steps: Count | None = None
    seconds: Annotated[float, Field(gt=0.0)] | None = None
    batch: Count
    crop: Count
    validation: Validation | None = None

    @model_validator(mode="after")
    def _one_measure(self) -> Budget:
        if (self.steps is None) == (self.seconds is None):
            given = "both" if self.steps else "neither"
            raise ValueError(f"a budget is given in steps or in seconds, and this one has {given}")
        if self.steps and self.validation and self.validation.times > self.steps:
            raise ValueError(f"{self.validation.times} validations in {self.steps} steps; give as many times at most")
        return self

    def identity(self) -> dict[str, Any]:
        """Return what changes a run when it changes; what is not given is left out."""
        return self.model_dump(mode="json", exclude_none=True)


class Published(Strict):
    """Figures that somebody published for this baseline: a value, or the ends of a range.

    `protocol` is the one of ours by which they were measured; none where that is not known, and then they are
    not comparable.
    """

    source: str
    table: str
    row: str
    dataset: str
    figures: dict[str, float | tuple[float, float]]
    protocol: VariantName | None = None
    note: str = ""


class Recipe(File):
    """A baseline: a model, the terms of its loss, how it is trained (Adam), what was published about it.

    The learning rate falls to 0 along half a cosine, or is constant.
    """

    model: ModelChoice
    loss: Annotated[tuple[LossTerm, ...], Field(min_length=1)]
    learning_rate: Annotated[float, Field(gt=0.0)]
    schedule: Literal["cosine", "constant"] = "cosine"
    budget: Budget
    source: str
    published: tuple[Published, ...] = ()

    def scaled(self, factor: float) -> Recipe:
        """Return this recipe with its last term's weight times `factor`, named after it; itself for a factor of 1.

        CardError where it has one term alone, whose weight Adam does not feel.
        """
        if factor == 1:
            return self
        *others, last = self.loss
        if not others:
            raise CardError(
                f"recipe {self.name!r} has one loss term alone, {last.name!r}; factors (of a suite) are for recipes "
                "with a term whose weight can be chosen: two or more."
            )
        weighed = last.model_copy(update={"weight": last.weight * factor})
        return self.model_copy(update={"name": f"{self.name}-x{factor:g}", "loss": (*others, weighed)})

    def identity(self) -> dict[str, Any]:
        """Return what changes a run when it changes; titles, sources and published figures do not."""
        return self.model_dump(mode="json", include={"name", "version", "model", "loss", "learning_rate", "schedule"})


class Suite(File):
    """Which recipes run on which data sets, folds and seeds, with what budget, scored by which protocols.

    `nulls` are the rules without training that every leaderboard shows beside the models. Without a `budget`
    each recipe's own counts. With `factors` each recipe is tried once with each of them, times the weight of its last
    term: the same number of trials for all.
    """

    recipes: Annotated[tuple[Name, ...], Field(min_length=1)]
    datasets: Annotated[tuple[VariantName, ...], Field(min_length=1)]
    folds: Annotated[tuple[Index, ...], Field(min_length=1)]
    seeds: Annotated[tuple[Index, ...], Field(min_length=1)]
    protocols: Annotated[tuple[VariantName, ...], Field(min_length=1)]
    nulls: tuple[Name, ...] = ()
    factors: tuple[Annotated[float, Field(gt=0.0)], ...] = (1.0,)
    budget: Budget | None = None
