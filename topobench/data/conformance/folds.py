"""The rule of folds: disjoint, with all that is to be scored, and no unit cut in two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from topobench.conformance import Outcome, Rule, ask, not_claimed
from topobench.data.conformance.subject import Subject, listed
from topobench.data.dataset import Dataset
from topobench.errors import CardError

__all__ = ["RULES"]


def _folds(subject: Subject) -> Iterator[Outcome]:
    try:
        dataset = Dataset(subject.card, subject.adapter)
        folds = [dataset.fold(index) for index in range(subject.card.folds.number)]
    except CardError as error:
        if subject.missing:
            yield not_claimed("all", f"while images are missing, they cannot be split: {error}")
        else:
            yield Outcome("all", "failed", str(error))
        return
    for index, (train, scored) in enumerate(folds):
        yield ask(f"fold {index}", _fold, subject, train, scored)
    yield ask("all", _scored_once, subject, [scored for _, scored in folds])


def _fold(subject: Subject, train: list[str], scored: list[str]) -> str | None:
    if both := sorted({*train} & {*scored}):
        return f"it both trains on and scores {listed(both)}."
    if not _keeps_units(subject):
        return None  # what is listed, or the official split, is as its authors had it
    units = {member.image_id: member.unit for member in subject.adapter.members}
    if cut := sorted({units[each] for each in train} & {units[each] for each in scored}):
        return f"it cuts the unit {cut[0]!r} in two, which rule {subject.card.folds.rule!r} must not."
    return None


def _scored_once(subject: Subject, folds: list[list[str]]) -> str | None:
    times = Counter(image_id for scored in folds for image_id in scored)
    if twice := [image_id for image_id, number in times.items() if number > 1]:
        return f"more than one fold scores {listed(twice)}."
    never = [member.image_id for member in subject.adapter.members if member.image_id not in times]
    return f"no fold scores {listed(never)}." if never and _keeps_units(subject) else None


def _keeps_units(subject: Subject) -> bool:
    """Whether folds are made by counting units: each is scored once, and none is cut in two."""
    return subject.card.folds.rule in ("contiguous", "shuffled")


RULES: tuple[Rule[Subject], ...] = (
    Rule(
        "folds are disjoint", "folds are disjoint, not empty, and cut no unit in two that they promise to keep", _folds
    ),
)
