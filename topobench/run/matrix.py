"""The matrix of a suite: every recipe and null row on every data set, fold and seed, each with its identity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from topobench.cards import Budget, Recipe, Suite
from topobench.data import Dataset
from topobench.errors import ArgumentError
from topobench.registry import load, subject
from topobench.run.device import Device
from topobench.run.train import TRAINING_VERSION
from topobench.scores import protocol_settings

__all__ = ["Run", "expand"]


def _null(name: str) -> dict[str, Any]:
    """Return what makes a null row what it is; ArgumentError where one of a plugin has no version."""
    version = getattr(load("nulls", name), "version", None)
    if not isinstance(version, int):
        raise ArgumentError(
            f"{subject('nulls', name)} has the version {version!r}; it must be a whole number, such as 1."
        )
    return {"name": name, "version": version}


@dataclass(frozen=True)
class Run:
    """One recipe (or null row, where `recipe` is None) on one data set, one fold, one seed."""

    name: str
    recipe: Recipe | None
    dataset: Dataset
    fold: int
    seed: int | None
    budget: Budget | None
    device: Device
    protocols: tuple[str, ...]

    @property
    def label(self) -> str:
        """What progress and errors call it."""
        seed = "" if self.seed is None else f" seed {self.seed}"
        return f"{self.name} on {self.dataset.card.name}, fold {self.fold}{seed}"

    def choices(self) -> dict[str, dict[str, Any]]:
        """Return its protocols, by name, with every choice that their figures depend on."""
        card = self.dataset.card
        return protocol_settings(self.protocols, card.phase, card.connectivity)

    def identity(self) -> dict[str, Any]:
        """Return what makes the run what it is; its id is the hash of this."""
        return {
            "kind": "trained" if self.recipe else "null",
            "recipe": self.recipe.identity() if self.recipe else _null(self.name),
            "card": self.dataset.identity(),
            "data_hash": self.dataset.data_hash,
            "fold": self.fold,
            "seed": self.seed,
            "budget": self.budget.identity() if self.budget else {},
            "device": self.device.kind,
            "precision": self.device.precision,
            "threads": self.device.threads,
            "training_version": TRAINING_VERSION,
        }


def expand(suite: Suite, recipes: Sequence[Recipe], datasets: Sequence[Dataset], device: Device) -> list[Run]:
    """Return the runs of a suite, given its recipes and data sets: for each fold the null rows, then each recipe."""
    return [
        run for dataset in datasets for fold in suite.folds for run in _of_fold(suite, dataset, fold, recipes, device)
    ]


def _of_fold(suite: Suite, dataset: Dataset, fold: int, recipes: Sequence[Recipe], device: Device) -> Iterator[Run]:
    for name in suite.nulls:
        nothing = Device("cpu", "float32", 1)
        yield Run(name, None, dataset, fold, None, None, nothing, suite.protocols)
    for recipe in recipes:
        for seed in suite.seeds:
            budget = suite.budget or recipe.budget
            yield Run(recipe.name, recipe, dataset, fold, seed, budget, device, suite.protocols)
