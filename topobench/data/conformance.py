"""The conformance suite of adapters: does one read what its card says, the same each time, in any process?

An adapter is nothing without a card and data, so `check_adapter` takes a card and looks where its files lie: it opens
the adapter as `open_dataset` does, asks it what there is, and reads some of the images. What an adapter promises stands
in `topobench.data.adapter.Adapter`. Of a large data set few images are read, and the name of a case says of how many.
"""

from __future__ import annotations

import pickle
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from topobench.cards import Card
from topobench.conformance import Outcome, Rule, ask, hold
from topobench.data.adapter import Adapter
from topobench.data.dataset import Dataset, folder_of, open_adapter
from topobench.data.hints import how_to_get
from topobench.data.samples import shape_fault
from topobench.errors import CardError, DataError, in_words
from topobench.registry import load
from topobench.types import Member, Report, Sample

__all__ = ["RULES", "check_adapter"]

MOST = 5  # images that are read, several times each
LISTED = 5  # ids, files and the like that a reason lists
NOT_READ = "it could not be read, as the rule 'samples' says."


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
            self.samples[image_id] = _copy(self.adapter.read(image_id))
            self.unreadable.remove(image_id)
        return self.samples[image_id]


def check_adapter(
    card: Card,
    data_dir: str | Path | None = None,
    name: str | None = None,
    rules: Sequence[Rule[Subject]] | None = None,
    partial: bool = False,
) -> Report:
    """Hold the adapter of a card, with its data, to the rules of the suite.

    Parameters
    ----------
    card : Card
        Names the adapter and its options.
    data_dir : str, Path or None
        Where its data are, as for `open_dataset`.
    name : str or None
        What the report calls it, and what the card was asked for by; None: the card's name.
    rules : sequence of Rule, or None
        Which of `RULES`; None: all of them.
    partial : bool
        Whether a part of the images is enough, as for `open_dataset`: what is missing is then no failure.

    Returns
    -------
    Report
        A check for each rule and case; where the adapter cannot be made at all, of the first rule alone. What it raises
        is a failed check, not an error.

    Raises
    ------
    ArgumentError
        If there is no adapter of that name, or it does not load.
    DataError
        If nothing of the data is there, for an adapter is known by what it reads; it says how to get them.

    Notes
    -----
    At most `MOST` images are read, some six times each; data_hash reads all files twice.
    """
    load("adapters", card.adapter)
    subject = Subject(card, folder_of(card, data_dir), how_to_get(card, data_dir, name or ""), partial)
    chosen, called = RULES if rules is None else rules, name or card.name
    made = hold(subject, called, RULES[:1])
    if made.checks[0].status == "failed":
        return made
    if not subject.adapter.members and subject.missing:
        raise DataError(
            f"nothing of data set {card.name!r} is in {subject.folder.resolve()}, and its adapter {card.adapter!r} is "
            f"known by what it reads. {subject.how_to_get}"
        )
    rest = hold(subject, called, [rule for rule in chosen if rule is not RULES[0]])
    return Report(called, (*(made.checks if RULES[0] in chosen else ()), *rest.checks))


def _each_image(judge: Callable[[Subject, Member], str | None]) -> Callable[[Subject], Iterator[Outcome]]:
    """Return the rule that asks about each image that is read, but for those that could not be."""

    def answer(subject: Subject) -> Iterator[Outcome]:
        for case, member in subject.chosen.items():
            if member.image_id in subject.unreadable:
                yield case, "not claimed", NOT_READ
            else:
                yield ask(case, judge, subject, member)

    return answer


def _all_images(judge: Callable[[Subject], str | None]) -> Callable[[Subject], Iterator[Outcome]]:
    """Return the rule that asks once about all images that are read."""

    def answer(subject: Subject) -> Iterator[Outcome]:
        if subject.unreadable:
            yield subject.some, "not claimed", "one of them could not be read, as the rule 'samples' says."
        else:
            yield ask(subject.some, judge, subject)

    return answer


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
    if not subject.missing:
        yield ask("what is missing", _complete, subject)
        yield ask("number of images", _count, subject)
    else:
        there = f"of {subject.card.count} images {len(subject.adapter.members)} are there."
        if subject.partial:
            yield "what is missing", "not claimed", f"a part is enough, and {there}"
        else:
            yield ask("what is missing", _complete, subject)
        yield "number of images", "not claimed", there
    yield ask("what does not fit", _fits, subject)
    yield ask("ids", _ids, subject)
    yield ask("units", _units, subject)


