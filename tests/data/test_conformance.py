"""Every adapter of ours before the suite, through its cards, and mutants that the suite must catch."""

import itertools
import sys

import numpy as np
import pytest

from topobench import registry
from topobench.cards import Card, load_card, names
from topobench.data import Dataset
from topobench.data.conformance import RULES, check_adapter, subject
from topobench.errors import DataError, UnknownNameError
from topobench.files import digest, file_sha256
from topobench.types import Member, Sample

COUNT, SHAPE = 6, (20, 24)
TICKS = itertools.count()


@pytest.mark.parametrize("name", [name for name in names("datasets") if load_card(name).adapter == "synthetic"])
def test_what_is_made_keeps_every_rule(name, tmp_path, monkeypatch):
    monkeypatch.setattr(subject, "MOST", 2)  # the first and the last, for drawing takes time
    report = check_adapter(load_card(name), tmp_path)
    assert report.failed == (), report
    assert list(report.counts()) == [rule.name for rule in RULES]
    assert all(check.status == "passed" for check in report.checks)


@pytest.mark.parametrize(("name", "partial"), [("isbi2012", False), ("deepcrack", True), ("vnc-sstem", True)])
def test_real_data_keep_every_rule(real_data, name, partial):
    report = check_adapter(load_card(name), real_data, partial=partial)
    assert report.failed == (), report


class Sound:
    """Reads `k.npy` (2, H, W), an image and its label; what mutants are made of."""

    def __init__(self, card, folder):
        self.card, self.folder = card, folder
        self.members = tuple(Member(path.stem, "", path.stem) for path in sorted(folder.glob("*.npy")))

    def missing(self):
        lacking = self.card.count - len(self.members)
        return [f"{lacking} of {self.card.count} images"] if lacking else []

    def faults(self):
        return []

    def read(self, image_id):
        grey, label = np.load(self.folder / f"{image_id}.npy")
        return self.sample(image_id, (grey / 255).astype(np.float32)[None], label > 0)

    def sample(self, image_id, image, truth):
        return Sample(image_id, image, truth, None, image_id)

    def data_hash(self):
        return digest([file_sha256(self.folder / f"{member.image_id}.npy") for member in self.members])


@pytest.fixture
def checked(tmp_path, monkeypatch):
    """Return a function that checks an adapter class on six small files, of a card with changes."""
    folder = tmp_path / "odd"
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(COUNT):
        pixels = random.integers(0, 256, (2, *SHAPE), dtype=np.uint8)
        pixels[1] = pixels[0] > 200
        np.save(folder / f"{index}.npy", pixels)
    card = Card(
        schema=1, name="odd", version=1, title="odd", adapter="odd", connectivity=8, phase="regions", count=COUNT,
        shapes=(SHAPE,), folds={"rule": "contiguous", "count": 3}, licence="none", redistributable=False,
    )  # fmt: skip
    monkeypatch.setitem(registry.BUILTINS["adapters"], "odd", f"{__name__}:Odd")

    def check(maker, partial=False, **changes):
        monkeypatch.setattr(sys.modules[__name__], "Odd", maker, raising=False)
        return check_adapter(card.model_copy(update=changes), tmp_path, partial=partial)

    return check


def test_a_sound_adapter_of_somebodys_own_needs_no_base_class(checked):
    report = checked(Sound)
    assert report.failed == (), report
    assert list(report.counts()) == [rule.name for rule in RULES]
    cases = {rule.name: [check.case for check in report.checks if check.rule == rule.name] for rule in RULES}
    assert cases["gives samples"] == ["0 (1 of 6)", "1 (2 of 6)", "2 (3 of 6)", "4 (5 of 6)", "5 (6 of 6)"]
    assert cases["structure and background"] == ["5 of 6 images"]
    assert cases["folds are disjoint"] == ["fold 0", "fold 1", "fold 2", "all"]


