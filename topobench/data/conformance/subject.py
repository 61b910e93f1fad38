"""An adapter under test, the samples that were read first, and how samples are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from topobench.cards import Card
from topobench.conformance import Outcome, ask_unless
from topobench.data.contract import Adapter
from topobench.data.dataset import open_adapter
from topobench.types import Member, Sample

__all__ = ["SAMPLES", "Subject", "all_images", "copied", "difference", "each_image", "listed"]

MOST = 5  # images that are read, several times each
LISTED = 5  # ids, files and the like that a reason lists
SAMPLES = "gives samples"  # the rule that says which could not be read, of which others do not ask then
NOT_READ = f"could not be read, as the rule {SAMPLES!r} says."


@dataclass
class Subject:
    """An adapter under test: a card, the folder of its data, how one gets them, and the samples that were read first.

    With `partial` a part of the images is enough. `unreadable` are the ids of those whose first reading failed.
    """

    card: Card
    folder: Path
    how_to_get: str
    partial: bool
    samples: dict[str, Sample] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)

    @cached_property
    def adapter(self) -> Adapter:
        """The adapter that most rules ask."""
        return self.opened()

    def opened(self) -> Adapter:
        """Return an adapter newly made."""
        return open_adapter(self.card, self.folder)

    @cached_property
    def missing(self) -> list[str]:
        """What the adapter says is missing."""
        return self.adapter.missing()

    @cached_property
    def data_hash(self) -> str:
        """The adapter's hash, for which all files may be read."""
        return self.adapter.data_hash()

    @cached_property
    def chosen(self) -> dict[str, Member]:
        """The members that are read, evenly spaced, first and last among them, by the name of their case."""
        members = self.adapter.members
        count = len(members)
        if count <= MOST:
            return {member.image_id: member for member in members}
        places = [round(place * (count - 1) / (MOST - 1)) for place in range(MOST)]
        return {f"{members[place].image_id} ({place + 1} of {count})": members[place] for place in places}

    @property
    def some(self) -> str:
        """In words of which images a rule asks that needs several."""
        return f"{len(self.chosen)} of {len(self.adapter.members)} images"

    def first(self, member: Member) -> Sample:
        """Return the sample as it was read first; a copy is kept, for a reader may hand out what it keeps itself."""
        image_id = member.image_id
        if image_id not in self.samples:
            self.unreadable.add(image_id)
            self.samples[image_id] = copied(self.adapter.read(image_id))
            self.unreadable.remove(image_id)
        return self.samples[image_id]


def each_image(judge: Callable[[Subject, Member], str | None]) -> Callable[[Subject], Iterator[Outcome]]:
    """Return the rule that asks about each image that is read, but for those that could not be."""

    def answer(subject: Subject) -> Iterator[Outcome]:
        for case, member in subject.chosen.items():
            unread = member.image_id in subject.unreadable
            yield ask_unless(f"it {NOT_READ}" if unread else None, case, judge, subject, member)

    return answer


def all_images(judge: Callable[[Subject], str | None]) -> Callable[[Subject], Iterator[Outcome]]:
    """Return the rule that asks once about all images that are read."""

    def answer(subject: Subject) -> Iterator[Outcome]:
        unread = f"one of them {NOT_READ}" if subject.unreadable else None
        yield ask_unless(unread, subject.some, judge, subject)

    return answer


def copied(sample: Any) -> Any:
    """Return a sample of the same values that shares no memory with it; what is no sample as it is."""
    if not isinstance(sample, Sample):
        return sample
    image, truth, valid = (_copied(part) for part in (sample.image, sample.truth, sample.valid))
    return Sample(sample.image_id, image, truth, valid, sample.unit)


def _copied(part: Any) -> Any:
    return np.copy(part) if isinstance(part, np.ndarray) else part


def difference(before: Sample, now: Sample) -> str:
    """Return in a word what differs between two samples; an empty text where they are equal."""
    pairs = {
        "image": (before.image, now.image), "truth": (before.truth, now.truth), "validity": (before.valid, now.valid),
        "unit": (before.unit, now.unit), "id": (before.image_id, now.image_id),
    }  # fmt: skip
    return next((word for word, (one, other) in pairs.items() if not _equal(one, other)), "")


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    return type(one) is type(other) and one == other


def listed(names: Iterable[str]) -> str:
    """Return some names in words, those beyond a few as a number."""
    every = list(names)
    more = f" and {len(every) - LISTED} more" if len(every) > LISTED else ""
    return "; ".join(every[:LISTED]) + more
