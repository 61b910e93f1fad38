"""The rules of how a model is made."""

from __future__ import annotations

from collections.abc import Iterator

from topobench.conformance import Outcome, Rule, ask
from topobench.models.conformance.misfits import changed_names, some
from topobench.models.conformance.stages import MADE, made_for, needs
from topobench.models.conformance.subject import Subject

__all__ = ["RULES"]


def _made(subject: Subject) -> Iterator[Outcome]:
    yield MADE.of(subject)
    if MADE.of(subject).passed:
        yield from (made_for(subject, channels) for channels in (2, 3))


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


RULES: tuple[Rule[Subject], ...] = (
    Rule("is made", "a torch.nn.Module with parameters, for 1, 2 and 3 channels", _made),
    Rule("weights follow the seed", "made twice under one seed of torch it has the same weights", _follows_seed),
)
