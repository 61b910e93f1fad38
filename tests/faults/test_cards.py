"""FAULTS rows 22 and 23: cards that are wrong, and folds that overlap, are empty or name what is not there."""

import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from topobench import cards
from topobench.cards import Folds, ListedFold, Units
from topobench.data.dataset import open_adapter
from topobench.data.folds import split
from topobench.data.samples import member_of
from topobench.errors import ArgumentError, CardError
from topobench.types import Member

TEXT = (ROOT / "datasets" / "drive.toml").read_text(encoding="utf-8")


def faulty(tmp_path, before, after):
    assert before in TEXT
    path = tmp_path / "drive.toml"
    path.write_text(TEXT.replace(before, after, 1), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("licence", "license", r"unknown key 'license' \(did you mean 'licence'\?\); |key 'licence' is missing"),
        ("count = 20", 'count = "20"', r"'count' is '20': input should be a valid integer"),
        ('adapter = "paired_folders"\n', "", r"key 'adapter' is missing"),
        ("connectivity = 8", "connectivity = 6", r"'connectivity' is 6: input should be 4 or 8"),
        ('rule = "mask"', 'rule = "colour"', r"validity: the rule 'colour' wants 'colour' and 'smallest'"),
        ("schema = 1", "schema = = 1", r"is not valid TOML"),
        ('name = "drive"', 'name = "../drive"', r"'name' is '../drive'"),
        ('name = "drive"', 'name = "a/b"', r"'name' is 'a/b'"),
        ('name = "drive"', 'name = "stare"', r"names itself 'stare'; the name and the file must agree: stare\.toml"),
        ('name = "drive"', 'name = "drive"\nname = "drive"', r"is not valid TOML: Cannot overwrite a value"),
    ],
)
def test_22_a_wrong_card_is_named_with_file_key_and_nearest(tmp_path, before, after, sentence):
    path = faulty(tmp_path, before, after)
    with pytest.raises(CardError, match=sentence) as error:
        cards.load_card(path)
    assert path in str(error.value)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (
            'adapter = "paired_folders"',
            'adapter = "paired_folder"',
            r"no adapter is named 'paired_folder' \(did you mean",
        ),
        ("images = ", "image = ", r"unknown key 'parts.0.image' \(did you mean 'images'\?\)"),
        ("{id}_training.tif", "{name}_training.tif", r"must be a path within the folder, with one \{id\} in its name"),
        (
            'images = "training',
            'images = "../training',
            r"the pattern '\.\./training/.*must be a path within the folder",
        ),
        ('images = "training', 'images = "/training', r"the pattern '/training/.*must be a path within the folder"),
        ("count = 20\n\n[variants", "count = 21\n\n[variants", r"count is 20, but its parts' counts are not as many"),
    ],
)
def test_22_a_wrong_layout_is_named(tmp_path, before, after, sentence):
    path = faulty(tmp_path, before, after)
    with pytest.raises(Exception, match=sentence) as error:
        open_adapter(cards.load_card(path), tmp_path)
    assert "drive" in str(error.value) or "adapter" in str(error.value)


def test_22_what_is_not_utf8(tmp_path):
    path = tmp_path / "drive.toml"
    path.write_bytes(TEXT.replace("Staal", "Sta\xe4l").encode("latin-1"))
    with pytest.raises(CardError, match=r"drive\.toml is not UTF-8 \(byte \d+\); save it as UTF-8"):
        cards.load_card(str(path))


def test_22_a_variant_that_is_wrong_or_not_there(tmp_path):
    path = faulty(tmp_path, "[variants.official.folds]\n", "[variants.official.fold]\n")
    assert cards.load_card(path).name == "drive"  # costs only who asks for the variant
    with pytest.raises(CardError, match=r"the variant 'official' of .*unknown key 'fold' \(did you mean 'folds'\?\)"):
        cards.load_card(f"{path}:official")
    with pytest.raises(CardError, match=r"has no variant 'offical'; it has: official"):
        cards.load_card(f"{path}:offical")


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("[variants.official]", "[variants.bad]\nlayout = 3\n\n[variants.official]", "'layout' is 3: input should be"),
        ("[variants.official]", "[variants]\nbad = 3\n\n[variants.official]", "has no variant 'bad'; it has: official"),
        ("outside = [0]", "outside = [0, 255]", r"validity: \[255\] stand both in 'inside' and in 'outside'"),
        (
            'rule = "mask"\ninside = [255]\noutside = [0]', 'rule = "colour"\ncolour = [255]\nsmallest = 9',
            "validity: the colour has 1 values, the images 3",
        ),
    ],
)  # fmt: skip
def test_22_more_that_is_wrong(tmp_path, before, after, sentence):
    path = faulty(tmp_path, before, after)
    with pytest.raises(CardError, match=sentence):
        cards.load_card(f"{path}:bad" if "bad" in after else path)


