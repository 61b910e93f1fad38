"""A recipe under test: its short training on a tiny set, which several rules look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from topobench.cards import Budget, Recipe
from topobench.conformance import Outcome
from topobench.run.batches import TrainingSet
from topobench.run.checkpoint import Checkpoints
from topobench.run.device import Device
from topobench.run.recipes import recipe_loss
from topobench.run.train import Trainer
from topobench.run.watcher import Step
from topobench.types import Sample

__all__ = ["CROP", "LOSSES", "MODEL", "SEED", "STEPS", "TRAINS", "Subject"]

STEPS, BATCH, CROP = 3, 2, 40
SEED = 0
MODEL, LOSSES, TRAINS = "model is made", "losses are made", "trains three steps"  # rules on which others build


@dataclass
class Subject:
    """A recipe under test, and how its training on a tiny set ended.

    Attributes
    ----------
    recipe : Recipe
    folder : Path
        Where its checkpoints go.
    faulty : list of str
        The rules of which it failed cases that others build on.
    """

    recipe: Recipe
    folder: Path
    faulty: list[str] = field(default_factory=list)

    @cached_property
    def budget(self) -> Budget:
        """Three steps, of crops as small as the patches of its losses allow."""
        patches = [getattr(loss, "patch_size", None) for loss in recipe_loss(self.recipe).losses]
        wanted = max([CROP, *(size for size in patches if isinstance(size, int))])
        return Budget(steps=STEPS, batch=BATCH, crop=min(wanted, self.recipe.budget.crop))

    def begun(self, name: str) -> Trainer:
        """Return the training kept under a name, as far as it has come."""
        data = TrainingSet.of(_samples(self.budget.crop))
        checkpoints = Checkpoints(self.folder / name, "0" * 64)
        return Trainer(self.recipe, self.budget, SEED, Device("cpu", "float32", 1), data, checkpoints)

    def trained(self, name: str, stop: int = STEPS) -> Trainer:
        """Return it once it has ended, or so many more steps are taken."""
        taken: list[Step] = []
        trainer = self.begun(name)
        trainer.run(taken.append, lambda: len(taken) == stop)
        return trainer

    @cached_property
    def straight(self) -> Trainer:
        """The training of three steps in one go."""
        self.faulty.append(TRAINS)
        found = self.trained("straight")
        self.faulty.remove(TRAINS)
        return found

    def noted(self, rule: str, outcome: Outcome) -> Outcome:
        """Return an outcome, after it was noted that a rule failed on which others build."""
        if outcome.status == "failed":
            self.faulty.append(rule)
        return outcome


def _samples(crop: int) -> list[Sample]:
    """Return three images, a little larger than a crop, of dark lines on a noisy ground; one is not valid all over."""
    random, found = np.random.default_rng(SEED), []
    for index in range(3):
        truth = np.zeros((crop + 8, crop + 12), bool)
        truth[crop // 4 + index :: crop // 2 + 1] = truth[:, crop // 3 + index :: crop // 2] = True
        image = (0.7 - 0.4 * truth + 0.1 * random.standard_normal(truth.shape)).clip(0, 1)
        valid = np.ones_like(truth)
        valid[:, : crop // 4] = index > 0
        found.append(Sample(str(index), image[None].astype(np.float32), truth, None if index else valid, str(index)))
    return found
