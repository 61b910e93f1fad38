"""Folders of predictions and masks."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from topobench.data.folders import FolderOfMasks, FolderOfPredictions
from topobench.data.readers import read_image
from topobench.errors import DataError
from topobench.types import Sample


@pytest.fixture
def masks(tmp_path):
    folder = tmp_path / "truth"
    folder.mkdir()
    for index, name in enumerate("ab"):
        Image.fromarray(np.eye(6, 5, k=index, dtype=np.uint8) * 255).save(folder / f"{name}.png")
    return folder


def sample(name="a", shape=(6, 5)):
    return Sample(name, np.zeros((1, *shape), np.float32), np.zeros(shape, bool))


def test_masks(masks):
    folder = FolderOfMasks(masks)
    assert folder.image_ids == ("a", "b")
    assert np.array_equal(folder.read("b").truth, np.eye(6, 5, k=1, dtype=bool))
    Image.fromarray(np.array([[0, 7, 255]], np.uint8)).save(masks / "b.png")
    with pytest.raises(DataError, match=r"b\.png has 3 values, such as \[0, 7, 255\]"):
        folder.read("b")


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
def test_predictions_of_every_depth(tmp_path, suffix):
    values = np.linspace(0, 1, 30).reshape(6, 5)
    sixteen, eight = (values * 65535).astype(np.uint16), (values * 255).astype(np.uint8)
    stored = {".png": sixteen, ".tif": eight, ".npy": values}[suffix]
    path = tmp_path / f"a{suffix}"
    if suffix == ".npy":
        np.save(path, stored)
    elif suffix == ".tif":
        tifffile.imwrite(path, stored)
    else:
        Image.fromarray(stored).save(path)
    likelihood = FolderOfPredictions(tmp_path, ["a"])(sample())
    assert likelihood.dtype == (np.float64 if suffix == ".npy" else np.float32)  # 0.5 - 1e-9 is below 0.5
    assert likelihood == pytest.approx(values, abs=1 / 255)


def test_one_stack_serves_all(tmp_path):
    tifffile.imwrite(tmp_path / "all.tif", np.stack([np.zeros((6, 5)), np.ones((6, 5))]).astype(np.float32))
    predict = FolderOfPredictions(tmp_path, ["a", "b"])
    assert predict(sample("a")).max() == 0
    assert predict(sample("b")).min() == 1


def test_what_does_not_fit_is_listed(masks):
    with pytest.raises(DataError, match=r"c, d, e, f, g, h, i, j, k, l and 2 more lacking; b not asked for"):
        FolderOfPredictions(masks, list("acdefghijklmn"))
    with pytest.raises(DataError, match=r"a\.png has the shape \(6, 5\), the truth of a \(5, 6\)"):
        FolderOfPredictions(masks, ["a", "b"])(sample(shape=(5, 6)))


def test_suffixes_in_capitals(tmp_path):
    tifffile.imwrite(tmp_path / "all.TIF", np.stack([np.zeros((6, 5)), np.ones((6, 5))]).astype(np.float32))
    assert FolderOfPredictions(tmp_path, ["a", "b"])(sample("b")).min() == 1  # every page is read, not the first alone
    (tmp_path / "all.TIF").unlink()
    np.save(tmp_path / "a.npy", np.eye(6, 5))
    (tmp_path / "a.npy").rename(tmp_path / "a.NPY")
    assert FolderOfPredictions(tmp_path, ["a"])(sample()).max() == 1


def test_damaged_files_are_named_whatever_the_decoder_raises(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "t.tif", pixels, compression="zlib")
    Image.fromarray(pixels).save(tmp_path / "p.png")
    np.save(tmp_path / "n.npy", pixels)
    random = np.random.default_rng(1)
    refused = 0
    for path in list(tmp_path.iterdir()):
        sound = path.read_bytes()
        for trial in range(40):
            content = bytearray(sound)
            content[random.integers(len(content))] ^= 1 << random.integers(8)
            path.write_bytes(bytes(content if trial % 2 else sound[: random.integers(len(sound))]))
            try:
                read_image(path)
            except DataError as error:
                assert str(path) in str(error)
                refused += 1
    assert refused > 40


def test_doubtful_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="holds no image"):
        FolderOfPredictions(tmp_path, ["a"])
    with pytest.raises(DataError, match="is not a folder"):
        FolderOfPredictions(tmp_path / "none", ["a"])
    Image.fromarray(np.eye(6, 5, dtype=np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="no value above 1: a mask of 0 and 1, or a likelihood"):
        FolderOfPredictions(tmp_path, ["a"])(sample())
    Image.new("RGB", (5, 6)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png has the mode RGB; it must have one channel"):
        FolderOfPredictions(tmp_path, ["a"])(sample())
    np.save(tmp_path / "a.npy", np.zeros((6, 5)))
    with pytest.raises(DataError, match="share a name"):
        FolderOfPredictions(tmp_path, ["a"])
    (tmp_path / "a.png").unlink()
    np.save(tmp_path / "a.npy", np.full((6, 5), 3.0))
    with pytest.raises(DataError, match=r"holds float64 in \[3.0, 3.0\]"):
        FolderOfPredictions(tmp_path, ["a"])(sample())
    np.save(tmp_path / "a.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(DataError, match="cannot be read as an image"):
        FolderOfPredictions(tmp_path, ["a"])(sample())


def test_truth_of_16_bit_and_truth_that_is_a_stack(tmp_path):
    mask = np.eye(6, dtype=bool)
    Image.fromarray(np.where(mask, 65535, 0).astype(np.uint16)).save(tmp_path / "a.png")
    assert np.array_equal(FolderOfMasks(tmp_path).read("a").truth, mask)
    tifffile.imwrite(tmp_path / "b.tif", np.zeros((4, 6, 6), np.uint8), photometric="minisblack")
    with pytest.raises(DataError, match=r"b.tif has the shape \(4, 6, 6\); truth masks are one file an image"):
        FolderOfMasks(tmp_path).read("b")
