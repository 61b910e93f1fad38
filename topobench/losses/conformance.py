"""The conformance suite of losses: is a loss finite, zero where it should be, and does it push pixels the right way?

`check_loss` puts a loss, ours or anybody's, before toys with a known answer. A loss is any module that takes logits
(B, 1, H, W) and a target (B, 1, H, W) of 0 and 1, and returns a 0-d tensor, the mean of per-image losses. What it
promises about topology it says in an attribute `claim`, a `TopologyClaim`; a loss without one promises nothing, and is
held to all other rules. One with random patches has a method ``reseed(seed)``, so that they can be kept fixed, and an
attribute ``patch_size``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from topobench.conformance import Outcome, Rule, ask, hold
from topobench.errors import ArgumentError
from topobench.losses.base import TopologyClaim
from topobench.losses.subject import EDGE, Subject, as_batch, random_maps
from topobench.losses.toys import Toy, toys
from topobench.types import BoolArray, Check, FloatArray, Report

__all__ = ["RULES", "check_loss"]

SURE = 20.0  # the logit of a pixel that is surely structure: a likelihood of 1 - 2e-9
NOTHING = 1e-6  # a loss of at most this is zero
LITTLE = 1e-3  # what is at most the loss of the truth as likelihoods, where a loss takes these
NO_SLOPE = 1e-9  # a gradient of at most this is what rounding leaves of zero
STEPS, RATE = 200, 0.05  # of a descent, and by how much its first step moves the likelihood at most
SETTLED = 30  # steps in a row at Betti error 0, after which a descent is over
FIRST = 0.01  # the same for the one step that must lower the loss
APART = 1e-6  # of finite differences


def check_loss(loss: nn.Module, name: str = "loss", rules: Sequence[Rule[Subject]] | None = None) -> Report:
    """Hold a loss to the rules of the suite.

    Parameters
    ----------
    loss : torch.nn.Module
        Takes (logits, target), both (B, 1, H, W), and returns a 0-d tensor.
    name : str
        What the report calls it.
    rules : sequence of Rule, or None
        Which of `RULES`; None: all of them.

    Returns
    -------
    Report
        A check for each rule and case. What a loss raises is a failed check, not an error. Where it raises or returns
        no 0-d tensor at the first call, or takes likelihoods for logits, this is said once and no more is asked.

    Raises
    ------
    ArgumentError
        If it is no instance of a module, its claim no `TopologyClaim`, or its patches are smaller than the toys.

    Notes
    -----
    Takes some 10 seconds if the loss of a toy takes a millisecond. Nothing is drawn but from fixed seeds.
    """
    _check_subject(loss)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for maps so small, more of them only wait for each other
    try:
        subject, chosen = Subject(loss), RULES if rules is None else rules
        case, status, reason = ask("the first call", _unfit, subject)
        return hold(subject, name, chosen) if status == "passed" else _at_once(name, chosen, case, reason)
    finally:
        torch.set_num_threads(threads)


def _unfit(subject: Subject) -> str | None:
    """Return why a loss can be asked nothing else: it gives no loss, or takes likelihoods for logits."""
    truth = as_batch(toys()[0].truth)
    sure = float(subject.of(SURE * (2 * truth - 1), truth).detach())
    if abs(sure) <= NOTHING:
        return None
    try:
        taken = float(subject.of(truth.clamp(EDGE, 1 - EDGE), truth).detach())
    except Exception:
        return None  # it knows that these are no logits
    if not abs(taken) <= LITTLE:
        return None
    return (
        f"the truth itself costs {sure:.4g} as logits of {SURE:g} and {-SURE:g}, and {taken:.4g} as likelihoods; a "
        "loss is given logits: begin with torch.sigmoid(logits)."
    )


def _at_once(name: str, rules: Sequence[Rule[Subject]], case: str, reason: str) -> Report:
    """Return the report of a loss that failed at its first call, as the first rule's failure."""
    first, *others = (rule.name for rule in rules)
    rest = (Check(rule, "every case", "not claimed", f"{case} failed.") for rule in others)
    return Report(name, (Check(first, case, "failed", reason), *rest))


def _check_subject(loss: nn.Module) -> None:
    """Raise ArgumentError where nothing can be asked of a loss."""
    if isinstance(loss, type) or not callable(loss):
        raise ArgumentError(f"the loss is {loss!r}; give an instance that can be called, such as DiceLoss().")
    claim = getattr(loss, "claim", None)
    if not (claim is None or isinstance(claim, TopologyClaim)):
        raise ArgumentError(f"the claim of the loss is {claim!r}; it must be None or a topobench.losses.TopologyClaim.")
    size, largest = getattr(loss, "patch_size", None), max(max(toy.truth.shape) for toy in toys())
    if isinstance(size, int) and size < largest:
        raise ArgumentError(
            f"the loss has patch_size {size}; the toys have up to {largest} pixels a side, and a smaller patch may "
            f"miss what is wrong in them. Check it with a patch_size of at least {largest}."
        )


