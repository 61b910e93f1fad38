"""TIFF stacks: real ISBI 2012 sections, and everything that may be wrong with the files."""

import numpy as np
import pytest
import tifffile

from topobench import load_dataset
from topobench.cards import load_card
from topobench.data import open_dataset
from topobench.data.dataset import Dataset, open_adapter
from topobench.errors import DataError
from topobench.topology import betti_numbers


def test_real_isbi_is_as_its_readme_says(real_data):
    """Membrane fraction 0.2196 (0.1675-0.2699), b0 3.8 (1-11), holes 83.6 (64-104) a section."""
    dataset = load_dataset("isbi2012", real_data)
    samples = [dataset[image_id] for image_id in dataset.image_ids]
    shares = [sample.truth.mean() for sample in samples]
    b0, b1 = zip(*(betti_numbers(sample.truth) for sample in samples), strict=True)
    assert np.mean(shares) == pytest.approx(0.2196, abs=5e-5)
    assert (min(shares), max(shares)) == pytest.approx((0.1675, 0.2699), abs=5e-5)
    assert (np.mean(b0), min(b0), max(b0)) == (pytest.approx(3.8, abs=0.05), 1, 11)
    assert (np.mean(b1), min(b1), max(b1)) == (pytest.approx(83.6, abs=0.05), 64, 104)
    dark, bright = (np.mean([sample.image[0][mask(sample)].mean() for sample in samples]) for mask in (
        lambda sample: sample.truth, lambda sample: ~sample.truth))  # fmt: skip
    assert dark < bright  # membranes are dark: the polarity is right
    assert {sample.unit for sample in samples} == {f"block-{block:02d}" for block in range(6)}


def test_real_folds_are_contiguous_thirds(real_data):
    dataset = load_dataset("isbi2012", real_data)
    train, scored = dataset.fold(2)
    assert scored == [f"section-{page}" for page in range(20, 30)]
    assert train == [f"section-{page:02d}" for page in range(20)]


@pytest.fixture
def stack(tmp_path):
    """Return a function that writes a small stack and opens it as a data set."""
    folder = tmp_path / "isbi2012"
    folder.mkdir()
    card = load_card("isbi2012").model_copy(update={"count": 3, "shapes": ((8, 9),)})

    def make(images=None, labels=None):
        random = np.random.default_rng(0)
        given = {
            "train-volume.tif": random.integers(0, 256, (3, 8, 9)).astype(np.uint8) if images is None else images,
            "train-labels.tif": (random.random((3, 8, 9)) < 0.5).astype(np.uint8) * 255 if labels is None else labels,
        }
        for name, pixels in given.items():
            if isinstance(pixels, bytes):
                (folder / name).write_bytes(pixels)
            else:
                tifffile.imwrite(folder / name, pixels, photometric="minisblack")
        return Dataset(card, open_adapter(card, folder))

    return make


def test_samples_of_a_small_stack(stack):
    labels = np.full((3, 8, 9), 255, np.uint8)
    labels[1, 4] = 0
    sample = stack(labels=labels)["section-01"]
    assert sample.image.shape == (1, 8, 9)
    assert 0 <= sample.image.min() < sample.image.max() <= 1
    assert np.array_equal(sample.truth, labels[1] == 0)


def test_strange_label_values_are_named(stack):
    labels = np.full((3, 8, 9), 255, np.uint8)
    labels[2, 0, :2] = 254, 7
    dataset = stack(labels=labels)
    with pytest.raises(DataError, match=r"train-labels.tif, page 2, has the label values \[7, 254\]; the card allows"):
        dataset["section-02"]


def test_wrong_shape_names_both(stack):
    dataset = stack(images=np.zeros((2, 8, 9), np.uint8))
    with pytest.raises(DataError, match=r"train-volume.tif has 2 pages; the card wants 3"):
        dataset["section-00"]


@pytest.mark.parametrize("content", [b"", b"not a tiff at all", b"II*\x00\x08\x00\x00\x00\xff\xff"])
def test_unreadable_files_are_named(stack, content):
    dataset = stack(images=content)
    with pytest.raises(DataError, match=r"train-volume\.tif cannot be read as an image"):
        dataset["section-00"]


def test_data_hash_follows_the_bytes(stack):
    first = stack().data_hash
    assert stack().data_hash == first
    assert stack(images=np.zeros((3, 8, 9), np.uint8)).data_hash != first


def test_missing_files_say_which_where_and_how(tmp_path, monkeypatch):
    with pytest.raises(DataError) as error:
        open_dataset("isbi2012", tmp_path)
    files = "train-volume.tif, train-labels.tif"
    for part in (files, str(tmp_path / "isbi2012"), "--data-dir", "Get train-volume.tif"):
        assert part in str(error.value)
    monkeypatch.setenv("TOPOBENCH_DATA", str(tmp_path / "elsewhere"))
    with pytest.raises(DataError, match="elsewhere/isbi2012"):
        open_dataset("isbi2012")
