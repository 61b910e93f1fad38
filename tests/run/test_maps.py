"""Maps that are kept: rounding never crosses 0.5, and what is read is what the run gave or is refused."""

import io
import re
import shutil
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from tests.strategies import masks, shapes
from topobench.data.folders import FolderOfPredictions, file_stem
from topobench.errors import DataError, RunError
from topobench.run.maps import keep_map, levels_of, read_map
from topobench.types import Sample

HALF = [np.nextafter(np.float64(0.5), side) for side in (0, 1)]
HALF += [float(np.nextafter(np.float32(0.5), np.float32(side))) for side in (0, 1)]


@st.composite
def likelihoods(draw):
    """Likelihoods of every float that a network gives, with many values beside 0.5, 0 and 1."""
    width = draw(st.sampled_from([16, 32, 64]))
    kept = [value for value in (0.0, 0.5, 1.0, *HALF) if float(np.dtype(f"f{width // 8}").type(value)) == value]
    beside = [float(np.nextafter(np.dtype(f"f{width // 8}").type(v), np.dtype(f"f{width // 8}").type(1 - v)))
              for v in (0, 1)]  # fmt: skip
    elements = st.one_of(st.sampled_from([*kept, *beside]), st.floats(0, 1, width=width))
    return draw(npst.arrays(np.dtype(f"f{width // 8}"), draw(shapes), elements=elements))


@given(likelihoods())
def test_rounding_never_crosses_one_half(likelihood):
    levels = levels_of(likelihood)
    kept = levels / np.float32(255)
    assert np.array_equal(levels >= 128, likelihood >= 0.5)
    assert np.array_equal(kept >= 0.5, likelihood >= 0.5)
    error = np.abs(levels / 255 - likelihood.astype(float)).max()
    assert error <= (0.5 if levels.max() > 1 else 1.5) / 255 + 1e-12


@pytest.mark.parametrize("value", HALF)
def test_the_neighbours_of_one_half_stay_on_their_side(value):
    assert levels_of(np.full((1, 1), value)) == (128 if value > 0.5 else 127)


def test_every_level_comes_back(tmp_path):
    levels = np.arange(256, dtype=np.uint8).reshape(4, 64)
    assert np.array_equal(levels_of(levels / np.float32(255)), levels)
    sha256 = keep_map(tmp_path, "a", levels / 255)
    assert np.array_equal(read_map(tmp_path, "a", sha256), levels / np.float32(255))
    assert read_map(tmp_path, "a", sha256).dtype == np.float32


@given(masks)
def test_masks_come_back_as_they_are(mask):
    assert np.array_equal(levels_of(mask), 255 * mask.astype(int))


def test_what_is_all_but_empty_is_not_read_as_a_mask(tmp_path):
    """A picture of the levels 0 and 1 could be a mask; likelihoods of at most 1/170 are kept as 0."""
    likelihood = np.full((5, 4), 0.004)
    sha256 = keep_map(tmp_path, "a", likelihood)
    assert not read_map(tmp_path, "a", sha256).any()
    sample = Sample("a", np.zeros((1, 5, 4), np.float32), np.zeros((5, 4), bool))
    assert not FolderOfPredictions(tmp_path, ["a"])(sample).any()


@pytest.mark.parametrize(
    ("likelihood", "said"),
    [
        (np.full((2, 3), np.nan), r"values in \[nan, nan\]; they must be within \[0, 1\]"),
        (np.array([[0.2, np.nan]]), "without NaN"),
        (np.array([[0.2, 1.5]]), r"values in \[0\.2, 1\.5\]"),
        (np.array([[-1e-9, 0.5]]), r"values in \[-1e-09, 0\.5\]"),
        (np.array([[np.inf]]), r"\[inf, inf\]"),
        (np.array([[7, 0]]), r"\[0\.0, 7\.0\]"),
        (np.zeros((0, 3)), r"has the shape \(0, 3\); it must be \(H, W\)"),
        (np.zeros((1, 2, 3)), r"has the shape \(1, 2, 3\)"),
    ],
)
def test_what_is_no_likelihood_is_refused(tmp_path, likelihood, said):
    with pytest.raises(RunError, match=said):
        keep_map(tmp_path, "a", likelihood)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def kept(tmp_path):
    """The path of a kept map, and its sha256."""
    likelihood = np.random.default_rng(0).random((30, 20))
    return tmp_path / "a.png", keep_map(tmp_path, "a", likelihood)


