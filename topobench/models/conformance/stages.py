"""What a model must be able to do before more can be asked of it: be made, called, called in training, and trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from topobench.conformance import Outcome, not_claimed
from topobench.models.conformance.misfits import misfit, some
from topobench.models.conformance.subject import CROP, Subject, evaluated, noise, outputs, train

__all__ = [
    "CALLED",
    "MADE",
    "OUT",
    "STEPS",
    "TRAINED",
    "first",
    "fits",
    "fits_in_training",
    "made_for",
    "needs",
    "odd",
    "sized",
    "unmade",
]

STEPS = 3
ODD = (33, 50)  # the size at which other rules ask
Answer = Callable[[Subject], Iterator[Outcome]]
Judge = Callable[[Subject], "str | None"]


@dataclass(frozen=True)
class Stage:
    """What a model must be able to do before other things can be asked: the case, its judge, and what is said else."""

    case: str
    judge: Judge
    without: str

    def of(self, subject: Subject) -> Outcome:
        """Return the answer, asked once."""
        return subject.once(self.without, self.case, self.judge, subject)


def needs(stage: Stage) -> Callable[[Answer], Answer]:
    """Return what makes a rule one that is asked of models alone that passed all stages up to that one."""

    def decorate(answer: Answer) -> Answer:
        def held(subject: Subject) -> Iterator[Outcome]:
            for needed in STAGES[: STAGES.index(stage) + 1]:
                if not needed.of(subject).passed:
                    yield not_claimed("every case", needed.without)
                    return
            yield from answer(subject)

        return held

    return decorate


def _is_module(subject: Subject, channels: int = 1) -> str | None:
    """Return why what is made for so many channels cannot be trained, if it cannot."""
    model: object = subject.still(channels)
    if not isinstance(model, nn.Module):
        return f"it makes a {type(model).__name__}; it must make a torch.nn.Module."
    if lazy := [name for name, values in model.named_parameters() if is_lazy(values)]:
        return f"{some(lazy)} has no shape before the first call; give sizes in place of lazy layers."
    if not any(values.requires_grad for values in model.parameters()):
        return "it has no parameters that can be trained; keep each layer in an attribute, several in an nn.ModuleList."
    return None


def _gives_logits(subject: Subject) -> str | None:
    model, images = subject.still(), noise(64, 64)
    known = {*model.state_dict()}
    found = evaluated(model, images)
    if late := [name for name in model.state_dict() if name not in known]:
        return (
            f"its first call makes {some(late)}, which the optimiser does not know then; make all layers in __init__."
        )
    return misfit(found, images, "in evaluation")


def _gives_outputs(subject: Subject) -> str | None:
    model, images = subject.learner, noise(CROP, CROP)
    evaluated(model, images)  # as the runner tries it first; what is kept of that must not spoil training
    found, weights = outputs(model, images), getattr(model, "output_weights", None)
    given = (
        f"in training it gives {f'one {type(found[0]).__name__}' if len(found) == 1 else f'a tuple of {len(found)}'}"
    )
    if weights is None and len(found) != 1:
        return f"{given} and has no output_weights; it must say what each output weighs in the loss."
    if weights is not None:
        if len(weights) != len(found):
            return f"{given} and has {len(weights)} output_weights; it must give a tuple of one tensor for each."
        if not abs(sum(weights) - 1) <= 1e-6:
            return f"its output_weights are {tuple(weights)}, of sum {sum(weights):g}; it must be 1."
    if isinstance(found[0], list):
        return f"in training it gives a list of {len(found[0])}; several outputs must be a tuple, with output_weights."
    if reason := first(misfit(each, images, "in training") for each in found):
        return reason
    led = all(each.requires_grad for each in found)
    return None if led else "in training no gradient leads back from its logits; detach nothing, without torch.no_grad."


def _takes_steps(subject: Subject) -> str | None:
    subject.course = train(subject.learner, STEPS)
    return subject.course.trouble


MADE = Stage("1 channel", _is_module, "it cannot be made for images of one channel.")
CALLED = Stage("64x64", _gives_logits, "it gives no logits for images of 64x64.")
OUT = Stage(f"{CROP}x{CROP}", _gives_outputs, "what it gives in training does not fit.")
TRAINED = Stage("finite", _takes_steps, "it cannot be trained for three steps.")
STAGES = (MADE, CALLED, OUT, TRAINED)


def first(reasons: Iterable[str | None]) -> str | None:
    """Return the first sentence, None where there is none."""
    return next((reason for reason in reasons if reason), None)


def made_for(subject: Subject, channels: int) -> Outcome:
    """Return whether it can be made for so many channels, asked once."""
    return subject.once(f"made {channels}", f"{channels} channels", _is_module, subject, channels)


def unmade(subject: Subject, channels: int) -> str | None:
    """Return that it cannot be made for so many channels, if so; for one it is, where MADE is needed."""
    made = channels == 1 or made_for(subject, channels).passed
    return None if made else f"it cannot be made for images of {channels} channels."


def fits(subject: Subject, images: Tensor) -> str | None:
    """Return what is wrong with what it gives in evaluation of such images, if anything is."""
    return misfit(evaluated(subject.still(images.shape[1]), images), images, "in evaluation")


def sized(subject: Subject, height: int, width: int) -> Outcome:
    """Return the answer for images of that size, asked once."""
    case = f"{height}x{width}"
    return subject.once(f"size {case}", case, _fits_or_is_padded, subject, noise(height, width))


def _fits_or_is_padded(subject: Subject, images: Tensor) -> str | None:
    try:
        return fits(subject, images)
    except Exception as error:
        said = " ".join(str(error).split()).rstrip(".")
        return f"raises {type(error).__name__}: {said}; pad the image to a size that it takes, and crop the logits."


def odd(subject: Subject) -> tuple[int, int]:
    """Return the size at which other rules ask: an odd one, or, where the rule 'any image' says why not, 64x64."""
    return ODD if sized(subject, *ODD).passed else (64, 64)


def fits_in_training(subject: Subject, images: Tensor) -> str | None:
    """Return what is wrong with what it gives in training of such images, if anything is."""
    return first(misfit(each, images, "in training") for each in outputs(subject.learner, images))