def _each_toy(judge: Callable[[Subject, Toy], str | None]) -> Callable[[Subject], Iterator[Outcome]]:
    """Return the rule that asks about every toy."""

    def answer(subject: Subject) -> Iterator[Outcome]:
        for toy in toys():
            yield ask(toy.name, judge, subject, toy)

    return answer


def _each_wrong_toy(
    judge: Callable[[Subject, Toy], str | None], flat: bool = False, descent: bool = False
) -> Callable[[Subject], Iterator[Outcome]]:
    """Return the rule that asks about toys in which something is wrong that the loss looks at.

    Of flat ones only with `flat`; with `descent` only of losses that claim to set the topology right.
    """

    def answer(subject: Subject) -> Iterator[Outcome]:
        for toy in toys():
            if descent and not (subject.claim and subject.claim.descent):
                yield toy.name, "not claimed", "the loss does not claim that descent sets Betti numbers right."
            elif toy.flat and not flat:
                yield toy.name, "not claimed", "the likelihood is flat: no pixel is critical."
            elif not subject.sees(toy):
                yield toy.name, "not claimed", "the Betti numbers that the loss looks at are right here."
            else:
                yield ask(toy.name, judge, subject, toy)

    return answer


def _finite(subject: Subject, toy: Toy) -> str | None:
    target = as_batch(toy.truth).float()
    sure = 3 * SURE * (2 * target - 1)
    for words, logits in (
        ("", torch.logit(as_batch(toy.likelihood).clamp(EDGE, 1 - EDGE)).float()),
        (" of the truth with logits of 60", sure),
        (" of its contrary with logits of 60", -sure),
    ):
        value, gradient = subject.pull(logits, target)
        wrong = int((~torch.isfinite(gradient)).sum())
        if wrong or not torch.isfinite(value):
            return f"the loss{words} is {float(value)}, and its gradient is not finite at {wrong} pixels."
    return None


def _zero_when_right(subject: Subject, toy: Toy) -> str | None:
    value = float(subject.of(SURE * (2 * as_batch(toy.truth) - 1), as_batch(toy.truth)).detach())
    return None if abs(value) <= NOTHING else f"the loss of the truth itself is {value:.4g}, not 0."


def _surer(subject: Subject, toy: Toy) -> str | None:
    doubtful, sure = (subject.value(np.where(toy.truth, high, 1 - high), toy.truth) for high in (0.7, 0.98))
    if max(abs(doubtful), abs(sure)) <= NOTHING:
        return None  # the truth has nothing that the loss looks at
    return None if sure < doubtful else f"the truth predicted with 0.7 costs {doubtful:.4g}, with 0.98 {sure:.4g}."


def _positive_when_wrong(subject: Subject, toy: Toy) -> str | None:
    value = subject.value(toy.likelihood, toy.truth)
    return None if value > NOTHING else f"the prediction is wrong, but the loss is {value:.4g}."


def _right_sign(subject: Subject, toy: Toy) -> str | None:
    _, gradient = subject.slope(toy.likelihood, toy.truth)
    for pixels, word, sign in ((toy.up, "raise", -1), (toy.down, "lower", 1)):
        for pixel in pixels:
            slope = 0.0 if abs(gradient[pixel]) <= NO_SLOPE else gradient[pixel]
            if not sign * slope > 0:
                does = "moves it the other way" if slope else "leaves it alone"
                return f"pixel {pixel} is to {word}, but the first step {does} (gradient {slope:.3g})."
    return None


def _step_lowers(subject: Subject, toy: Toy) -> str | None:
    before, gradient = subject.slope(toy.likelihood, toy.truth)
    if not gradient.any():
        return "the loss has no gradient."
    after = subject.value(toy.likelihood - FIRST * gradient / np.abs(gradient).max(), toy.truth)
    return None if after < before else f"a step down the gradient takes the loss from {before:.6g} to {after:.6g}."


def _ends_right(subject: Subject, toy: Toy) -> str | None:
    likelihood, settled = toy.likelihood.copy(), 0
    for step in range(STEPS):
        _, gradient = subject.slope(likelihood, toy.truth)
        if settled == SETTLED or not gradient.any():
            break
        before = likelihood
        likelihood = (before - RATE * (1 - step / STEPS) * gradient / np.abs(gradient).max()).clip(EDGE, 1 - EDGE)
        if np.array_equal(likelihood, before):
            break  # what would move is at its end
        settled = 0 if subject.betti_error(likelihood, toy.truth) else settled + 1
    if (error := subject.betti_error(likelihood, toy.truth)) == 0:
        return None
    rest = "" if gradient.any() else ", and no gradient is left"
    return f"after {step + 1} steps on the likelihood the Betti error is {error}, not 0{rest}."


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


