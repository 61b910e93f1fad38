"""The rule of reach: does a model look further than it says?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from topobench.conformance import Outcome, Rule, ask, not_claimed
from topobench.models.conformance.misfits import misfit
from topobench.models.conformance.stages import CALLED, needs
from topobench.models.conformance.subject import Subject, drawing, noise

__all__ = ["RULES"]

PLACES = (0, 7, 18, 52)  # of pixels whose reach is looked at, from the first that may look as far on either side
FURTHEST = 4096  # pixels of reach up to which it is looked at
UNSAID = (
    "it does not say how far it looks: images above 1024 pixels are predicted in tiles whose outer 96 pixels do not "
    "count, be that too much or too little; give `reach`, in pixels, where it is bounded."
)


@needs(CALLED)
def _looks(subject: Subject) -> Iterator[Outcome]:
    said = ask("reach", _says_how_far, subject)
    yield not_claimed("reach", UNSAID) if said.reason == UNSAID else said
    if said.passed:
        yield ask("along rows", _further, subject, False)
        yield ask("along columns", _further, subject, True)


def _says_how_far(subject: Subject) -> str | None:
    reach: Any = getattr(subject.still(), "reach", None)
    if reach is None:
        return UNSAID
    if isinstance(reach, int) and not isinstance(reach, bool) and 0 <= reach <= FURTHEST:
        return None
    return f"its reach is {reach!r}; it must be a whole number of pixels, from 0 to {FURTHEST}, or left out."


def _further(subject: Subject, columns: bool) -> str | None:
    model = subject.still().eval()
    reach: int = model.reach  # type: ignore[assignment]
    line = noise(1, 2 * reach + PLACES[-1] + 1, 1)
    line = (line.mT.contiguous() if columns else line).requires_grad_()
    with drawing():
        logits = model(line.clone())
    if reason := misfit(logits, line, "in evaluation"):
        return reason
    if not logits.requires_grad:
        return (
            "in evaluation no gradient leads to its images, so that its reach cannot be seen; leave no_grad to others."
        )
    for place in (reach + offset for offset in PLACES):
        [slope] = torch.autograd.grad(logits.flatten()[place], line, retain_graph=True)
        seen = slope.flatten().nonzero()[:, 0]
        if len(seen) == line.numel():
            return f"a logit depends on all of an image, as a norm or mean over it does; leave out its reach ({reach})."
        if len(seen) and (away := int((seen - place).abs().max())) > reach:
            return (
                f"a logit depends on an input pixel {away} pixels away, and its reach is {reach}; say at least {away}."
            )
    return None


RULES: tuple[Rule[Subject], ...] = (
    Rule("looks no further", "no input pixel further than `reach` changes a logit", _looks),
)
