"""Folds: which images are scored and which are trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from topobench.cards import Folds
from topobench.errors import ArgumentError, CardError
from topobench.seeds import generator
from topobench.types import Member

__all__ = ["split"]

Split = tuple[list[str], list[str]]


def split(members: Sequence[Member], folds: Folds, index: int) -> Split:
    """Return (training ids, scored ids) of a fold, each in the card's order.

    ArgumentError for a fold that the card has not. CardError where a fold would be empty, where one image is scored in
    two folds or both trained on and scored, or where a fold names an image or a part that is not there.
    """
    if not 0 <= index < folds.number:
        raise ArgumentError(f"fold {index} does not exist; the card has {_known(folds.number)}.")
    train, scored = {"parts": _parts, "listed": _listed}.get(folds.rule, _counted)(members, folds, index)
    for ids, what in ((scored, "score"), (train, "train on")):
        if not ids:
            raise CardError(f"fold {index} has nothing to {what}: there are {len(members)} images in all.")
    return train, scored


def _counted(members: Sequence[Member], folds: Folds, index: int) -> Split:
    """Split units into parts of about as many images: a unit is of the part in which its middle lies."""
    units: dict[str, list[str]] = {}
    for member in members:
        units.setdefault(member.unit, []).append(member.image_id)
    order = list(units)
    if folds.rule == "shuffled":
        generator("folds", folds.seed or 0).shuffle(order)
    parts: list[set[str]] = [set() for _ in range(folds.number)]
    before = 0
    for unit in order:
        size = len(units[unit])
        parts[(2 * before + size) * folds.number // (2 * len(members))].update(units[unit])
        before += size
    if not all(parts):
        raise CardError(
            f"{len(members)} images of {len(order)} units cannot make {folds.number} folds: some would be empty."
        )
    return _sides(members, parts[index])


def _parts(members: Sequence[Member], folds: Folds, index: int) -> Split:
    """Return the official split."""
    known = dict.fromkeys(member.part for member in members)
    if strange := [part for part in (*folds.train, *folds.score) if part not in known]:
        there = ", ".join(repr(part) for part in known if part) or "no part that has a name"
        raise CardError(
            f"the fold names the part {strange[0]!r}, of which there is no image; there are images of: {there}."
        )
    train, scored = (
        [member.image_id for member in members if member.part in parts] for parts in (folds.train, folds.score)
    )
    return train, scored


def _listed(members: Sequence[Member], folds: Folds, index: int) -> Split:
    """Return the fold as it is listed, after all were checked."""
    known = {member.image_id for member in members}
    seen: set[str] = set()
    for number, fold in enumerate(folds.listed):
        if strange := sorted({*fold.score, *fold.train} - known):
            raise CardError(f"fold {number} names images that are not in the data: {_some(strange)}.")
        if twice := sorted(seen.intersection(fold.score)):
            raise CardError(f"fold {number} scores images that another one scores, too: {_some(twice)}.")
        if again := sorted(name for name, number in Counter(fold.score).items() if number > 1):
            raise CardError(f"fold {number} scores images twice: {_some(again)}.")
        if both := sorted(set(fold.score).intersection(fold.train)):
            raise CardError(f"fold {number} both trains on and scores {_some(both)}.")
        seen.update(fold.score)
    chosen = folds.listed[index]
    train, scored = _sides(members, set(chosen.score))
    return [image_id for image_id in train if image_id in (chosen.train or known)], scored


def _sides(members: Sequence[Member], scored: set[str]) -> Split:
    return (
        [member.image_id for member in members if member.image_id not in scored],
        [member.image_id for member in members if member.image_id in scored],
    )


def _known(number: int) -> str:
    return f"the folds 0 to {number - 1}" if number > 1 else "one fold, 0"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
