"""A model under test: made, called and trained as the runner does, with all that is drawn at random drawn alike."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from topobench.conformance import Outcome, ask

__all__ = [
    "CROP", "Course", "Subject", "bands", "cross_entropy", "drawing", "evaluated", "infinite_gradient", "noise",
    "outputs", "train",
]  # fmt: skip

RATE = 1e-3  # of Adam
CROP = 32  # pixels a side of what is trained on: small, and a power of two, for other sizes are asked for apart


@dataclass
class Course:
    """How a short training went.

    Attributes
    ----------
    losses : list of float
        Before each step, and after the last.
    reached : set of str
        The parameters that had a gradient other than 0 in any step.
    trouble : str or None
        A sentence where a loss or gradient was not finite, which ended it.
    moved : bool
        Whether any parameter is another than before.
    """

    losses: list[float] = field(default_factory=list)
    reached: set[str] = field(default_factory=set)
    trouble: str | None = None
    moved: bool = False


class Subject:
    """What makes a model, and what of it rules share: making a large one takes longer than asking it.

    Attributes
    ----------
    course : Course or None
        How the training of `learner` went, once a rule has trained it.
    """

    def __init__(self, make: Callable[[int], nn.Module]) -> None:
        self._make = make
        self._models: dict[tuple[int, str], nn.Module] = {}
        self._answers: dict[str, Outcome] = {}
        self.course: Course | None = None

    def new(self, channels: int = 1, seed: int = 0, others: int = 0) -> nn.Module:
        """Return a new model, made while torch's global generator and the others were at those seeds."""
        with drawing(seed, others):
            return self._make(channels)

    def still(self, channels: int = 1) -> nn.Module:
        """Return the model that is evaluated alone, made once for so many channels."""
        return self._kept(channels, "still")

    @property
    def learner(self) -> nn.Module:
        """The model of one channel that is trained."""
        return self._kept(1, "learner")

    @property
    def by_pixels(self) -> nn.Module:
        """A model of three channels that lie beside each other in memory, pixel by pixel."""
        return self._kept(3, "by pixels").to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]

    def once(self, question: str, case: str, judge: Callable[..., str | None], *arguments: object) -> Outcome:
        """Return `ask` of a case, whose answer other rules want too, asked at the first time."""
        if question not in self._answers:
            self._answers[question] = ask(case, judge, *arguments)
        return self._answers[question]

    def _kept(self, channels: int, use: str) -> nn.Module:
        if (channels, use) not in self._models:
            self._models[channels, use] = self.new(channels)
        return self._models[channels, use]


@contextmanager
def drawing(seed: int = 0, others: int = 0) -> Iterator[None]:
    """Set torch's global generator to a seed, numpy's and python's to another; afterwards all go on as before."""
    mine, ours = np.random.get_state(), random.getstate()  # noqa: NPY002
    devices = range(torch.cuda.device_count())
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        np.random.seed(others)  # noqa: NPY002
        random.seed(others)
        try:
            yield
        finally:
            np.random.set_state(mine)  # noqa: NPY002
            random.setstate(ours)


def noise(height: int, width: int, batch: int = 2, channels: int = 1) -> Tensor:
    """Return images (B, C, H, W) of mean 0 and standard deviation 1, the same each time."""
    return torch.randn(batch, channels, height, width, generator=torch.Generator().manual_seed(0))


def bands(batch: int = 2, size: int = CROP) -> tuple[Tensor, Tensor]:
    """Return images (B, 1, size, size) of bands in noise, and the bands: 1 in three of ten rows, else 0.

    Broad and rarer than what is between them: a network that sees each pixel only coarsely learns them, too.
    """
    truth = (torch.arange(size) % 10 < 3).float()[:, None].expand(batch, 1, size, size).clone()
    images = truth + 0.2 * noise(size, size, batch)
    return (images - images.mean()) / images.std(), truth


def evaluated(model: nn.Module, images: Tensor, seed: int = 0) -> Any:
    """Return what a model gives in evaluation, as the runner asks it, with all global generators at a seed."""
    model.eval()
    with torch.inference_mode(), drawing(seed, seed):
        return model(images.clone())


def outputs(model: nn.Module, images: Tensor, seed: int = 0, others: int = 0) -> tuple[Any, ...]:
    """Return what a model gives in training, one or several, with the generators at those seeds (see `drawing`)."""
    model.train()
    with drawing(seed, others):
        found = model(images.clone())
    return found if isinstance(found, tuple) else (found,)


def cross_entropy(model: nn.Module, found: tuple[Any, ...], truth: Tensor) -> Tensor:
    """Return the cross entropy, of several outputs the sum of theirs, each times its weight, as a run's loss is."""
    weights = model.output_weights if len(found) > 1 else (1.0,)
    losses = (functional.binary_cross_entropy_with_logits(each.float(), truth) for each in found)
    return torch.stack([weight * loss for weight, loss in zip(weights, losses, strict=True)]).sum()  # type: ignore[arg-type]


def train(model: nn.Module, steps: int) -> Course:
    """Take steps of Adam on one batch, and say how they went.

    All draw alike, so that the losses can be compared. The model is evaluated first, as the runner does.
    """
    course, (images, truth) = Course(), bands()
    evaluated(model, images)
    before = [values.detach().clone() for values in model.parameters()]
    optimiser = torch.optim.Adam(model.parameters(), RATE)
    for step in range(steps + 1):
        loss = cross_entropy(model, outputs(model, images), truth)
        course.losses.append(float(loss.detach()))
        if not torch.isfinite(loss):
            course.trouble = f"after {step} steps the cross entropy is {float(loss.detach())}."
        if step == steps or course.trouble:
            break
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        course.trouble = infinite_gradient(model, f"at step {step + 1}")
        if course.trouble:
            break
        course.reached |= {name for name, values in model.named_parameters() if _slopes(values)}
        optimiser.step()
    course.moved = any(not torch.equal(one, other) for one, other in zip(before, model.parameters(), strict=True))
    return course


def infinite_gradient(model: nn.Module, when: str) -> str | None:
    """Return a sentence about the first gradient that is not finite, if there is one."""
    for name, values in model.named_parameters():
        if values.grad is not None and not torch.isfinite(values.grad).all():
            return f"{when} the gradient of {name} is not finite."
    return None


def _slopes(values: Tensor) -> bool:
    return values.grad is not None and bool(values.grad.any())