def _complete(subject: Subject) -> str | None:
    if not subject.missing:
        return None
    return (
        f"missing() names {_listed(subject.missing)}. {subject.how_to_get} To check with the images that are there, "
        "give --partial (in Python partial=True)."
    )


def _count(subject: Subject) -> str | None:
    found, wanted = len(subject.adapter.members), subject.card.count
    return None if found == wanted else f"there are {found} members, and the card's count is {wanted}."


def _fits(subject: Subject) -> str | None:
    faults = subject.adapter.faults()
    return f"faults() names {_listed(faults)}." if faults else None


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
            f"{_listed(without)} have no unit; it is the id of an image that depends on no other "
            "(topobench.data.samples.member_of makes it as the card's [units] says)."
        )
    return None


def _sample(subject: Subject, member: Member) -> str | None:
    card = subject.card
    sample: Any = subject.first(member)
    if not isinstance(sample, Sample):
        return f"read() returns a {type(sample).__name__}; it must return a topobench.types.Sample."
    if (sample.image_id, sample.unit) != (member.image_id, member.unit):
        return (
            f"the sample has the id {sample.image_id!r} and the unit {sample.unit!r}, its member "
            f"{member.image_id!r} and {member.unit!r}; both must be the member's."
        )
    if reason := _image(sample.image, card.channels):
        return reason
    shape = sample.image.shape[1:]
    for word, mask in (("truth", sample.truth), ("validity", sample.valid)):
        if (word == "truth" or mask is not None) and (reason := _mask(word, mask, shape)):
            return reason
    if sample.valid is not None and not sample.valid.any():
        return "no pixel is valid; the card's [validity] may have inside and outside the wrong way round."
    fault = shape_fault(card, (shape[0], shape[1]), "it")
    return f"{fault}." if fault else None


def _image(image: Any, channels: int) -> str | None:
    """Return what is wrong with the image of a sample."""
    found = _is_array(image, np.dtype(np.float32))
    if found:
        return f"the image is {found}; it must be a float32 array (C, H, W)."
    if image.ndim != 3 or image.shape[0] != channels or 0 in image.shape:
        return f"the image has the shape {image.shape}; it must be ({channels}, H, W), as the card has channels."
    if wrong := int((~np.isfinite(image)).sum()):
        return f"{wrong} pixels of the image are NaN or infinite."
    low, high = float(image.min()), float(image.max())
    if low < 0 or high > 1:
        return (
            f"the image has values in [{low:.4g}, {high:.4g}]; they must lie in [0, 1]: divide by the largest that the "
            "stored type can hold (topobench.data.readers.to_unit)."
        )
    return None


def _mask(word: str, mask: Any, shape: tuple[int, ...]) -> str | None:
    """Return what is wrong with truth or validity."""
    if found := _is_array(mask, np.dtype(np.bool_)):
        return f"the {word} is {found}; it must be a bool array (H, W)."
    if mask.shape != shape:
        return f"the {word} has the shape {mask.shape}, the image {shape}; both must have one height and width."
    return None


def _is_array(found: Any, dtype: np.dtype[Any]) -> str:
    """Return what something is that is no array of that type, else an empty text."""
    if not isinstance(found, np.ndarray):
        return f"a {type(found).__name__}"
    return "" if found.dtype == dtype else f"of dtype {found.dtype}"


def _both_sides(subject: Subject) -> str | None:
    """Say where the truths that were read, taken together, have one value alone."""
    truths = [
        sample.truth[... if sample.valid is None else sample.valid]
        for sample in map(subject.first, subject.chosen.values())
    ]
    pixels = sum(truth.size for truth in truths)
    structure = sum(int(truth.sum()) for truth in truths)
    if 0 < structure < pixels:
        return None
    what, other = ("structure", "background") if structure else ("background", "structure")
    return (
        f"all {pixels} valid pixels of the truths are {what}. Look at a label file: the card's [labels] may take its "
        f"values the wrong way round, or {other} may have a value or a channel that is not read."
    )


def _again(subject: Subject) -> Iterator[Outcome]:
    yield from _each_image(_twice)(subject)
    yield from _all_images(_newly_made)(subject)


def _twice(subject: Subject, member: Member) -> str | None:
    before = subject.first(member)
    word = _difference(before, subject.adapter.read(member.image_id))
    return f"read a second time, it has another {word}; what is drawn must follow from the id." if word else None


