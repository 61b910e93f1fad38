"""The rules that ask about random maps: gradients, turns, batches, and images larger than a patch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from topobench.conformance import Outcome, Rule, ask, ask_unless
from topobench.losses.subject import Subject, as_batch, random_maps
from topobench.types import BoolArray, FloatArray

__all__ = ["RULES"]

APART = 1e-6  # of finite differences


def _finite_differences(subject: Subject) -> Iterator[Outcome]:
    for seed in range(4):
        yield ask(f"random map {seed}", _differs, subject, *random_maps(seed, (9, 11)))
    if isinstance(size := getattr(subject.loss, "patch_size", None), int):
        yield ask("a map larger than a patch", _differs, subject, *random_maps(4, (size + 3, size + 8)))


def _differs(subject: Subject, likelihood: FloatArray, truth: BoolArray) -> str | None:
    """Compare the gradient with finite differences, along its steepest pixel and along a random direction."""
    value, _ = subject.pull(torch.logit(as_batch(likelihood)), as_batch(truth))
    if value.dtype != torch.float64:
        return (
            f"the loss of float64 logits has dtype {value.dtype}: too coarse to check its gradient; keep the "
            "logits' dtype (target.to(logits.dtype))."
        )
    _, gradient = subject.slope(likelihood, truth)
    steepest = np.zeros(gradient.shape)
    steepest.flat[np.argmax(np.abs(gradient))] = 1
    for along in (steepest, np.random.default_rng(0).standard_normal(gradient.shape)):
        ahead, behind = (subject.value(likelihood + side * APART * along, truth) for side in (1, -1))
        measured, computed = (ahead - behind) / (2 * APART), float((gradient * along).sum())
        if not abs(measured - computed) <= 1e-4 * max(0.01, abs(measured)):
            return f"the gradient says {computed:.6g}, finite differences {measured:.6g}."
    return None


def _turns(subject: Subject) -> Iterator[Outcome]:
    maps = random_maps(7, (11, 14))
    for name, turn in (("upside down", np.flipud), ("mirrored", np.fliplr), ("transposed", np.transpose)):
        yield ask(name, _turned, subject, *maps, turn)


def _turned(
    subject: Subject, likelihood: FloatArray, truth: BoolArray, turn: Callable[[FloatArray], FloatArray]
) -> str | None:
    straight, gradient = subject.slope(likelihood, truth)
    turned, other = subject.slope(turn(likelihood), np.asarray(turn(truth), np.bool_))  # type: ignore[arg-type]
    if not np.isclose(straight, turned, rtol=1e-6, atol=1e-9):
        return f"the loss is {straight:.6g}, of the turned image {turned:.6g}."
    same = np.allclose(turn(gradient), other, rtol=1e-5, atol=1e-8)
    return None if same else "the gradient of the turned image is not the turned gradient."


def _any_batch(subject: Subject) -> Iterator[Outcome]:
    maps = [random_maps(seed, (11, 14)) for seed in range(3)]
    maps[1][1][:] = False  # an empty truth is an image like others
    logits = torch.cat([torch.logit(as_batch(likelihood)) for likelihood, _ in maps])
    target = torch.cat([as_batch(truth) for _, truth in maps])
    yield ask("another order of the images", _reordered, subject, logits, target)
    yield ask("mean of the images' losses", _averaged, subject, logits, target)


def _reordered(subject: Subject, logits: Tensor, target: Tensor) -> str | None:
    order = [2, 0, 1]
    (value, gradient), (other, turned) = subject.pull(logits, target), subject.pull(logits[order], target[order])
    if not close(value, other):
        return f"the loss is {float(value):.6g}, of the images in another order {float(other):.6g}."
    return None if close(gradient[order], turned) else "in another order the gradient reaches other images."


def _averaged(subject: Subject, logits: Tensor, target: Tensor) -> str | None:
    value, gradient = subject.pull(logits, target)
    values, gradients = zip(*(subject.pull(logits[[one]], target[[one]]) for one in range(len(logits))), strict=True)
    mean = torch.stack(values).mean()
    if not close(value, mean):
        return (
            f"the loss of a batch is {float(value):.6g}, the mean of its images' losses {float(mean):.6g}; sum or "
            "average over each image by itself, and return the mean of those."
        )
    same = close(gradient, torch.cat(gradients) / len(logits))
    return None if same else "the gradient of a batch is not that of the mean of its images' losses."


def _size(subject: Subject) -> Iterator[Outcome]:
    size = getattr(subject.loss, "patch_size", None)
    patchless = None if isinstance(size, int) else "the loss has no patches."
    yield ask_unless(patchless, "four equal patches", _grows, subject, size)


def _grows(subject: Subject, size: int) -> str | None:
    """Compare an image of 2 x 2 copies of a noisy grid, each as large as a patch, with one copy."""
    rows, columns = np.indices((size, size))
    truth = (rows % 9 == 0) | (columns % 11 == 0)
    noise = np.random.default_rng(0).uniform(-0.15, 0.15, truth.shape)
    likelihood = np.where(truth, 0.8, 0.2) + noise
    one = subject.value(likelihood, truth)
    four = subject.value(np.tile(likelihood, (2, 2)), np.tile(truth, (2, 2)))
    return None if abs(four) < 2 * abs(one) else f"a patch costs {one:.4g}, an image of four equal patches {four:.4g}."


def close(found: Tensor, wanted: Tensor, share: float = 1e-6) -> bool:
    """Return whether two tensors are equal up to a share of the largest value."""
    scale = float(wanted.abs().max())
    return np.isfinite(scale) and bool(torch.allclose(found.double(), wanted.double(), rtol=share, atol=share * scale))


RULES: tuple[Rule[Subject], ...] = (
    Rule("finite differences", "in float64 the gradient is the loss's own", _finite_differences),
    Rule("flips and transposes", "no turn of the image changes the loss or its gradient", _turns),
    Rule("any batch", "the loss of a batch is the mean over its images, in any order", _any_batch),
    Rule("does not grow", "a loss with patches does not grow with the image", _size),
)