def _batches(subject: Subject) -> Iterator[Outcome]:
    maps = [random_maps(seed, (11, 14)) for seed in range(3)]
    maps[1][1][:] = False  # an empty truth is an image like others
    logits = torch.cat([torch.logit(as_batch(likelihood)) for likelihood, _ in maps])
    target = torch.cat([as_batch(truth) for _, truth in maps])
    yield ask("another order of the images", _reordered, subject, logits, target)
    yield ask("mean of the images' losses", _averaged, subject, logits, target)


def _reordered(subject: Subject, logits: Tensor, target: Tensor) -> str | None:
    order = [2, 0, 1]
    (value, gradient), (other, turned) = subject.pull(logits, target), subject.pull(logits[order], target[order])
    if not _close(value, other):
        return f"the loss is {float(value):.6g}, of the images in another order {float(other):.6g}."
    return None if _close(gradient[order], turned) else "in another order the gradient reaches other images."


def _averaged(subject: Subject, logits: Tensor, target: Tensor) -> str | None:
    value, gradient = subject.pull(logits, target)
    values, gradients = zip(*(subject.pull(logits[[one]], target[[one]]) for one in range(len(logits))), strict=True)
    mean = torch.stack(values).mean()
    if not _close(value, mean):
        return (
            f"the loss of a batch is {float(value):.6g}, the mean of its images' losses {float(mean):.6g}; sum or "
            "average over each image by itself, and return the mean of those."
        )
    same = _close(gradient, torch.cat(gradients) / len(logits))
    return None if same else "the gradient of a batch is not that of the mean of its images' losses."


def _close(found: Tensor, wanted: Tensor, share: float = 1e-6) -> bool:
    """Return whether two tensors are equal up to a share of the largest value."""
    scale = float(wanted.abs().max())
    return np.isfinite(scale) and bool(torch.allclose(found.double(), wanted.double(), rtol=share, atol=share * scale))


def _size(subject: Subject) -> Iterator[Outcome]:
    case, size = "four equal patches", getattr(subject.loss, "patch_size", None)
    if isinstance(size, int):
        yield ask(case, _grows, subject, size)
    else:
        yield case, "not claimed", "the loss has no patches."


def _grows(subject: Subject, size: int) -> str | None:
    """Compare an image of 2 x 2 copies of a noisy grid, each as large as a patch, with one copy."""
    rows, columns = np.indices((size, size))
    truth = (rows % 9 == 0) | (columns % 11 == 0)
    noise = np.random.default_rng(0).uniform(-0.15, 0.15, truth.shape)
    likelihood = np.where(truth, 0.8, 0.2) + noise
    one = subject.value(likelihood, truth)
    four = subject.value(np.tile(likelihood, (2, 2)), np.tile(truth, (2, 2)))
    return None if abs(four) < 2 * abs(one) else f"a patch costs {one:.4g}, an image of four equal patches {four:.4g}."


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
    if not _close(value, wanted, 1e-5):
        return (
            f"the loss is {float(value):.8g}, of the same logits in float64 {float(wanted):.8g}; compute it in float32 "
            "at least."
        )
    return None if _close(gradient, exact, share) else "the gradient is not that of the same logits in float64."


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
        if _close(found, wanted)
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


def _devices(subject: Subject) -> Iterator[Outcome]:
    if torch.cuda.is_available():
        yield ask("cuda", _agrees, subject)
    else:
        yield "cuda", "not claimed", "there is no CUDA device here."


def _agrees(subject: Subject) -> str | None:
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):  # TF32 has the ten bits of float16
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
    Rule("finite", "loss and gradient are finite in float32, also where all is sure", _each_toy(_finite)),
    Rule("zero when right", "the truth itself, as a prediction, costs nothing", _each_toy(_zero_when_right)),
    Rule("surer costs less", "the truth predicted with 0.98 costs less than with 0.7", _each_toy(_surer)),
    Rule("positive when wrong", "a wrong prediction costs something", _each_wrong_toy(_positive_when_wrong, flat=True)),
    Rule("right sign", "the first step moves the wrong pixel towards its truth", _each_wrong_toy(_right_sign)),
    Rule("step lowers the loss", "a small step down the gradient lowers the loss", _each_wrong_toy(_step_lowers)),
    Rule(
        "ends at Betti error 0",
        f"at most {STEPS} steps on the likelihood alone set the Betti numbers right",
        _each_wrong_toy(_ends_right, descent=True),
    ),
    Rule("finite differences", "in float64 the gradient is the loss's own", _finite_differences),
    Rule("flips and transposes", "no turn of the image changes the loss or its gradient", _turns),
    Rule("batches", "the loss of a batch is the mean over its images, in any order", _batches),
    Rule("size", "a loss with patches does not grow with the image", _size),
    Rule("precision", "float32, and float16 within autocast, give the loss of float64", _precision),
    Rule("any layout", "images of a pixel or a row are taken, and strides do not matter", _layouts),
    Rule("arguments untouched", "logits and target are not written to", _arguments),
    Rule("misfits refused", "arguments that do not fit raise an error that says something", _misfits),
    Rule("cpu = cuda", "both devices give one loss and one gradient", _devices),
)
