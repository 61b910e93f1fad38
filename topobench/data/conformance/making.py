"""The rules of making an adapter, and of what it says that there is, beside its card."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from topobench.conformance import Outcome, Rule, ask, ask_unless
from topobench.data.conformance.subject import Subject, listed
from topobench.data.dataset import open_adapter
from topobench.errors import in_words
from topobench.types import Member

__all__ = ["RULES"]


def _made(subject: Subject) -> Iterator[Outcome]:
    yield ask("card and folder", _is_adapter, subject)
    with tempfile.TemporaryDirectory() as empty:
        yield ask("an empty folder", _says_what_is_missing, subject, Path(empty))
        yield ask("no folder", _says_what_is_missing, subject, Path(empty) / "none")


def _is_adapter(subject: Subject) -> str | None:
    adapter = subject.adapter
    if lacking := [name for name in ("missing", "faults", "read", "data_hash") if not hasattr(adapter, name)]:
        return f"the {type(adapter).__name__} has no method {', '.join(lacking)}; see topobench.data.Adapter."
    members = getattr(adapter, "members", None)
    if not isinstance(members, tuple) or not all(isinstance(member, Member) for member in members):
        return "its members are no tuple of topobench.types.Member; make each by topobench.data.samples.member_of."
    if strange := [each for each in members if not all(isinstance(text, str) for text in vars(each).values())]:
        return f"one of its members is {strange[0]}; id, part and unit must be texts."
    for word, found in (("missing", subject.missing), ("faults", adapter.faults())):
        if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
            return f"{word}() returns {found!r}; it must return a list of texts, empty where there is nothing to say."
    return None


def _says_what_is_missing(subject: Subject, folder: Path) -> str | None:
    """An adapter of files says there what it lacks; one that needs none reads all the same."""
    adapter = open_adapter(subject.card, folder)
    missing, faults = adapter.missing(), adapter.faults()
    if missing:
        members = len(adapter.members)
        if members:
            return f"where no file is, it has {members} members; those whose files are missing must not be among them."
        return f"where no file is, faults() finds one: {faults[0]}; it belongs into missing()." if faults else None
    if not adapter.members:
        return "where no file is, there are no members and missing() names nothing; it must name what the card wants."
    try:
        adapter.read(adapter.members[0].image_id)
    except Exception as error:
        return (
            f"where no file is, missing() names nothing, and read() raises {in_words(error)}. What the "
            "card wants and is not there must be named by missing()."
        )
    return None


def _card(subject: Subject) -> Iterator[Outcome]:
    there = f"of {subject.card.count} images {len(subject.adapter.members)} are there." if subject.missing else None
    enough = f"a part is enough, and {there}" if there and subject.partial else None
    yield ask_unless(enough, "what is missing", _complete, subject)
    yield ask_unless(there, "number of images", _count, subject)
    yield ask("what does not fit", _fits, subject)
    yield ask("ids", _ids, subject)
    yield ask("units", _units, subject)


def _complete(subject: Subject) -> str | None:
    if not subject.missing:
        return None
    return (
        f"missing() names {listed(subject.missing)}. {subject.how_to_get} To check with the images that are there, "
        "give --partial (in Python partial=True)."
    )


def _count(subject: Subject) -> str | None:
    found, wanted = len(subject.adapter.members), subject.card.count
    return None if found == wanted else f"there are {found} members, and the card's count is {wanted}."


def _fits(subject: Subject) -> str | None:
    faults = subject.adapter.faults()
    return f"faults() names {listed(faults)}." if faults else None


def _ids(subject: Subject) -> str | None:
    times = Counter(member.image_id for member in subject.adapter.members)
    if strange := [image_id for image_id in times if not image_id.strip()]:
        return f"an id is {strange[0]!r}; it must not be empty, for files are named after it."
    if twice := [image_id for image_id, number in times.items() if number > 1]:
        return f"{times[twice[0]]} images have the id {twice[0]!r}; each must have its own, as with names of its part."
    return None


def _units(subject: Subject) -> str | None:
    if without := [member.image_id for member in subject.adapter.members if not member.unit]:
        return (
            f"{listed(without)} have no unit; it is the id of an image that depends on no other "
            "(topobench.data.samples.member_of makes it as the card's [units] says)."
        )
    return None


RULES: tuple[Rule[Subject], ...] = (
    Rule("is made", "it is made of card and folder, also where no file is, and says what is missing", _made),
    Rule("agrees with its card", "members, ids, units and files are as many and as they are on the card", _card),
)
