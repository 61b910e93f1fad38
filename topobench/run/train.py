"""The training loop, in plain torch: steps, each a pure function of (seed, step), to the end of a budget."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from topobench.cards import Budget, Recipe
from topobench.environment import peak_memory_mib
from topobench.errors import RunError
from topobench.run.batches import Batch, TrainingSet
from topobench.run.checkpoint import Checkpoints
from topobench.run.clock import Clock
from topobench.run.curve import Curve
from topobench.run.device import Device
from topobench.run.evaluate import try_model
from topobench.run.recipes import recipe_loss, recipe_model
from topobench.run.settings import DEFAULTS, Settings
from topobench.run.validation import Interrupted, Validated, Validator
from topobench.run.warmup import WarmUp
from topobench.run.watcher import Step
from topobench.seeds import seed_of

__all__ = ["TRAINING_VERSION", "Trainer"]

TRAINING_VERSION = 4  # raised by hand when the same run would end at other weights


@dataclass
class Trainer:
    """A training in progress: Adam, the recipe's learning rate, mixed precision and channels last as the device says.

    Separate seeds govern weights, data (`TrainingSet.batch`), the patches of losses, and dropout, so that two losses
    see the same weights, crops and masks. `step` counts the steps done, `seconds` the wall time they took by what it
    was spent on, in this process and in those that it resumes; images held out and checkpoints take none of it. `curve`
    has the losses of the same steps.

    Given a `validator`, the best of the states that it sees is kept, and `scored_model` is that; else it is the last.
    Given a `warm_up`, its steps are those of another run that took them, or are kept for others.
    """

    recipe: Recipe
    budget: Budget
    seed: int
    device: Device
    data: TrainingSet
    checkpoints: Checkpoints
    validator: Validator | None = None
    settings: Settings = DEFAULTS
    warm_up: WarmUp | None = None
    step: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("data", "network", "loss"), 0.0))
    validation_seconds: float = 0.0
    validated: list[Validated] = field(default_factory=list)
    best: dict[str, Any] | None = None
    refused: list[str] = field(default_factory=list)
    curve: Curve = field(default_factory=Curve)
    warmed_up: dict[str, Any] | None = None
    _peaks: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make model, loss and optimiser, try loss and model, and take up the newest sound checkpoint."""
        self.device.prepare(self.settings.deterministic)
        model = recipe_model(self.recipe, self.data.channels, self.seed)
        self.model: nn.Module = model.to(device=self.device.kind, memory_format=self.device.memory_format)  # type: ignore[call-overload]
        self.loss = recipe_loss(self.recipe).to(self.device.kind)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=self.recipe.learning_rate)
        self.scaler = torch.amp.GradScaler(self.device.kind, enabled=self.device.precision == "float16")
        self._try_loss()
        try_model(self.model, self.device.kind, self.data.channels, self.data.crop_size(self.budget))
        if self.loss.state_dict():  # what a loss may have learned by then is not that of another
            self.warm_up = None
        found = self.checkpoints.latest()
        if found:
            self.step, state, self.refused = found
            self._take_up(state)
            self.loss.load_state_dict(state["loss"])
        elif self.warm_up:
            self._take_warm_up(self.warm_up)
        self._saved = self.step, len(self.validated)

    def run(
        self,
        stepped: Callable[[Step], None],
        stopping: Callable[[], bool],
        validated: Callable[[Validated], None] = lambda _: None,
    ) -> bool:
        """Train to the end of the budget; return False if `stopping` said so before. Checkpoints either way."""
        saved = time.monotonic()
        if self.validator:
            self.validator.stopping = stopping
        while not self.ended:
            if stopping():
                self._save()
                return False
            if self._validation_is_due():
                try:
                    validated(self._validate())
                except Interrupted:
                    continue
            else:
                stepped(self._take_step())
                self._keep_warm_up()
            if time.monotonic() - saved >= self.settings.checkpoint_seconds:
                self._save()
                saved = time.monotonic()
        self._save()
        return True

    @property
    def spent(self) -> float:
        """The part of the budget that is spent, in [0, 1]."""
        if self.budget.steps is not None:
            return self.step / self.budget.steps
        return min(sum(self.seconds.values()) / (self.budget.seconds or 1), 1.0)

    @property
    def ended(self) -> bool:
        """Whether the budget is spent, and the last validation done."""
        return self.spent >= 1 and not self._validation_is_due()

    def scored_model(self) -> nn.Module:
        """Return the model in the state that is to be scored."""
        if self.best:
            self.model.load_state_dict(self.best["model"])
        return self.model

    def report(self) -> dict[str, Any]:
        """Return how the training went, for the record."""
        found: dict[str, Any] = {"steps": self.step, "losses": self.curve.points()}
        if self.warmed_up:
            found["warm_up"] = self.warmed_up
        if not self.best:
            return {**found, "scored": "last"}
        validated = [list(each) for each in self.validated]
        return {**found, "scored": "best", "scored_step": self.best["step"], "validated": validated}

    def peaks(self) -> dict[str, float]:
        """Return the peaks of memory, MiB, of this process and of those that it resumes, as the record names them."""
        now = {"peak_memory_mib": peak_memory_mib()}
        if self.device.kind == "cuda":
            now["peak_device_memory_mib"] = torch.cuda.max_memory_allocated() / 2**20
        return {name: round(max(value, self._peaks.get(name, 0.0)), 1) for name, value in now.items()}

    def shown(self, found: Validated) -> float:
        """Return the value of a result; NaN where it is defined for none of the images held out."""
        assert self.validator is not None
        return math.nan if found.undefined == len(self.validator.samples) else found.value

    def _validation_is_due(self) -> bool:
        if self.validator is None:
            return False
        times = self.validator.rule.times
        if self.budget.steps is not None:  # in whole numbers: 29 of 100 steps are 0.29, and 100 times that is below 29
            return self.step * times // self.budget.steps > len(self.validated)
        return int(self.spent * times) > len(self.validated)

    def _validate(self) -> Validated:
        """Score the images held out, and keep the state if it is the best so far."""
        assert self.validator is not None
        started = time.perf_counter()
        found = self.validator(self.model, self.step)
        self.validation_seconds += time.perf_counter() - started
        self.validated.append(found)
        if self.validator.better(found, Validated(*self.best["validated"]) if self.best else None):
            state = {name: value.detach().cpu().clone() for name, value in self.model.state_dict().items()}
            self.best = {"step": self.step, "validated": list(found), "model": state}
        return found

    def _save(self) -> None:
        """Write a checkpoint, unless the newest is of this very state, or nothing was done yet.

        RunError where weights are not finite, as a gradient can make them of finite values: the last good one is kept.
        """
        now = (self.step, len(self.validated))
        if now == self._saved:
            return
        self.checkpoints.save(self.step, {**self._state(), "loss": self.loss.state_dict()}, len(self.validated))
        self._saved = now

    def _state(self) -> dict[str, Any]:
        """Return all that the training goes on from, but for what the loss keeps."""
        if not all(bool(torch.isfinite(value).all()) for value in self.model.state_dict().values()):
            raise RunError(f"NaN or infinite weights after {self.step} steps, on the batches of seed {self.seed}")
        return {name: part.state_dict() for name, part in self._parts()} | {
            "seconds": self.seconds, "validation_seconds": self.validation_seconds, "best": self.best,
            "peaks": self.peaks(), "curve": self.curve.state(), "warmed_up": self.warmed_up,
            "validated": [list(found) for found in self.validated],
        }  # fmt: skip

    def _keep_warm_up(self) -> None:
        """Keep the state for other runs if this step was the last that they have in common."""
        warm_up = self.warm_up
        if warm_up and warm_up.joined and self.step == warm_up.steps and not self.curve.begin:
            warm_up.keep(self._state())

    def _take_warm_up(self, warm_up: WarmUp) -> None:
        """Go on from a warm-up that is kept, if there is one."""
        found, self.refused = warm_up.take()
        if found:
            self.step = found.step
            self._take_up(found.state)
            if found.run_id != warm_up.run_id:  # its own, where it was killed before its first checkpoint
                self.warmed_up = {"steps": found.step, "run_id": found.run_id}

    def _take_up(self, state: dict[str, Any]) -> None:
        for name, part in self._parts():
            part.load_state_dict(state[name])
        self.seconds, self.validation_seconds = state["seconds"], state["validation_seconds"]
        self.best, self._peaks, self.warmed_up = state["best"], state.get("peaks", {}), state.get("warmed_up")
        self.curve = Curve(**state.get("curve", {"begin": self.step}))  # a checkpoint of before there were curves
        self.validated = [Validated(*found) for found in state["validated"]]

    def _parts(self) -> list[tuple[str, Any]]:
        return [("model", self.model), ("optimiser", self.optimiser), ("scaler", self.scaler)]

    def _try_loss(self) -> None:
        """Compute all terms once: what is compiled or fails at first use does so before the clock runs."""
        size = self.data.crop_size(self.budget)
        logits = torch.zeros(self.budget.batch, 1, size, size, device=self.device.kind)
        target = torch.zeros_like(logits)
        target[..., : size // 2] = 1
        self.loss(logits, target, 1.0)

    def _take_step(self) -> Step:
        """Take one step. RunError where the logits or the loss are not finite.

        The loss is differentiated down to the logits first, then the network: so each has its time.
        """
        number, part = self.step, self.spent
        clock = Clock(self.device.kind)
        batch = self._batch()
        data_seconds = clock.lap()
        self._seed_step()
        rate = self._set_learning_rate(part)
        outputs, weights = self._forward(batch.images)
        network_seconds = clock.lap()
        leaves = [output.detach().requires_grad_() for output in outputs]
        values = self._differentiate_loss(leaves, weights, batch, part)
        loss_seconds = clock.lap()
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(outputs, [leaf.grad for leaf in leaves])
        self.scaler.step(self.optimiser)
        self.scaler.update()
        network_seconds += clock.lap()
        self.step += 1
        self.curve.add(values)
        seconds = {"data": data_seconds, "network": network_seconds, "loss": loss_seconds}
        for name, value in seconds.items():
            self.seconds[name] += value
        return Step(number, self.spent, values, rate, seconds)

    def _batch(self) -> Batch:
        batch = self.data.batch(self.budget, self.seed, self.step).to(self.device.kind)
        return batch._replace(images=batch.images.contiguous(memory_format=self.device.memory_format))

    def _seed_step(self) -> None:
        """Make all that this step draws a function of seed and step, whatever was drawn before."""
        self.model.train()
        self.loss.reseed(seed_of("patches", self.seed, self.step))
        torch.manual_seed(seed_of("dropout", self.seed, self.step))

    def _set_learning_rate(self, part: float) -> float:
        fall = (1 + math.cos(math.pi * part)) / 2 if self.recipe.schedule == "cosine" else 1.0
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.learning_rate * fall
        return self.recipe.learning_rate * fall

    def _forward(self, images: Tensor) -> tuple[tuple[Tensor, ...], tuple[float, ...]]:
        """Return the model's outputs, one or, of a model that refines, several; and what each weighs in the loss."""
        dtype = self.device.autocast_dtype
        with torch.autocast(self.device.kind, dtype=dtype, enabled=dtype is not None):
            found = self.model(images)
        outputs = found if isinstance(found, tuple) else (found,)
        weights = tuple(getattr(self.model, "output_weights", ())) if isinstance(found, tuple) else (1.0,)
        if len(weights) != len(outputs):
            raise RunError(
                f"the model {self.recipe.model.name!r} gives {len(outputs)} outputs in training and has {len(weights)} "
                "output_weights; there must be one for each."
            )
        for output in outputs:
            self._check_finite(output, "logits")
        return outputs, weights

    def _differentiate_loss(
        self, leaves: list[Tensor], weights: tuple[float, ...], batch: Batch, part: float
    ) -> dict[str, float]:
        """Give each output its gradient; return the terms' values for the last, which is the one that is scored."""
        total, values = leaves[0].new_zeros((), dtype=torch.float32), {}
        for leaf, weight in zip(leaves, weights, strict=True):
            found: tuple[Tensor, dict[str, float]] = self.loss(leaf, batch.target, part, batch.valid)
            total, values = (total + weight * found[0] if len(leaves) > 1 else found[0]), found[1]
        self._check_finite(total, "loss")
        self.scaler.scale(total).backward()  # type: ignore[no-untyped-call]
        return values

    def _check_finite(self, tensor: Tensor, word: str) -> None:
        if not bool(torch.isfinite(tensor).all()):
            raise RunError(f"NaN or infinite {word} at step {self.step}, on the batch of seed {self.seed}")