def giving(**changed):
    """An adapter whose samples differ from sound ones; each change is a function of the sound part."""

    class Giving(Sound):
        def sample(self, image_id, image, truth):
            parts = {"image_id": image_id, "image": image, "truth": truth, "valid": truth, "unit": image_id}
            sound = {**parts, "valid": None}
            return Sample(**{**sound, **{name: change(parts[name]) for name, change in changed.items()}})

    return Giving


class AllStructure(Sound):
    def sample(self, image_id, image, truth):
        return Sample(image_id, image, np.ones_like(truth), None, image_id)


class WithoutHash:
    members = ()
    missing = faults = read = list

    def __init__(self, card, folder):
        pass


class WithList(Sound):
    def __init__(self, card, folder):
        super().__init__(card, folder)
        self.members = list(self.members)


class NumberedIds(Sound):
    def __init__(self, card, folder):
        super().__init__(card, folder)
        self.members = tuple(Member(int(member.image_id), "", "") for member in self.members)


class OneText(Sound):
    def faults(self):
        return ""


class WantsFiles(Sound):
    def __init__(self, card, folder):
        super().__init__(card, folder)
        self.first = min(folder.iterdir())


class SilentWhenEmpty(Sound):
    def missing(self):
        return []


class AlwaysThere(Sound):
    def __init__(self, card, folder):
        super().__init__(card, folder)
        self.members = tuple(Member(str(index), "", str(index)) for index in range(card.count))


class NamesAndCounts(AlwaysThere):
    def missing(self):
        return [] if (self.folder / "0.npy").is_file() else ["0.npy"]


class FaultOfNothing(Sound):
    def faults(self):
        return [] if self.members else [f"{self.folder} has no image"]


class Fewer(Sound):
    def __init__(self, card, folder):
        super().__init__(card, folder)
        self.members = self.members[:5]

    def missing(self):
        return [] if self.members else ["all images"]


class Lonely(Sound):
    def faults(self):
        return [f"{name}.npy has no label" for name in range(7)] if self.members else []


def of_members(change):
    class Changed(Sound):
        def __init__(self, card, folder):
            super().__init__(card, folder)
            self.members = tuple(change(member) for member in self.members)

        def read(self, image_id):
            return super().read(image_id or "5")

    return Changed


class GivesPairs(Sound):
    def sample(self, image_id, image, truth):
        return image, truth


class Damaged(Sound):
    def read(self, image_id):
        if image_id == "2":
            raise DataError("2.npy is damaged")
        return super().read(image_id)


class Draws(Sound):
    def sample(self, image_id, image, truth):
        return Sample(image_id, image * np.float32(1 / (1 + next(TICKS))), truth, None, image_id)


class Remembers(Sound):
    """Scales every image by the number of the one that was asked for first."""

    def read(self, image_id):
        self.first = getattr(self, "first", image_id)
        return super().read(image_id)

    def sample(self, image_id, image, truth):
        return Sample(image_id, image / np.float32(1 + int(self.first)), truth, None, image_id)


class AnyOrder(Sound):
    def __init__(self, card, folder):
        super().__init__(card, folder)
        self.members = self.members[:: 1 - 2 * (next(TICKS) % 2)]


class Keeps(Sound):
    def read(self, image_id):
        self.kept = getattr(self, "kept", {})
        self.kept[image_id] = self.kept.get(image_id) or super().read(image_id)
        return self.kept[image_id]


class HashOfTime(Sound):
    def data_hash(self):
        return digest(next(TICKS))


class ShortHash(Sound):
    def data_hash(self):
        return "d41d8cd98f00b204e9800998ecf8427e"


class HoldsOpen(Sound):
    def read(self, image_id):
        self.file = (self.folder / "0.npy").open("rb")
        return super().read(image_id)


