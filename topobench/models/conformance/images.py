"""The rules of evaluation: logits of images of any size, channels and batch, the same each time."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from topobench.conformance import Outcome, Rule, ask, ask_unless
from topobench.models.conformance.misfits import apart, changed_names, misfit, some, state_of
from topobench.models.conformance.stages import CALLED, MADE, OUT, fits_in_training, needs, unmade
from topobench.models.conformance.subject import Subject, evaluated, noise

__all__ = ["RULES"]

SIZES = ((1, 1), (1, 40), (40, 1), (2, 3), (33, 50), (64, 64), (65, 65), (127, 70))


@needs(MADE)
def _logits(subject: Subject) -> Iterator[Outcome]:
    yield CALLED.of(subject)


@needs(CALLED)
def _any_image(subject: Subject) -> Iterator[Outcome]:
    for height, width in SIZES:
        yield ask(f"{height}x{width}", _fits, subject, noise(height, width))
    yield ask("flat", _fits, subject, torch.zeros(2, 1, 48, 48))


def _fits(subject: Subject, images: Tensor) -> str | None:
    return misfit(evaluated(subject.still(images.shape[1]), images), images, "in evaluation")


@needs(CALLED)
def _any_channels(subject: Subject) -> Iterator[Outcome]:
    for channels in (1, 2, 3):
        yield ask_unless(unmade(subject, channels), f"{channels}", _fits, subject, noise(48, 64, channels=channels))


@needs(CALLED)
def _any_batch(subject: Subject) -> Iterator[Outcome]:
    yield ask("three in evaluation", _one_by_one, subject)
    if OUT.of(subject).passed:
        yield ask("one in training", fits_in_training, subject, noise(64, 64, 1))


def _one_by_one(subject: Subject) -> str | None:
    images, model = noise(33, 50, 3), subject.still()
    wanted = torch.cat([evaluated(model, images[[index]]) for index in range(3)])
    if differ := apart(evaluated(model, images), wanted):
        return (
            f"logits in a batch of three differ by up to {differ:.3g} from those of its images one by one; in "
            "evaluation take no mean or norm over the batch."
        )
    return None


@needs(CALLED)
def _evaluation_repeats(subject: Subject) -> Iterator[Outcome]:
    yield ask("under other seeds", _evaluated_alike, subject)
    yield ask("state", _state_kept, subject)


def _evaluated_alike(subject: Subject) -> str | None:
    one, other = (evaluated(subject.still(), noise(33, 50), seed) for seed in (0, 1))
    if torch.equal(one, other):
        return None
    return (
        f"the logits of one image differ by up to {float((one - other).abs().max()):.3g} under other seeds; draw "
        "nothing in evaluation (functional.dropout wants training=self.training)."
    )


def _state_kept(subject: Subject) -> str | None:
    before = state_of(subject.still())
    evaluated(subject.still(), noise(33, 50))
    changed = changed_names(before, subject.still().state_dict())
    return f"evaluation changes {some(changed)}; change it where self.training alone." if changed else None


RULES: tuple[Rule[Subject], ...] = (
    Rule("gives logits", "in evaluation one tensor of finite logits (B, 1, H, W)", _logits),
    Rule("any image", "logits of an image's size, from 1x1 on, odd and oblong, and of a flat image", _any_image),
    Rule("any channels", "logits of images of 1, 2 and 3 channels", _any_channels),
    Rule("any batch", "evaluation takes images each by itself, and training a batch of one", _any_batch),
    Rule("evaluation repeats", "logits are the same bit for bit, and no state changes", _evaluation_repeats),
)
