"""The training loop, in plain torch: a fixed number of steps, each a pure function of (seed, step)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from topobench.cards import Budget, Recipe
from topobench.errors import RunError
from topobench.losses import WeightedLoss, build_loss
from topobench.losses.weighted import Term
from topobench.models import build_model
from topobench.run import checkpoint
from topobench.run.batches import TrainingSet
from topobench.run.device import Device
from topobench.seeds import seed_of

__all__ = ["TRAINING_VERSION", "Trainer", "recipe_loss", "recipe_model"]

TRAINING_VERSION = 3  # raised by hand when the same run would end at other weights
CHECKPOINT_EVERY = 100  # steps

Report = Callable[[int, dict[str, float]], None]


def recipe_model(recipe: Recipe, in_channels: int, seed: int) -> nn.Module:
    """Return the recipe's model with weights that depend on the seed alone."""
    torch.manual_seed(seed_of("weights", seed))
    return build_model(recipe.model.name, in_channels, recipe.model.options)


def recipe_loss(recipe: Recipe) -> WeightedLoss:
    """Return the recipe's loss."""
    return WeightedLoss(
        [
            Term(term.name, build_loss(term.name, term.options), term.weight, term.start, term.ramp)
            for term in recipe.loss
        ]
    )


@dataclass
class Trainer:
    """A training in progress: Adam, learning rate falling to 0 along half a cosine, mixed precision on cuda.

    Separate seeds govern weights, data (`TrainingSet.batch`), the patches of losses, and dropout. `step` counts the
    steps done, `seconds` the wall time they took, in this process and in those that it resumes.
    """

    recipe: Recipe
    budget: Budget
    seed: int
    device: Device
    data: TrainingSet
    folder: Path

    def __post_init__(self) -> None:
        """Make model, loss and optimiser, and take up the newest checkpoint in `folder`."""
        self.model = recipe_model(self.recipe, self.data.channels, self.seed).to(self.device.kind)
        self.loss = recipe_loss(self.recipe).to(self.device.kind)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=self.recipe.learning_rate)
        self.scaler = torch.amp.GradScaler(self.device.kind, enabled=self.device.precision == "float16")
        self.step = 0
        self.seconds = 0.0
        found = checkpoint.latest(self.folder)
        if found:
            self.step, state = found
            self.seconds = state["seconds"]
            for part, name in self._parts():
                part.load_state_dict(state[name])

    def run(self, report: Report, stopping: Callable[[], bool]) -> bool:
        """Train to the end of the budget; return False if `stopping` said so before. Checkpoints either way."""
        self.model.train()
        while self.step < self.budget.steps:
            started = time.perf_counter()
            values = self._take_step()
            self.seconds += time.perf_counter() - started
            report(self.step - 1, values)
            stop = stopping()
            if stop or self.step % CHECKPOINT_EVERY == 0 or self.step == self.budget.steps:
                self._save()
            if stop and self.step < self.budget.steps:
                return False
        return True

    def _save(self) -> None:
        state: dict[str, Any] = {name: part.state_dict() for part, name in self._parts()}
        checkpoint.save(self.folder, self.step, {**state, "seconds": self.seconds})

    def _parts(self) -> list[tuple[Any, str]]:
        return [(self.model, "model"), (self.optimiser, "optimiser"), (self.scaler, "scaler")]

    def _take_step(self) -> dict[str, float]:
        """Take one step; return each loss term's value. RunError where the logits or the loss are not finite."""
        images, target, valid = self.data.batch(self.budget, self.seed, self.step).to(self.device.kind)
        torch.manual_seed(seed_of("dropout", self.seed, self.step))
        self.loss.reseed(seed_of("patches", self.seed, self.step))
        part = self.step / self.budget.steps
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.learning_rate * (1 + math.cos(math.pi * part)) / 2
        dtype = self.device.autocast_dtype
        with torch.autocast(self.device.kind, dtype=dtype, enabled=dtype is not None):
            logits = self.model(images)
        self._check_finite(logits, "logits")
        found: tuple[Tensor, dict[str, float]] = self.loss(logits, target, part, valid)
        total, values = found
        self._check_finite(total, "loss")
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(total).backward()  # type: ignore[no-untyped-call]
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.step += 1
        return values

    def _check_finite(self, tensor: Tensor, word: str) -> None:
        if not bool(torch.isfinite(tensor).all()):
            raise RunError(f"NaN or infinite {word} at step {self.step}")