def test_22_the_others_are_still_listed(tmp_path):
    """In a copy of the checkout, three cards are broken: the rest is listed, and each fault said once."""
    copy = tmp_path / "checkout"
    for name in ("topobench", "datasets", "baselines", "protocols"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    (copy / "datasets" / "drive.toml").write_text(TEXT.replace("count = 20", "cuont = 20", 1))
    (copy / "datasets" / "stare.toml").write_text("not toml at all")
    (copy / "datasets" / "cremi.toml").write_bytes(b"\xff\xfe")
    result = subprocess.run(
        [sys.executable, "-m", "topobench", "list", "datasets"], capture_output=True, text=True, cwd=copy
    )
    assert result.returncode == 1
    assert "isbi2012" in result.stdout
    assert "topomortar:noisy" in result.stdout
    assert "unknown key 'cuont' (did you mean 'count'?)" in result.stderr
    assert result.stderr.count("stare.toml is not valid TOML") == 1
    assert result.stderr.count("cremi.toml is not UTF-8") == 1
    assert "Traceback" not in result.stderr


MEMBERS = [Member(f"{part}-{index}", part, f"unit-{index // 2}") for part in ("train", "test") for index in range(4)]


def listed(*folds):
    return Folds(rule="listed", listed=tuple(ListedFold(score=score, train=train) for score, train in folds))


def test_23_listed_folds_are_taken_as_they_are():
    folds = listed((("test-0", "test-1"), ()), (("test-2",), ("train-0", "train-1")))
    train, scored = split(MEMBERS, folds, 0)
    assert scored == ["test-0", "test-1"]
    assert len(train) == 6
    assert split(MEMBERS, folds, 1) == (["train-0", "train-1"], ["test-2"])


@pytest.mark.parametrize(
    ("folds", "sentence"),
    [
        (listed((("test-0",), ()), (("test-1", "test-0"), ())), "fold 1 scores images that another one scores, too"),
        (listed((("test-0", "test-9"), ())), "fold 0 names images that are not in the data: test-9"),
        (listed((("test-0", "test-1", "test-0"), ())), "fold 0 scores images twice: test-0"),
        (listed((("test-0",), ("test-0", "train-1"))), "fold 0 both trains on and scores test-0"),
        (listed((tuple(member.image_id for member in MEMBERS), ())), "fold 0 has nothing to train on: there are 8"),
        (Folds(rule="parts", train=("train",), score=("val",)), "the part 'val', of which there is no image"),
        (Folds(rule="contiguous", count=5), "8 images of 2 units cannot make 5 folds: some would be empty"),
    ],
)  # fmt: skip
def test_23_folds_that_cannot_be(folds, sentence):
    with pytest.raises(CardError, match=sentence):
        split(MEMBERS, folds, 0)


def test_23_crops_of_a_photograph_stay_together_whatever_their_part():
    card = cards.load_card("deepcrack")
    units = [member_of(card, "11122-5", "train").unit, member_of(card, "11122-6", "test").unit]
    assert units == ["11122", "11122"]
    blocks = card.model_copy(update={"units": Units(block=5)})
    assert member_of(blocks, "07", "A").unit != member_of(blocks, "07", "B").unit  # sections of two volumes
    for pattern, name in (("^(q)?", "11122"), ("^(q)", "11122")):
        wrong = card.model_copy(update={"units": Units(pattern=pattern)})
        with pytest.raises(CardError, match="is not found in '11122'"):
            member_of(wrong, name)
    with pytest.raises(CardError, match="makes units of neighbours, but 'IMG_a' does not end in a number"):
        member_of(blocks, "IMG_a")


def test_23_folds_that_no_card_may_hold():
    for wrong, sentence in (
        ({"rule": "listed", "listed": [{"score": []}]}, "at least 1 item"),
        ({"rule": "parts", "train": ["a", "b"], "score": ["b"]}, r"the parts \['b'\] are both trained on and scored"),
        ({"rule": "listed"}, "folds: the rule 'listed' wants 'listed'"),
        ({"rule": "shuffled", "count": 3}, "folds: the rule 'shuffled' wants 'seed'"),
    ):
        with pytest.raises(ValueError, match=sentence):
            Folds.model_validate(wrong)


def test_23_a_fold_that_does_not_exist():
    with pytest.raises(ArgumentError, match="fold 1 does not exist; the card has one fold, 0"):
        split(MEMBERS, Folds(rule="parts", train=("train",), score=("test",)), 1)


def test_shuffled_folds_follow_the_seed_and_keep_units_together():
    folds = [Folds(rule="shuffled", count=2, seed=seed) for seed in range(12)]
    members = [Member(str(index), "", str(index // 3)) for index in range(30)]
    assert split(members, folds[0], 0) == split(members, folds[0], 0)
    assert len({tuple(split(members, fold, 0)[1]) for fold in folds}) > 6
    for fold in folds:
        train, scored = split(members, fold, 0)
        assert not {int(name) // 3 for name in train} & {int(name) // 3 for name in scored}
        assert abs(len(train) - len(scored)) <= 3
