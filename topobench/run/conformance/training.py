"""The rules of training for three steps: it moves, resumes to the bit, and what is trained predicts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from topobench.conformance import Outcome, Rule, ask, ask_unless
from topobench.run.conformance.making import unable
from topobench.run.conformance.subject import SEED, STEPS, TRAINS, Subject
from topobench.run.evaluate import model_predictor
from topobench.run.train import Trainer
from topobench.types import Sample

__all__ = ["RULES"]

SHAPES = ((65, 65), (33, 50), (1, 1))  # (height, width) that no pool divides without a remainder


def _trains(subject: Subject) -> Iterator[Outcome]:
    yield ask_unless(unable(subject), "three steps", _moves, subject)
    if unable(subject):
        return
    loss = subject.straight.loss
    for name, module in zip(loss.names, loss.losses, strict=True):
        yield ask(f"{name} at full weight", _finite, subject, module)


def _moves(subject: Subject) -> str | None:
    before, now = (dict(each.model.named_parameters()) for each in (subject.begun("nothing"), subject.straight))
    if any(not torch.equal(now[name], weights) for name, weights in before.items()):
        return None
    return (
        f"after {STEPS} steps no weight has moved: no gradient reaches the model, or its learning_rate, "
        f"{subject.recipe.learning_rate:g}, is too small for float32."
    )


def _finite(subject: Subject, loss: nn.Module) -> str | None:
    """Compute a term for the trained model, also one that joins later in a run than the steps that were taken."""
    trainer = subject.straight
    batch = trainer.data.batch(subject.budget, SEED, 0)
    with torch.inference_mode():
        found = trainer.model.eval()(batch.images)
    logits = found.clone().requires_grad_()
    value = loss(logits, batch.target)
    if value.requires_grad:  # else it is a constant here, as of a patch in which nothing is wrong
        value.backward()
    if not math.isfinite(float(value.detach())):
        return f"it is {float(value.detach())} for a batch {tuple(logits.shape)} of the trained model."
    wrong = 0 if logits.grad is None else int((~torch.isfinite(logits.grad)).sum())
    return f"its gradient is NaN or infinite at {wrong} of {logits.numel()} logits." if wrong else None


def _resumed(subject: Subject) -> Iterator[Outcome]:
    yield ask_unless(unable(subject), f"after 1 of {STEPS} steps", _ends_equal, subject)


def _ends_equal(subject: Subject) -> str | None:
    wanted = _end(subject.straight)
    subject.trained("stopped", 1)
    if not (wrong := _difference(_end(subject.trained("stopped")), wanted)):
        return None
    if again := _difference(_end(subject.trained("again")), wanted):
        return (
            f"two trainings of one seed end with another {again}: the model or a loss draws at random by something "
            "else than torch's own generator (which is seeded at each step) or reseed(seed), or keeps something "
            "outside of itself."
        )
    return (
        f"stopped and resumed, it ends with another {wrong} than in one go: what model and losses keep from step to "
        "step must be in their state_dict() (torch.nn.Module.register_buffer)."
    )


def _end(trainer: Trainer) -> dict[str, Any]:
    """Return what a training has come to; times are no part of it."""
    return {
        "weight": trainer.model.state_dict(), "loss": trainer.loss.state_dict(),
        "optimiser": trainer.optimiser.state_dict(), "curve": trainer.report(),
    }  # fmt: skip


def _difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    """Return which part of two ends differs, by its path; an empty text where they are equal bit for bit."""
    return next(_differences(one, other, ""), "")


def _differences(one: Any, other: Any, path: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from _differences(one[key], other[key], f"{path} {key}".strip())
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        for place, (each, its) in enumerate(zip(one, other, strict=True)):
            yield from _differences(each, its, f"{path} {place}")
    elif isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        if one.dtype != other.dtype or not torch.equal(one, other):
            yield path
    elif one != other:
        yield path


def _predicts(subject: Subject) -> Iterator[Outcome]:
    for height, width in SHAPES:
        yield ask_unless(unable(subject), f"{height}x{width}", _is_likelihood, subject, (height, width))


def _is_likelihood(subject: Subject, shape: tuple[int, int]) -> str | None:
    image = np.random.default_rng(SEED).random((1, *shape), dtype=np.float32)
    predict = model_predictor(subject.straight.scored_model(), "cpu")
    found: Any = predict(Sample("image", image, np.zeros(shape, bool)))
    if found.shape != shape or found.dtype != np.float32:
        return f"the likelihood is {found.dtype} {found.shape}; it must be float32 {shape}."
    if wrong := int((~np.isfinite(found)).sum()):
        return f"the likelihood is NaN or infinite at {wrong} of {found.size} pixels."
    return None if ((found >= 0) & (found <= 1)).all() else "the likelihood does not lie in [0, 1]."


RULES: tuple[Rule[Subject], ...] = (
    Rule(TRAINS, "three steps give finite losses and move the weights; each term is finite at full weight", _trains),
    Rule("resumes to the bit", "stopped after a step and resumed, it ends bit for bit as in one go", _resumed),
    Rule("gives likelihoods", "its prediction is a likelihood for each pixel of any size", _predicts),
)
