"""The rules of reading again: later, elsewhere, and whatever the caller did with what was read."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from topobench.conformance import Outcome, Rule, ask
from topobench.data.conformance.subject import Subject, all_images, copied, difference, each_image
from topobench.data.contract import Adapter
from topobench.errors import in_words
from topobench.types import Member

__all__ = ["RULES"]


def _again(subject: Subject) -> Iterator[Outcome]:
    yield from each_image(_twice)(subject)
    yield from all_images(_newly_made)(subject)


def _twice(subject: Subject, member: Member) -> str | None:
    before = subject.first(member)
    word = difference(before, subject.adapter.read(member.image_id))
    return f"read a second time, it has another {word}; what is drawn must follow from the id." if word else None


def _newly_made(subject: Subject) -> str | None:
    """Read in the other order from another adapter of the same card and folder."""
    other = subject.opened()
    if other.members != subject.adapter.members:
        return "an adapter that is newly made has other members, or in another order; sort what a folder lists."
    for member in reversed(subject.chosen.values()):
        if word := difference(subject.first(member), other.read(member.image_id)):
            return (
                f"{member.image_id}, read from an adapter newly made and in another order, has another {word}; a "
                "sample must follow from the files and its id alone."
            )
    return None


def _own_arrays(subject: Subject, member: Member) -> str | None:
    """Write into what an adapter of its own hands out, so that no other rule reads what was written."""
    other = subject.opened()
    given: Any = other.read(member.image_id)
    before = copied(given)
    for array in (given.image, given.truth, given.valid):
        if isinstance(array, np.ndarray) and array.flags.writeable:
            np.copyto(array, ~array if array.dtype == np.bool_ else 1 - array)
    word = difference(before, other.read(member.image_id))
    return f"after writing into the sample, it is read with another {word}; hand out copies." if word else None


def _hash(subject: Subject) -> Iterator[Outcome]:
    yield ask("sha256", _is_sha256, subject)
    yield ask("two adapters", _hashed_alike, subject)


def _is_sha256(subject: Subject) -> str | None:
    found = subject.data_hash
    if isinstance(found, str) and re.fullmatch(r"[0-9a-f]{64}", found):
        return None
    return f"data_hash() returns {found!r}; it must be the 64 hexadecimal digits of a sha256."


def _hashed_alike(subject: Subject) -> str | None:
    one, other = subject.data_hash, subject.opened().data_hash()
    if one == other:
        return None
    return (
        f"two adapters of one card and folder have the hashes {one[:12]} and {other[:12]}; hash the bytes of the "
        "files (topobench.files.file_sha256), in the order of the members, and nothing of time or place."
    )


def _travels(subject: Subject) -> str | None:
    """Pickle the adapter after it has read, and so holds open whatever it opens."""
    subject.adapter.read(next(iter(subject.chosen.values())).image_id)
    try:
        copy: Adapter = pickle.loads(pickle.dumps(subject.adapter))
    except Exception as error:
        return (
            f"it cannot be pickled ({in_words(error)}), and --jobs hands it to other processes; leave "
            "open files and caches out in __getstate__, and define its class at the top of a module."
        )
    if copy.members != subject.adapter.members:
        return "once pickled, it has other members."
    for member in subject.chosen.values():
        if word := difference(subject.first(member), copy.read(member.image_id)):
            return f"once pickled, it reads {member.image_id} with another {word}."
    return None


RULES: tuple[Rule[Subject], ...] = (
    Rule("read again", "a sample follows from its id: read twice, anew and in another order it is equal", _again),
    Rule("own arrays", "what is written into a sample does not change what is read next", each_image(_own_arrays)),
    Rule("hash repeats", "data_hash is a sha256, the same for two adapters", _hash),
    Rule("travels pickled", "it goes to another process, and reads the same there", all_images(_travels)),
)
