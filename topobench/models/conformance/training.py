"""The rules of training: it repeats, learns, reaches every parameter, and its end can be saved."""

from __future__ import annotations

import io
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from topobench.conformance import Outcome, Rule, ask, not_claimed
from topobench.models.conformance.misfits import apart, some, state_of
from topobench.models.conformance.stages import CALLED, OUT, STEPS, TRAINED, fits_in_training, needs, odd
from topobench.models.conformance.subject import CROP, Subject, bands, cross_entropy, evaluated, noise, outputs

__all__ = ["RULES"]

DRAWS = 8  # further ones in which dropout may spare a parameter that had no gradient in the steps


@needs(CALLED)
def _outputs(subject: Subject) -> Iterator[Outcome]:
    yield OUT.of(subject)
    if OUT.of(subject).passed:
        height, width = odd(subject)
        yield ask(f"{height}x{width}", fits_in_training, subject, noise(height, width))


@needs(OUT)
def _training_repeats(subject: Subject) -> Iterator[Outcome]:
    yield ask("one seed of torch", _trained_alike, subject)


def _trained_alike(subject: Subject) -> str | None:
    model, images = subject.learner, noise(CROP, CROP)
    state = state_of(model)
    found = outputs(model, images, 1, others=1)
    model.load_state_dict(state)
    again = outputs(model, images, 1, others=2)
    if differ := max(float((one - other).detach().abs().max()) for one, other in zip(found, again, strict=True)):
        return (
            f"from one state and one seed of torch its outputs in training differ by up to {differ:.3g}; draw from "
            "torch's global generator, not numpy's, python's or one of its own, and keep what training changes in "
            "registered buffers."
        )
    return None


@needs(OUT)
def _trains(subject: Subject) -> Iterator[Outcome]:
    yield TRAINED.of(subject)
    if TRAINED.of(subject).passed:
        yield ask("cross entropy falls", _falls, subject)
        yield ask("weights move", _moves, subject)


def _falls(subject: Subject) -> str | None:
    assert subject.course is not None
    before, *_, after = subject.course.losses
    if after < before:
        return None
    return (
        f"{STEPS} steps of Adam (1e-3) take the cross entropy from {before:.6g} to {after:.6g}; look for a gradient "
        "of the wrong sign, or first weights out of scale."
    )


def _moves(subject: Subject) -> str | None:
    assert subject.course is not None
    return None if subject.course.moved else "no parameter is another than before: none is used as it is trained."


@needs(TRAINED)
def _gradients(subject: Subject) -> Iterator[Outcome]:
    yield ask("parameters", _reached, subject)
    if frozen := [name for name, values in subject.learner.named_parameters() if not values.requires_grad]:
        yield not_claimed("frozen", f"requires_grad is False of {some(frozen)}.")


def _reached(subject: Subject) -> str | None:
    assert subject.course is not None
    wanted = {name: values for name, values in subject.learner.named_parameters() if values.requires_grad}
    reached = subject.course.reached
    for seed in range(1, DRAWS + 1):
        if not reached >= wanted.keys():
            reached |= _reached_by(subject.learner, wanted, seed)
    if not (missed := [name for name in wanted if name not in reached]):
        return None
    return (
        f"no gradient reaches {len(missed)} of {len(wanted)} parameters: {some(missed)}; use them, leave them out, or "
        "set their requires_grad to False."
    )


def _reached_by(model: nn.Module, wanted: dict[str, nn.Parameter], seed: int) -> set[str]:
    """Return the parameters that have a gradient with what is drawn from a seed."""
    images, truth = bands()
    loss = cross_entropy(model, outputs(model, images, seed), truth)
    found = torch.autograd.grad(loss, [*wanted.values()], allow_unused=True)
    return {name for name, slope in zip(wanted, found, strict=True) if slope is not None and slope.any()}


@needs(TRAINED)
def _saves(subject: Subject) -> Iterator[Outcome]:
    yield ask("values", _savable, subject)
    yield ask("loaded into another", _loads, subject)


def _savable(subject: Subject) -> str | None:
    for name, value in subject.learner.state_dict().items():
        if not isinstance(value, Tensor):
            return f"{name} in its state_dict is a {type(value).__name__}; checkpoints hold tensors."
        if not torch.isfinite(value).all():
            return (
                f"{name} in its state_dict is not finite, which no run saves; register it with persistent=False, or "
                "make it where it is used."
            )
    return None


def _loads(subject: Subject) -> str | None:
    file, images, other = io.BytesIO(), noise(*odd(subject)), subject.new(seed=1, others=1)
    torch.save(subject.learner.state_dict(), file)
    file.seek(0)
    try:
        other.load_state_dict(torch.load(file, weights_only=True))
    except RuntimeError as error:
        return f"another does not take its state ({' '.join(str(error).split())}); make all layers in __init__."
    if differ := apart(evaluated(other, images), evaluated(subject.learner, images)):
        return (
            f"another with its state gives logits that differ by up to {differ:.3g}; what its logits depend on must be "
            "in the state: several layers in an nn.ModuleList, tensors by register_buffer."
        )
    return None


RULES: tuple[Rule[Subject], ...] = (
    Rule("outputs in training", "one tensor of logits, or as many as output_weights, of sum 1", _outputs),
    Rule("training repeats", "one state and one seed of torch give the same outputs", _training_repeats),
    Rule("trains three steps", "all stays finite, the cross entropy falls, and weights move", _trains),
    Rule("gradient everywhere", "every parameter that is not frozen gets a gradient", _gradients),
    Rule("state saves and loads", "the state_dict has all that logits depend on, in finite tensors", _saves),
)
