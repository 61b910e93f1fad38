"""Folders of one's own images and masks: what is found in them, and the card that follows."""

import numpy as np
import pytest
from PIL import Image

from topobench.cards import Labels, load_card
from topobench.data.dataset import open_card
from topobench.data.own import binary_labels, card_of, card_text, guessed_labels, slug
from topobench.data.survey import survey
from topobench.errors import ArgumentError, DataError


def write(folder, names, values=(0, 255), suffix=".png", seed=0, channels=1, shape=(20, 24)):
    """Write images of random pixels from `values`, every name one; a tenth of the pixels has another than the first."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    for name in names:
        pixels = np.where(random.random(shape) < 0.9, values[0], random.choice(values[1:], shape))
        pixels = pixels.astype(np.uint8 if max(values) < 256 else np.uint16)
        Image.fromarray(np.stack([pixels] * 3, axis=-1) if channels == 3 else pixels).save(folder / f"{name}{suffix}")
    return folder


@pytest.fixture
def plain(tmp_path):
    return write(tmp_path / "set" / "images", "abc", range(1, 200)), write(tmp_path / "set" / "masks", "abc")


def test_a_survey_says_what_there_is(plain):
    found = survey(*plain)
    assert (found.count, found.shapes, found.channels, found.lossy) == (3, ((20, 24),), 1, False)
    assert found.patterns == ("images/{id}.png", "masks/{id}.png")
    assert found.folder == plain[0].parent.resolve()
    assert set(found.values) == {0, 255}
    assert found.values.total() == 3 * 20 * 24


@pytest.mark.parametrize(
    ("images", "masks", "patterns"),
    [
        (["a", "b", "c"], ["a_mask", "b_mask", "c_mask"], ("i/{id}.png", "m/{id}_mask.png")),
        (["21_training", "22_training"], ["21_manual1", "22_manual1"], ("i/{id}_training.png", "m/{id}_manual1.png")),
        (["image_10", "image_11"], ["label_10", "label_11"], ("i/image_{id}.png", "m/label_{id}.png")),
        (["scan-1", "scan-2"], ["scan-1", "scan-2"], ("i/{id}.png", "m/{id}.png")),
    ],
)
def test_names_are_paired_but_for_what_all_have_in_common(tmp_path, images, masks, patterns):
    found = survey(write(tmp_path / "i", images), write(tmp_path / "m", masks))
    assert found.patterns == patterns
    dataset = open_card(card_of("mine", found, binary_labels(found)))
    assert len(dataset) == len(images)


def test_suffixes_may_be_mixed(tmp_path):
    write(tmp_path / "i", "ab")
    write(tmp_path / "i", "c", suffix=".tif")
    found = survey(tmp_path / "i", write(tmp_path / "m", "abc"))
    assert found.patterns == ("i/{id}.*", "m/{id}.png")
    assert len(open_card(card_of("mine", found, binary_labels(found)))) == 3


def test_what_lacks_its_partner_is_listed(tmp_path):
    images, masks = write(tmp_path / "i", "abcdefghijklmn"), write(tmp_path / "m", "abz")
    with pytest.raises(DataError) as error:
        survey(images, masks)
    assert str(error.value).count("has no partner in") == 10
    assert "; and 3 more. Give an image and its mask one name, or write a card" in str(error.value)


def test_sizes_and_channels_that_differ_are_named(tmp_path, plain):
    write(plain[1], "b", shape=(20, 23))
    with pytest.raises(DataError, match=r"masks/b\.png has the shape \(20, 23\), .*images/b\.png \(20, 24\)"):
        survey(*plain)
    write(plain[1], "b")
    write(plain[0], "b", channels=3)
    with pytest.raises(DataError, match=r"have \[1, 3\] channels; all must have the same number"):
        survey(*plain)


def test_masks_of_two_values_and_no_others(tmp_path, plain):
    for values, structure in (((0, 255), 255), ((0, 1), 1), ((0, 65535), 65535)):
        write(plain[1], "abc", values)
        assert binary_labels(survey(*plain)) == Labels(rule="values", structure=(structure,), background=(0,))
    for values, strange in (((0, 7), 7), ((0, 1, 255), 1), ((3, 255), 3)):
        write(plain[1], "abc", values)
        wanted = rf"such as \[.*\(a\.png has {strange}\); wanted are two: 0 and 1, .*topobench data new"
        with pytest.raises(DataError, match=wanted):
            binary_labels(survey(*plain))
    write(plain[1], "abc", (0, 0))
    with pytest.raises(DataError, match="all masks hold the value 0 alone"):
        binary_labels(survey(*plain))


def test_guesses_of_what_is_structure(tmp_path, plain):
    write(plain[1], "abc", (255, 0))  # membranes that are 0, as in ISBI 2012
    assert guessed_labels(survey(*plain)) == Labels(rule="values", structure=(0,), background=(255,))
    write(plain[1], "abc", (1, 2, 3, 4))
    assert guessed_labels(survey(*plain)) == Labels(rule="values", structure=(2, 3, 4), background=(1,))
    write(plain[1], "abc", range(1, 90))
    assert guessed_labels(survey(*plain)) == Labels(rule="ids", thickness=2)
    write(plain[1], "abc", (0, 255), suffix=".jpg")
    for name in "abc":
        (plain[1] / f"{name}.png").unlink()
    assert guessed_labels(survey(*plain)) == Labels(rule="threshold", above=127)


def test_instance_labels_have_0_between_them(tmp_path, plain):
    write(plain[1], "abc", range(90))
    assert guessed_labels(survey(*plain)) == Labels(rule="ids", thickness=2, structure=(0,))


def test_what_cannot_be_told_is_said(tmp_path, plain):
    with pytest.raises(ArgumentError, match=r"images and masks lie in one folder, .*; put them apart"):
        survey(plain[0], plain[0] / ".." / "images")
    write(plain[1], "abc", (128, 128))
    with pytest.raises(DataError, match="all masks hold the value 128 alone; there is nothing to tell structure by"):
        guessed_labels(survey(*plain))
    for name in "abc":
        (plain[1] / f"{name}.png").unlink()
        np.save(plain[1] / f"{name}.npy", np.full((20, 24), -1, np.int16))
    with pytest.raises(DataError, match=r"a\.npy holds int16 from -1 on; a mask holds whole numbers from 0 on"):
        survey(*plain)
    np.save(plain[1] / "a.npy", np.zeros((0, 24), np.uint8))
    with pytest.raises(DataError, match=r"a\.npy declares an image of 0 x 24 uint8, which is empty"):
        survey(*plain)
    for name in "abc":
        (plain[0] / f"{name}.png").unlink()
        np.save(plain[0] / f"{name}.npy", np.full((20, 24), 200.0))
    with pytest.raises(DataError, match=r"a\.npy holds float64 in \[200.0, 200.0\]; wanted are bool"):
        survey(*plain)


def test_folders_below_are_not_searched(tmp_path, plain):
    (tmp_path / "above" / "images").mkdir(parents=True)
    with pytest.raises(DataError, match=r"above holds no image .*; it holds 1 folders, which are not searched"):
        survey(tmp_path / "above", plain[1])


def test_awkward_names(tmp_path):
    """A common beginning and end that would overlap; a suffix in capitals; a folder with quotes and DEL in its name."""
    folder = tmp_path / 'it\'s "mine" \\ \x7f ö'
    images, masks = write(folder / "i", ["a_b", "a_c_b"]), write(folder / "m", ["m_a_b", "m_a_c_b"])
    for path in (*images.iterdir(), *masks.iterdir()):
        path.rename(path.with_suffix(".PNG"))
    found = survey(images, masks)
    card = card_of("mine", found, binary_labels(found))
    assert len(open_card(card)) == 2
    (tmp_path / "mine.toml").write_text(card_text(card, found), encoding="utf-8")
    assert len(open_card(load_card(str(tmp_path / "mine.toml")))) == 2


def test_a_card_written_and_read_is_the_same(tmp_path, plain):
    valid = write(tmp_path / "set" / "fov", "abc", (255, 0))
    found = survey(*plain, valid)
    card = card_of("mine", found, guessed_labels(found), 4, "structure")
    path = tmp_path / "mine.toml"
    text = card_text(card, found)
    path.write_text(text, encoding="utf-8")
    read = load_card(str(path))
    assert read.model_dump(exclude={"layout"}) == card.model_dump(exclude={"layout"})
    assert read.layout == card.layout
    assert "# CHECK: which label values mean structure? Found, over all masks:\n# 0: 9" in text
    sample = open_card(read)["b"]
    assert sample.valid is not None
    assert sample.truth.shape == (20, 24)


def test_one_image_makes_no_folds(tmp_path):
    found = survey(write(tmp_path / "i", "a"), write(tmp_path / "m", "a"))
    with pytest.raises(ArgumentError, match="holds one image; at least 2 are wanted"):
        card_of("mine", found, binary_labels(found))
    two = survey(write(tmp_path / "i", "ab"), write(tmp_path / "m", "ab"))
    assert card_of("mine", two, binary_labels(two)).folds.count == 2


def test_a_folder_beside_the_card(tmp_path, plain):
    found = survey(*plain)
    text = card_text(card_of("mine", found, binary_labels(found)), found)
    (tmp_path / "mine.toml").write_text(text.replace(f'folder = "{found.folder}"', 'folder = "set"'))
    assert len(open_card(load_card(str(tmp_path / "mine.toml")))) == 3


def test_slugs():
    assert [slug(text) for text in ("My Cells (2024)", "a_b", "--", "öl")] == ["my-cells-2024", "a-b", "own", "l"]
