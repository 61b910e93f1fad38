"""The rules of evaluation: logits of images of any size, channels and batch, the same each time."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from topobench.conformance import Outcome, Rule, ask, ask_unless
from topobench.models.conformance.misfits import apart, changed_names, some, state_of
from topobench.models.conformance.stages import CALLED, MADE, OUT, fits, fits_in_training, needs, odd, sized, unmade
from topobench.models.conformance.subject import Subject, evaluated, noise

__all__ = ["RULES"]

GROWN = 10  # by how much weights grow that must take logits out of [0, 1]
SIZES = ((1, 1), (1, 40), (40, 1), (2, 3), (33, 50), (64, 64), (65, 65), (127, 70))


@needs(MADE)
def _logits(subject: Subject) -> Iterator[Outcome]:
    yield CALLED.of(subject)
    if CALLED.of(subject).passed:
        yield ask("not likelihoods", _squashed, subject)


def _squashed(subject: Subject) -> str | None:
    images, grown = noise(64, 64), subject.new()
    with torch.no_grad():
        for values in grown.parameters():
            values.mul_(GROWN).add_(GROWN if values.ndim == 1 else 0)  # biases may be all that a new head has
    one, other = evaluated(subject.still(), images), evaluated(grown, images)
    if ((one <= 0) | (one >= 1)).any() or not ((other >= 0) & (other <= 1)).all():
        return None
    return "all that it gives lies in [0, 1], however large its weights are, as after a sigmoid; return what is before."


@needs(CALLED)
def _any_image(subject: Subject) -> Iterator[Outcome]:
    for height, width in SIZES:
        yield sized(subject, height, width)
    yield ask("flat", fits, subject, torch.zeros(2, 1, 48, 48))


@needs(CALLED)
def _any_channels(subject: Subject) -> Iterator[Outcome]:
    for channels in (1, 2, 3):
        yield ask_unless(unmade(subject, channels), f"{channels}", fits, subject, noise(48, 64, channels=channels))


@needs(CALLED)
def _any_batch(subject: Subject) -> Iterator[Outcome]:
    yield ask("three in evaluation", _one_by_one, subject)
    if OUT.of(subject).passed:
        yield ask("one in training", fits_in_training, subject, noise(64, 64, 1))


def _one_by_one(subject: Subject) -> str | None:
    images, model = noise(*odd(subject), 3), subject.still()
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
    one, other = (evaluated(subject.still(), noise(*odd(subject)), seed) for seed in (0, 1))
    if torch.equal(one, other):
        return None
    return (
        f"the logits of one image differ by up to {float((one - other).abs().max()):.3g} under other seeds; draw "
        "nothing in evaluation (functional.dropout wants training=self.training)."
    )


def _state_kept(subject: Subject) -> str | None:
    before = state_of(subject.still())
    evaluated(subject.still(), noise(*odd(subject)))
    changed = changed_names(before, subject.still().state_dict())
    return f"evaluation changes {some(changed)}; change it where self.training alone." if changed else None


RULES: tuple[Rule[Subject], ...] = (
    Rule("gives logits", "in evaluation one tensor of finite logits (B, 1, H, W)", _logits),
    Rule("any image", "logits of an image's size, from 1x1 on, odd and oblong, and of a flat image", _any_image),
    Rule("any channels", "logits of images of 1, 2 and 3 channels", _any_channels),
    Rule("any batch", "evaluation takes images each by itself, and training a batch of one", _any_batch),
    Rule("evaluation repeats", "logits are the same bit for bit, and no state changes", _evaluation_repeats),
)
