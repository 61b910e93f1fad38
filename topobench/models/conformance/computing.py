"""The rules of where and how a model is computed: memory, precision, device."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from topobench.conformance import Outcome, Rule, ask, not_claimed
from topobench.models.conformance.devices import on_cuda, without_tf32
from topobench.models.conformance.misfits import apart, misfit
from topobench.models.conformance.stages import CALLED, OUT, first, needs, odd, unmade
from topobench.models.conformance.subject import (
    CROP,
    Subject,
    bands,
    cross_entropy,
    drawing,
    evaluated,
    infinite_gradient,
    noise,
    outputs,
)

__all__ = ["RULES"]


@needs(OUT)
def _channels_last(subject: Subject) -> Iterator[Outcome]:
    if reason := unmade(subject, 3):
        yield not_claimed("3 channels", reason)
        return
    yield ask("evaluation", _laid_out, subject)
    yield ask("training", _trained_laid_out, subject)


def _laid_out(subject: Subject) -> str | None:
    images = noise(48, 64, channels=3)
    wanted = evaluated(subject.still(3), images)
    found = evaluated(subject.by_pixels, images.contiguous(memory_format=torch.channels_last))
    if reason := misfit(found, images, "channels last"):
        return reason
    differ = apart(found, wanted)
    return None if differ is None else f"channels last in memory, the logits differ by up to {differ:.3g}."


def _trained_laid_out(subject: Subject) -> str | None:
    images, model = noise(CROP, CROP, channels=3).contiguous(memory_format=torch.channels_last), subject.by_pixels
    found = outputs(model, images)
    cross_entropy(model, found, (images[:, :1] > 0).float()).backward()  # type: ignore[no-untyped-call]
    return first(misfit(each, images, "channels last") for each in found)


@needs(OUT)
def _precision(subject: Subject) -> Iterator[Outcome]:
    yield ask("cpu", _within_bfloat16, subject)


def _within_bfloat16(subject: Subject) -> str | None:
    model, (images, truth) = subject.learner, bands()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = outputs(model, images)
    if reason := first(misfit(each, images, "within autocast to bfloat16") for each in found):
        return reason
    model.zero_grad()
    cross_entropy(model, found, truth).backward()  # type: ignore[no-untyped-call]
    return infinite_gradient(model, "within autocast to bfloat16")


@needs(CALLED)
def _untouched(subject: Subject) -> Iterator[Outcome]:
    yield ask("evaluation", _writes, subject, False)
    if OUT.of(subject).passed:
        yield ask("training", _writes, subject, True)


def _writes(subject: Subject, training: bool) -> str | None:
    images = noise(CROP, CROP)
    before = images.clone()
    model = (subject.learner if training else subject.still()).train(training)
    with torch.inference_mode(not training), drawing():
        model(images)
    return None if torch.equal(images, before) else "it writes to the images; begin with what is not done in place."


@needs(CALLED)
def _devices(subject: Subject) -> Iterator[Outcome]:
    yield ask("tensors of its own", _on_one_device, subject)
    yield from on_cuda(_agrees)(subject)


def _on_one_device(subject: Subject) -> str | None:
    """Ask on torch's device without values, which is everywhere: a tensor that was made elsewhere does not go with it.

    What else cannot be done without values is no fault.
    """
    images, model = noise(*odd(subject)).to("meta"), subject.new().to("meta").eval()
    try:
        with torch.inference_mode(), drawing():
            model(images)
    except Exception as error:
        said = " ".join(str(error).split()).rstrip(".!")
        if isinstance(error, RuntimeError) and all(word in said for word in ("device", "cpu", "meta")):
            return (
                f"on another device, a tensor that it makes is still on the cpu ({said}); make it with "
                "device=images.device, or keep it by register_buffer."
            )
    return None


def _agrees(subject: Subject) -> str | None:
    images = noise(*odd(subject))
    wanted = evaluated(subject.still(), images)
    with without_tf32():
        found = evaluated(subject.new().cuda(), images.cuda()).cpu()
    differ = apart(found, wanted, 1e-3)
    return None if differ is None else f"the logits on cpu and on cuda differ by up to {differ:.3g}."


RULES: tuple[Rule[Subject], ...] = (
    Rule("channels last", "images and weights may lie so in memory", _channels_last),
    Rule("mixed precision", "logits and gradients are finite within autocast to bfloat16", _precision),
    Rule("input untouched", "the images are not written to", _untouched),
    Rule("cpu = cuda", "both devices give the same logits", _devices),
)