class Forgets(Sound):
    light = 1

    def __init__(self, card, folder):
        super().__init__(card, folder)
        self.light = 2

    def __getstate__(self):
        return {key: value for key, value in self.__dict__.items() if key != "light"}

    def sample(self, image_id, image, truth):
        return Sample(image_id, image / np.float32(self.light), truth, None, image_id)


def cut(member):
    return Member("1" if member.image_id == "0" else member.image_id, "", member.unit)


@pytest.mark.parametrize(
    ("adapter", "rule", "reason"),
    [
        (WithoutHash, "is made", "the WithoutHash has no method data_hash"),
        (WithList, "is made", "its members are no tuple of topobench.types.Member"),
        (NumberedIds, "is made", "id, part and unit must be texts"),
        (OneText, "is made", "faults() returns ''; it must return a list of texts"),
        (WantsFiles, "is made", "raises FileNotFoundError"),
        (SilentWhenEmpty, "is made", "there are no members and missing() names nothing"),
        (AlwaysThere, "is made", "missing() names nothing, and read() raises FileNotFoundError"),
        (NamesAndCounts, "is made", "it has 6 members; those whose files are missing must not be among them"),
        (FaultOfNothing, "is made", "none has no image; it belongs into missing()"),
        (Fewer, "agrees with its card", "there are 5 members, and the card's count is 6"),
        (Lonely, "agrees with its card", "faults() names 0.npy has no label; 1.npy has no label; 2.npy has no label;"),
        (
            of_members(lambda member: Member(member.image_id, "", "")),
            "agrees with its card",
            "0; 1; 2; 3; 4 and 1 more have no unit",
        ),
        (of_members(cut), "agrees with its card", "2 images have the id '1'"),
        (GivesPairs, "gives samples", "read() returns a tuple; it must return a topobench.types.Sample"),
        (Damaged, "gives samples", "raises DataError: 2.npy is damaged"),
        (giving(unit=lambda unit: "all"), "gives samples", "has the id '0' and the unit 'all', its member '0' and '0'"),
        (giving(image=lambda image: image.astype(float)), "gives samples", "the image is of dtype float64"),
        (giving(image=lambda image: image.tolist()), "gives samples", "the image is a list"),
        (giving(image=lambda image: image[0]), "gives samples", "has the shape (20, 24); it must be (1, H, W)"),
        (
            giving(image=lambda image: image.repeat(3, 0)),
            "gives samples",
            "has the shape (3, 20, 24); it must be (1, H, W)",
        ),
        (
            giving(image=lambda image: image * np.float32(255)),
            "gives samples",
            "values in [0, 255]; they must lie in [0, 1]",
        ),
        (
            giving(image=lambda image: image[..., 1:], truth=lambda truth: truth[:, 1:]),
            "gives samples",
            "(20, 23); the card",
        ),
        (giving(truth=lambda truth: truth.astype(np.uint8)), "gives samples", "the truth is of dtype uint8"),
        (giving(truth=lambda truth: truth.T), "gives samples", "the truth has the shape (24, 20), the image (20, 24)"),
        (giving(valid=lambda truth: np.zeros_like(truth)), "gives samples", "no pixel is valid"),
        (giving(valid=lambda truth: 1.0 * truth), "gives samples", "the validity is of dtype float64"),
        (AllStructure, "structure and background", "all 2400 valid pixels of the truths are structure"),
        (
            giving(truth=np.zeros_like),
            "structure and background",
            "structure may have a value or a channel that is not read",
        ),
        (giving(valid=lambda truth: truth), "structure and background", "valid pixels of the truths are structure"),
        (Draws, "read again", "read a second time, it has another image"),
        (Remembers, "read again", "5, read from an adapter newly made and in another order, has another image"),
        (AnyOrder, "read again", "has other members, or in another order; sort what a folder lists"),
        (Keeps, "own arrays", "after writing into the sample, it is read with another image; hand out copies"),
        (
            of_members(lambda member: Member(member.image_id, "", "all")),
            "folds are disjoint",
            "6 images of 1 units cannot make 3",
        ),
        (HashOfTime, "hash repeats", "two adapters of one card and folder have the hashes"),
        (ShortHash, "hash repeats", "data_hash() returns 'd41d8cd98f00b204e9800998ecf8427e'; it must be the 64"),
        (HoldsOpen, "travels pickled", "it cannot be pickled (TypeError: cannot pickle"),
        (Forgets, "travels pickled", "once pickled, it reads 0 with another image"),
    ],
)
def test_mutants_get_a_sentence(checked, adapter, rule, reason):
    report = checked(adapter)
    assert any(reason in sentence for sentence in report.reasons(rule)), report


