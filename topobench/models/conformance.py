"""The conformance suite of models: does a model take what the runner gives, follow its seed, learn, and keep its word?

`check_model` puts a model, ours or anybody's, before small images; `topobench.models.Model` is what it is held
to. What many rules need, such as logits at all, is asked once: where it is not there, one rule says why, and those
that need it are not claimed.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from topobench.conformance import Outcome, Rule, ask, hold
from topobench.errors import ArgumentError
from topobench.models.misfits import apart, changed_names, misfit, some, state_of
from topobench.models.stages import CALLED, MADE, OUT, STEPS, TRAINED, first, is_module, needs
from topobench.models.subject import (
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
from topobench.types import Report

__all__ = ["RULES", "check_model"]

SIZES = ((1, 1), (1, 40), (40, 1), (2, 3), (33, 50), (64, 64), (65, 65), (127, 70))
ODD = (33, 50)  # the size at which other rules ask
CHANNELS = (1, 2, 3)
GROWN = 10  # by how much weights grow that must take logits out of [0, 1]
DRAWS = 8  # further ones in which dropout may spare a parameter that had no gradient in the steps
PLACES = (0, 7, 18, 52)  # of pixels whose reach is looked at, from the first that may look as far on either side
FURTHEST = 4096  # pixels of reach up to which it is looked at
UNSAID = (
    "it does not say how far it looks: images above 1024 pixels are predicted in tiles whose outer 96 pixels do not "
    "count, be that too much or too little; give `reach`, in pixels, where it is bounded."
)


def check_model(
    make: Callable[[int], nn.Module], name: str = "model", rules: Sequence[Rule[Subject]] | None = None
) -> Report:
    """Hold a model to the rules of the suite.

    Parameters
    ----------
    make : callable
        Takes the number of channels and returns a new model, such as the class, or a function that adds options.
    name : str
        What the report calls it.
    rules : sequence of Rule, or None
        Which of `RULES`; None: all of them.

    Returns
    -------
    Report
        A check for each rule and case. What a model raises is a failed check, not an error.

    Raises
    ------
    ArgumentError
        If `make` cannot be called, or is a model and not what makes one.

    Notes
    -----
    A U-Net takes a second, VGG-19 eight. Global generators and the number of threads are afterwards as they were.
    """
    if isinstance(make, nn.Module) or not callable(make):
        raise ArgumentError(
            f"make is a {type(make).__name__}; give something that takes the number of channels and returns a new "
            "model, such as a class, or lambda channels: UNet(channels, depth=3)."
        )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # images so small gain little by more, and sums are the same anywhere
    try:
        return hold(Subject(make), name, RULES if rules is None else rules)
    finally:
        torch.set_num_threads(threads)


def _made(subject: Subject) -> Iterator[Outcome]:
    yield MADE.of(subject)
    if MADE.of(subject)[1] == "passed":
        yield from (_made_for(subject, channels) for channels in CHANNELS[1:])


def _made_for(subject: Subject, channels: int) -> Outcome:
    return subject.once(f"made {channels}", f"{channels} channels", is_module, subject, channels)


@needs(MADE)
def _follows_seed(subject: Subject) -> Iterator[Outcome]:
    yield ask("made twice", _made_alike, subject)


def _made_alike(subject: Subject) -> str | None:
    one, other = subject.new(others=0), subject.new(others=1)
    if one is other:
        return "it is the same object when made again; a new one is wanted each time."
    if changed := changed_names(one.state_dict(), other.state_dict()):
        return (
            f"made twice under one seed of torch it differs in {some(changed)}; draw first weights from torch's "
            "global generator."
        )
    return None


@needs(MADE)
def _logits(subject: Subject) -> Iterator[Outcome]:
    yield CALLED.of(subject)
    if CALLED.of(subject)[1] == "passed":
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
        yield _sized(subject, height, width)
    yield ask("flat", _fits, subject, torch.zeros(2, 1, 48, 48))


def _sized(subject: Subject, height: int, width: int) -> Outcome:
    """Return the answer for images of that size, asked once."""
    case = f"{height}x{width}"
    return subject.once(f"size {case}", case, _fits_or_is_padded, subject, noise(height, width))


def _fits_or_is_padded(subject: Subject, images: Tensor) -> str | None:
    try:
        return _fits(subject, images)
    except Exception as error:
        said = " ".join(str(error).split()).rstrip(".")
        return f"raises {type(error).__name__}: {said}; pad the image to a size that it takes, and crop the logits."


def _odd(subject: Subject) -> tuple[int, int]:
    """Return the size at which other rules ask: an odd one, or, where the rule 'any image' says why not, 64x64."""
    return ODD if _sized(subject, *ODD)[1] == "passed" else (64, 64)


def _fits(subject: Subject, images: Tensor) -> str | None:
    return misfit(evaluated(subject.still(images.shape[1]), images), images, "in evaluation")


@needs(CALLED)
def _any_channels(subject: Subject) -> Iterator[Outcome]:
    for channels in CHANNELS:
        if channels == 1 or _made_for(subject, channels)[1] == "passed":
            yield ask(f"{channels}", _fits, subject, noise(48, 64, channels=channels))
        else:
            yield f"{channels}", "not claimed", f"it cannot be made for images of {channels} channels."


@needs(CALLED)
def _batches(subject: Subject) -> Iterator[Outcome]:
    yield ask("three in evaluation", _one_by_one, subject)
    if OUT.of(subject)[1] == "passed":
        yield ask("one in training", _fits_in_training, subject, noise(64, 64, 1))


def _one_by_one(subject: Subject) -> str | None:
    images, model = noise(*_odd(subject), 3), subject.still()
    wanted = torch.cat([evaluated(model, images[[index]]) for index in range(3)])
    if differ := apart(evaluated(model, images), wanted):
        return (
            f"logits in a batch of three differ by up to {differ:.3g} from those of its images one by one; in "
            "evaluation take no mean or norm over the batch."
        )
    return None


def _fits_in_training(subject: Subject, images: Tensor) -> str | None:
    return first(misfit(each, images, "in training") for each in outputs(subject.learner, images))


@needs(CALLED)
def _evaluation_repeats(subject: Subject) -> Iterator[Outcome]:
    yield ask("under other seeds", _evaluated_alike, subject)
    yield ask("state", _state_kept, subject)


def _evaluated_alike(subject: Subject) -> str | None:
    one, other = (evaluated(subject.still(), noise(*_odd(subject)), seed) for seed in (0, 1))
    if torch.equal(one, other):
        return None
    return (
        f"the logits of one image differ by up to {float((one - other).abs().max()):.3g} under other seeds; draw "
        "nothing in evaluation (functional.dropout wants training=self.training)."
    )


def _state_kept(subject: Subject) -> str | None:
    before = state_of(subject.still())
    evaluated(subject.still(), noise(*_odd(subject)))
    changed = changed_names(before, subject.still().state_dict())
    return f"evaluation changes {some(changed)}; change it where self.training alone." if changed else None


@needs(CALLED)
def _outputs(subject: Subject) -> Iterator[Outcome]:
    yield OUT.of(subject)
    if OUT.of(subject)[1] == "passed":
        height, width = _odd(subject)
        yield ask(f"{height}x{width}", _fits_in_training, subject, noise(height, width))


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
    if TRAINED.of(subject)[1] == "passed":
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
        yield "frozen", "not claimed", f"requires_grad is False of {some(frozen)}."


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
    file, images, other = io.BytesIO(), noise(*_odd(subject)), subject.new(seed=1, others=1)
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


@needs(CALLED)
def _looks(subject: Subject) -> Iterator[Outcome]:
    case, status, reason = ask("reach", _says_how_far, subject)
    yield case, "not claimed" if reason == UNSAID else status, reason
    if status == "passed":
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


@needs(OUT)
def _channels_last(subject: Subject) -> Iterator[Outcome]:
    if _made_for(subject, 3)[1] == "passed":
        yield ask("evaluation", _laid_out, subject)
        yield ask("training", _trained_laid_out, subject)
    else:
        yield "3 channels", "not claimed", "it cannot be made for images of 3 channels."


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
    if OUT.of(subject)[1] == "passed":
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
    if torch.cuda.is_available():
        yield ask("cuda", _agrees, subject)
    else:
        yield "cuda", "not claimed", "there is no CUDA device here."


def _on_one_device(subject: Subject) -> str | None:
    """Ask on torch's device without values, which is everywhere: a tensor that was made elsewhere does not go with it.

    What else cannot be done without values is no fault.
    """
    images, model = noise(*_odd(subject)).to("meta"), subject.new().to("meta").eval()
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
    images = noise(*_odd(subject))
    wanted, precise = evaluated(subject.still(), images), torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")  # TF32 has the ten bits of float16
    try:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            found = evaluated(subject.new().cuda(), images.cuda()).cpu()
    finally:
        torch.set_float32_matmul_precision(precise)
    differ = apart(found, wanted, 1e-3)
    return None if differ is None else f"the logits on cpu and on cuda differ by up to {differ:.3g}."


RULES: tuple[Rule[Subject], ...] = (
    Rule("is made", "a torch.nn.Module with parameters, for 1, 2 and 3 channels", _made),
    Rule("weights follow the seed", "made twice under one seed of torch it has the same weights", _follows_seed),
    Rule("gives logits", "in evaluation one tensor of finite logits (B, 1, H, W)", _logits),
    Rule("any image", "logits of an image's size, from 1x1 on, odd and oblong, and of a flat image", _any_image),
    Rule("any channels", "logits of images of 1, 2 and 3 channels", _any_channels),
    Rule("batches", "evaluation takes images each by itself, and training a batch of one", _batches),
    Rule("evaluation repeats", "logits are the same bit for bit, and no state changes", _evaluation_repeats),
    Rule("outputs in training", "one tensor of logits, or as many as output_weights, of sum 1", _outputs),
    Rule("training repeats", "one state and one seed of torch give the same outputs", _training_repeats),
    Rule("trains three steps", "all stays finite, the cross entropy falls, and weights move", _trains),
    Rule("gradient everywhere", "every parameter that is not frozen gets a gradient", _gradients),
    Rule("state saves and loads", "the state_dict has all that logits depend on, in finite tensors", _saves),
    Rule("looks no further", "no input pixel further than `reach` changes a logit", _looks),
    Rule("channels last", "images and weights may lie so in memory", _channels_last),
    Rule("mixed precision", "logits and gradients are finite within autocast to bfloat16", _precision),
    Rule("input untouched", "the images are not written to", _untouched),
    Rule("cpu = cuda", "both devices give the same logits", _devices),
)