def _newly_made(subject: Subject) -> str | None:
    """Read in the other order from another adapter of the same card and folder."""
    other = subject.opened()
    if other.members != subject.adapter.members:
        return "an adapter that is newly made has other members, or in another order; sort what a folder lists."
    for member in reversed(subject.chosen.values()):
        if word := _difference(subject.first(member), other.read(member.image_id)):
            return (
                f"{member.image_id}, read from an adapter newly made and in another order, has another {word}; a "
                "sample must follow from the files and its id alone."
            )
    return None


def _own_arrays(subject: Subject, member: Member) -> str | None:
    """Write into what an adapter of its own hands out, so that no other rule reads what was written."""
    other = subject.opened()
    given: Any = other.read(member.image_id)
    before = _copy(given)
    for array in (given.image, given.truth, given.valid):
        if isinstance(array, np.ndarray) and array.flags.writeable:
            np.copyto(array, ~array if array.dtype == np.bool_ else 1 - array)
    word = _difference(before, other.read(member.image_id))
    return f"after writing into the sample, it is read with another {word}; hand out copies." if word else None


def _folds(subject: Subject) -> Iterator[Outcome]:
    try:
        dataset = Dataset(subject.card, subject.adapter)
        folds = [dataset.fold(index) for index in range(subject.card.folds.number)]
    except CardError as error:
        if subject.missing:
            yield "all", "not claimed", f"while images are missing, they cannot be split: {error}"
        else:
            yield "all", "failed", str(error)
        return
    for index, (train, scored) in enumerate(folds):
        yield ask(f"fold {index}", _fold, subject, train, scored)
    yield ask("all", _scored_once, subject, [scored for _, scored in folds])


def _fold(subject: Subject, train: list[str], scored: list[str]) -> str | None:
    if both := sorted({*train} & {*scored}):
        return f"it both trains on and scores {_listed(both)}."
    if not _keeps_units(subject):
        return None  # what is listed, or the official split, is as its authors had it
    units = {member.image_id: member.unit for member in subject.adapter.members}
    if cut := sorted({units[each] for each in train} & {units[each] for each in scored}):
        return f"it cuts the unit {cut[0]!r} in two, which rule {subject.card.folds.rule!r} must not."
    return None


def _scored_once(subject: Subject, folds: list[list[str]]) -> str | None:
    times = Counter(image_id for scored in folds for image_id in scored)
    if twice := [image_id for image_id, number in times.items() if number > 1]:
        return f"more than one fold scores {_listed(twice)}."
    never = [member.image_id for member in subject.adapter.members if member.image_id not in times]
    return f"no fold scores {_listed(never)}." if never and _keeps_units(subject) else None


def _keeps_units(subject: Subject) -> bool:
    """Whether folds are made by counting units: each is scored once, and none is cut in two."""
    return subject.card.folds.rule in ("contiguous", "shuffled")


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


def _pickled(subject: Subject) -> Iterator[Outcome]:
    yield from _all_images(_travels)(subject)


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
        if word := _difference(subject.first(member), copy.read(member.image_id)):
            return f"once pickled, it reads {member.image_id} with another {word}."
    return None


def _copy(sample: Any) -> Any:
    """Return a sample of the same values that shares no memory with it; what is no sample as it is."""
    if not isinstance(sample, Sample):
        return sample
    image, truth, valid = (_copied(part) for part in (sample.image, sample.truth, sample.valid))
    return Sample(sample.image_id, image, truth, valid, sample.unit)


def _copied(part: Any) -> Any:
    return np.copy(part) if isinstance(part, np.ndarray) else part


def _difference(before: Sample, now: Sample) -> str:
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


def _listed(names: Iterable[str]) -> str:
    """Return some names in words, those beyond a few as a number."""
    every = list(names)
    more = f" and {len(every) - LISTED} more" if len(every) > LISTED else ""
    return "; ".join(every[:LISTED]) + more


RULES: tuple[Rule[Subject], ...] = (
    Rule("made", "it is made of card and folder, also where no file is, and says what is missing", _made),
    Rule("card", "members, ids, units and files are as many and as they are on the card", _card),
    Rule("samples", "image, truth and validity have the types, shapes and values of a sample", _each_image(_sample)),
    Rule("structure", "there is structure in the images, and background", _all_images(_both_sides)),
    Rule("read again", "a sample follows from its id: read twice, anew and in another order it is equal", _again),
    Rule("own arrays", "what is written into a sample does not change what is read next", _each_image(_own_arrays)),
    Rule("folds", "folds are disjoint, not empty, and cut no unit in two that they promise to keep", _folds),
    Rule("hash", "data_hash is a sha256, the same for two adapters", _hash),
    Rule("pickled", "it goes to another process, and reads the same there", _pickled),
)  # fmt: skip