@pytest.mark.parametrize("adapter", [WantsFiles, Fewer, Keeps, HashOfTime, Forgets, AllStructure])
def test_a_fault_fails_one_rule_alone(checked, adapter):
    assert len({check.rule for check in checked(adapter).failed}) == 1


def test_of_an_adapter_that_cannot_be_made_only_that_is_said(checked):
    class Wants(Sound):
        def __init__(self, card, folder, gamma: float):
            super().__init__(card, folder)

    report = checked(Wants)
    assert {check.rule for check in report.checks} == {"is made"}
    assert "key 'gamma' is missing" in report.checks[0].reason


def test_what_could_not_be_read_is_said_once(checked):
    report = checked(Damaged)
    assert [(check.rule, check.case) for check in report.failed] == [("gives samples", "2 (3 of 6)")]
    left = [check.reason for check in report.checks if check.status == "not claimed"]
    assert all(reason.endswith("could not be read, as the rule 'gives samples' says.") for reason in left), left
    assert report.counts()["own arrays"] == {"passed": 4, "failed": 0, "not claimed": 1}


def test_data_that_are_not_there_are_one_sentence(checked, tmp_path):
    with pytest.raises(DataError, match=r"nothing of data set 'drive' is in .*Register at the home page"):
        check_adapter(load_card("drive"), tmp_path)
    with pytest.raises(UnknownNameError, match="no adapter is named 'odd2'"):
        checked(Sound, adapter="odd2")


def test_what_is_missing_is_one_failure_and_none_where_a_part_is_enough(checked):
    changes = {"count": 8, "folds": load_card("drive:official").folds, "access": "Ask us."}
    report = checked(Sound, **changes)
    assert [(check.rule, check.case) for check in report.failed] == [("agrees with its card", "what is missing")]
    assert report.failed[0].reason.startswith(
        "missing() names 2 of 8 images. Ask us. To check with the images that are"
    )
    assert {check.rule for check in report.checks if check.status == "not claimed"} == {
        "agrees with its card",
        "folds are disjoint",
    }
    assert checked(Sound, partial=True, **changes).failed == ()


@pytest.mark.parametrize(
    ("folds", "reason"),
    [
        ((["0", "1"], ["1", "2"]), "it both trains on and scores 1."),
        ((["0", "1", "2"], ["3", "4", "5"]), "more than one fold scores 3; 4; 5."),
        (([], ["0", "1"]), "no fold scores 2; 3; 4; 5."),
    ],
)
def test_folds_that_overlap_or_leave_out(checked, monkeypatch, folds, reason):
    monkeypatch.setattr(Dataset, "fold", lambda self, index: folds if index < 1 or "more" in reason else ([], []))
    assert reason in checked(Sound).reasons("folds are disjoint")


def test_a_unit_that_is_cut_in_two(checked, monkeypatch):
    pairs = of_members(lambda member: Member(member.image_id, "", str(int(member.image_id) // 2)))
    monkeypatch.setattr(Dataset, "fold", lambda self, index: (["0", "2", "3", "4", "5"], ["1"]))
    assert "it cuts the unit '0' in two, which rule 'contiguous' must not." in checked(pairs).reasons(
        "folds are disjoint"
    )
