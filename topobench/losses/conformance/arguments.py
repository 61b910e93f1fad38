"""The rules of arguments: in any precision, layout and device they are taken, and misfits refused."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topobench.conformance import Outcome, Rule, ask
from topobench.losses.conformance.on_maps import close
from topobench.losses.subject import Subject, as_batch, random_maps
from topobench.models.conformance.devices import on_cuda, without_tf32
from topobench.types import BoolArray, FloatArray

__all__ = ["RULES"]


def _precision(subject: Subject) -> Iterator[Outcome]:
    yield ask("float32", _coarser, subject, torch.float32, 1e-4)
    yield ask("float16 autocast", _coarser, subject, torch.float16, 2e-3)


def _coarser(subject: Subject, dtype: torch.dtype, share: float) -> str | None:
    """Compare loss and gradient of logits of that dtype with those of the same logits in float64."""
    likelihood, truth = random_maps(5, (16, 13))
    logits, target = torch.logit(as_batch(likelihood)).to(dtype), as_batch(truth)
    with torch.autocast("cpu", dtype=torch.float16, enabled=dtype == torch.float16):
        value, gradient = subject.pull(logits, target.float())
    wanted, exact = subject.pull(logits.double(), target)
    if value.dtype not in (torch.float32, torch.float64):
        return f"the loss has dtype {value.dtype}; it must be computed in float32."
    if not torch.isfinite(gradient).all():
        return "the gradient is not finite."
    if not close(value, wanted, 1e-5):
        return (
            f"the loss is {float(value):.8g}, of the same logits in float64 {float(wanted):.8g}; compute it in float32 "
            "at least."
        )
    return None if close(gradient, exact, share) else "the gradient is not that of the same logits in float64."


def _layouts(subject: Subject) -> Iterator[Outcome]:
    for shape in ((1, 1), (1, 9), (9, 1), (2, 3)):
        yield ask(f"{shape[0]}x{shape[1]}", _any_shape, subject, *random_maps(1, shape))
    yield ask("strided", _strided, subject, *random_maps(2, (8, 13)))


def _any_shape(subject: Subject, likelihood: FloatArray, truth: BoolArray) -> str | None:
    value, gradient = subject.slope(likelihood, truth)
    return None if np.isfinite(value) and np.isfinite(gradient).all() else "the loss or its gradient is not finite."


def _strided(subject: Subject, likelihood: FloatArray, truth: BoolArray) -> str | None:
    """Compare arguments whose columns lie one after the other in memory with the same in rows."""
    logits, target = torch.logit(as_batch(likelihood)), as_batch(truth)
    by_columns = (part.mT.contiguous().mT for part in (logits, target))
    found, wanted = subject.of(*by_columns), subject.of(logits, target)
    return (
        None
        if close(found, wanted)
        else f"the loss is {float(wanted):.6g}, of the same maps strided {float(found):.6g}."
    )


def _arguments(subject: Subject) -> Iterator[Outcome]:
    yield ask("logits and target", _untouched, subject)


def _untouched(subject: Subject) -> str | None:
    likelihood, truth = random_maps(5, (16, 13))
    given = torch.logit(as_batch(likelihood)), as_batch(truth)
    before = [part.clone() for part in given]
    subject.of(*given)
    for word, part, copy in zip(("logits", "target"), given, before, strict=True):
        if not torch.equal(part, copy):
            return f"the loss writes to its {word}."
    return None


def _misfits(subject: Subject) -> Iterator[Outcome]:
    logits, target = torch.randn(2, 1, 8, 9, generator=torch.Generator().manual_seed(0)), torch.zeros(2, 1, 8, 9)
    yield ask("target without channel", _taken, subject, logits, target[:, 0])
    yield ask("target of another size", _taken, subject, logits, target[..., :-1])
    yield ask("two channels", _taken, subject, logits.expand(2, 2, 8, 9), target.expand(2, 2, 8, 9))
    yield ask("target of 0 and 255", _taken, subject, logits, target + 255)
    yield ask("empty batch", _taken, subject, logits[:0], target[:0])
    yield ask("probabilities for logits", _taken, subject, torch.sigmoid(9 * logits), target)


def _taken(subject: Subject, logits: Tensor, target: Tensor) -> str | None:
    try:
        value = float(subject.of(logits, target).detach())
    except (Exception, SystemExit) as error:
        return None if str(error).strip() else f"raises {type(error).__name__} without a word."
    return f"taken without complaint: the loss is {value:.4g}; topobench.losses.check_pair(logits, target) refuses it."


def _agrees(subject: Subject) -> str | None:
    with without_tf32():
        (other, tilt), (one, slope) = (_on(subject, device) for device in ("cuda", "cpu"))
    if not np.isclose(one, other, rtol=1e-4):
        return f"the loss is {one:.6g} on cpu and {other:.6g} on cuda."
    same = np.allclose(slope, tilt, rtol=1e-3, atol=1e-6)
    return None if same else "the gradients on cpu and on cuda differ."


def _on(subject: Subject, device: str) -> tuple[float, NDArray[np.float32]]:
    """Return loss and gradient, with respect to the logits, in float32 on a device, to which the loss is moved too."""
    likelihood, truth = random_maps(11, (16, 13))
    subject.loss.to(device)
    logits = torch.logit(as_batch(likelihood)).float().to(device).requires_grad_()
    value = subject.of(logits, as_batch(truth).float().to(device))
    value.backward()  # type: ignore[no-untyped-call]
    return float(value.detach()), np.zeros(0, np.float32) if logits.grad is None else logits.grad.cpu().numpy()


RULES: tuple[Rule[Subject], ...] = (
    Rule("mixed precision", "float32, and float16 within autocast, give the loss of float64", _precision),
    Rule("any layout", "images of a pixel or a row are taken, and strides do not matter", _layouts),
    Rule("arguments untouched", "logits and target are not written to", _arguments),
    Rule("misfits refused", "arguments that do not fit raise an error that says something", _misfits),
    Rule("cpu = cuda", "both devices give one loss and one gradient", on_cuda(_agrees)),
)
