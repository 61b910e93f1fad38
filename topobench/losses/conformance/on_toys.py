"""The rules that ask about toys: each is wrong in one known way, which the loss must see and mend."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from topobench.conformance import Outcome, Rule, ask, ask_unless
from topobench.losses.subject import EDGE, Subject, as_batch
from topobench.losses.toys import Toy, toys

__all__ = ["RULES", "unfit"]

SURE = 20.0  # the logit of a pixel that is surely structure: a likelihood of 1 - 2e-9
NOTHING = 1e-6  # a loss of at most this is zero
LITTLE = 1e-3  # what is at most the loss of the truth as likelihoods, where a loss takes these
NO_SLOPE = 1e-9  # a gradient of at most this is what rounding leaves of zero
STEPS, RATE = 200, 0.05  # of a descent, and by how much its first step moves the likelihood at most
SETTLED = 30  # steps in a row at Betti error 0, after which a descent is over
FIRST = 0.01  # the same for the one step that must lower the loss


def unfit(subject: Subject) -> str | None:
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
            yield ask_unless(_not_claimed(subject, toy, flat, descent), toy.name, judge, subject, toy)

    return answer


def _not_claimed(subject: Subject, toy: Toy, flat: bool, descent: bool) -> str | None:
    """Return why a rule does not ask about a toy, if it does not."""
    if descent and not (subject.claim and subject.claim.descent):
        return "the loss does not claim that descent sets Betti numbers right."
    if toy.flat and not flat:
        return "the likelihood is flat: no pixel is critical."
    return None if subject.sees(toy) else "the Betti numbers that the loss looks at are right here."


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


RULES: tuple[Rule[Subject], ...] = (
    Rule("stays finite", "loss and gradient are finite in float32, also where all is sure", _each_toy(_finite)),
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
)