def edited(path):
    levels = np.array(Image.open(path))
    levels[3, 4] ^= 1
    Image.fromarray(levels).save(path)


DAMAGE = {
    "missing": (lambda path: path.unlink(), "is missing; the record says that this map was kept"),
    "a folder": (lambda path: path.unlink() or path.mkdir(), "is missing"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-100]), "cannot be read as an image"),
    "empty": (lambda path: path.write_bytes(b""), "cannot be read as an image"),
    "edited": (edited, "its sha256 is not the one in the record"),
    "turned": (lambda path: Image.fromarray(np.array(Image.open(path)).T.copy()).save(path), r"shape \(20, 30\)"),
    "of the same bytes in another shape": (
        lambda path: Image.fromarray(np.array(Image.open(path)).reshape(20, 30)).save(path), r"shape \(20, 30\)",
    ),
    "16 bit": (
        lambda path: Image.fromarray(np.array(Image.open(path)).astype(np.uint16) * 257).save(path), "is uint16",
    ),
    "1 bit": (lambda path: Image.fromarray(np.array(Image.open(path)) > 99).save(path), "is bool"),
    "coloured": (lambda path: Image.open(path).convert("RGB").save(path), "has the mode RGB"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_map_that_is_not_the_runs_is_refused_by_name(kept, kind):
    path, sha256 = kept
    damage, said = DAMAGE[kind]
    damage(path)
    with pytest.raises(DataError, match=f"^{re.escape(str(path))}.*{said}"):
        read_map(path.parent, "a", sha256)


def test_a_map_that_was_packed_anew_is_the_same(kept):
    path, sha256 = kept
    wanted, before = read_map(path.parent, "a", sha256), path.read_bytes()
    Image.open(io.BytesIO(before)).save(path, compress_level=0)
    assert path.read_bytes() != before
    assert np.array_equal(read_map(path.parent, "a", sha256), wanted)


IDS = [
    "a", "a ", " a", "a/b", "a%2Fb", "a%252Fb", "a\\b", "..", ".", "...", "../a", "/etc/passwd", ".hidden", "%2Ehidden",
    "Schnitt-\N{LATIN SMALL LETTER E WITH ACUTE}", "Schnitt-e\N{COMBINING ACUTE ACCENT}",
    "\N{CJK UNIFIED IDEOGRAPH-5207}" * 80, "\N{CJK UNIFIED IDEOGRAPH-5207}" * 79, "x" * 150, "x" * 151, "x" * 250 + "y",
    "x" * 250, "a.png", "a.png.gz", "a:b", "a*", "a?", 'a"b', "a|b", "a\nb", "a\0b", "!", "",
]  # fmt: skip


def test_strange_ids_stay_in_the_folder_and_apart(tmp_path):
    folder = tmp_path / "out" / "predictions"
    kept = {name: keep_map(folder, name, np.full((3, 2), k / 255)) for k, name in enumerate(IDS, start=2)}
    assert len({path.name for path in folder.iterdir()}) == len(IDS)
    assert [path.name for path in tmp_path.rglob("*") if not path.is_relative_to(folder)] == ["out"]
    for k, name in enumerate(IDS, start=2):
        assert np.array_equal(read_map(folder, name, kept[name]), np.full((3, 2), np.float32(k) / np.float32(255)))
    predict = FolderOfPredictions(folder, IDS)  # as `topobench score` reads them
    for k, name in enumerate(IDS, start=2):
        sample = Sample(name, np.zeros((1, 3, 2), np.float32), np.zeros((3, 2), bool))
        assert np.array_equal(predict(sample), np.full((3, 2), np.float32(k) / np.float32(255))), name
    shutil.rmtree(folder)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_names_of_files_are_plain_and_lead_back_to_the_id(image_id):
    name = file_stem(image_id)
    assert re.fullmatch(r"[\w %()+,@=~!.-]{1,150}", name, re.ASCII)
    assert name[0] != "."
    assert unquote(name) == image_id or name[-33] == "!"


def test_ids_as_most_are_name_their_files():
    for image_id in ("section-07", "image_3 (left)", "p1.left+2,@=~"):
        assert file_stem(image_id) == image_id
