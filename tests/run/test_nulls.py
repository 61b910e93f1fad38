"""Null rows: the threshold of the raw image against a plain search over all, the largest component against skimage."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from skimage.measure import label, regionprops

from tests.run.kills import executed, tiny_run
from topobench.data.dataset import open_card
from topobench.registry import load, names
from topobench.run.maps import read_map
from topobench.run.nulls import LargestComponent, RawThreshold
from topobench.run.store import Store
from topobench.types import Sample


def dice(mask, truth):
    return 2 * (mask & truth).sum() / (mask.sum() + truth.sum())


@pytest.mark.parametrize("side", [1, -1])
def test_finds_the_best_threshold_and_side(side):
    random = np.random.default_rng(0)
    truth = random.random((40, 50)) < 0.2
    image = np.clip(0.5 + side * 0.2 * truth + 0.1 * random.normal(size=truth.shape), 0, 1)
    levels = np.rint(image * 255)
    sample = Sample("a", (levels[None] / 255).astype(np.float32), truth)
    best = max(dice(mask, truth) for level in range(256) for mask in (levels <= level, levels >= level))
    rule = RawThreshold([sample], 8)
    assert rule.darker == (side < 0)
    assert dice(rule(sample), truth) == pytest.approx(best)


def test_invalid_pixels_do_not_count():
    image = np.array([[[0.1, 0.9, 0.1, 0.9]]], np.float32)
    truth = np.array([[True, False, False, True]])
    rule = RawThreshold([Sample("a", image, truth, np.array([[True, True, False, False]]))], 8)
    assert rule(Sample("a", image, truth)).tolist() == [[True, False, True, False]]


def test_images_are_looked_at_one_after_the_other():
    """With the result for all pixels in one image."""
    random = np.random.default_rng(0)
    samples = []
    for index in range(3):
        image = (random.integers(0, 256, (1, 20, 5 + index)) / 255).astype(np.float32)
        noisy = image[0] + 0.3 * random.normal(size=image[0].shape)
        samples.append(Sample(str(index), image, noisy < 0.2, random.random(image[0].shape) < 0.7 if index else None))
    valid = [np.ones_like(sample.truth) if sample.valid is None else sample.valid for sample in samples]
    image, truth, valid = (
        np.concatenate(parts, axis=-1)
        for parts in ([sample.image for sample in samples], [sample.truth for sample in samples], valid)
    )
    one = RawThreshold([Sample("all", image, truth, valid)], 8)
    many = RawThreshold((sample for sample in samples), 8)
    assert (many.darker, many.level) == (one.darker, one.level)


def bright(rows, valid=None):
    """A sample whose image is its truth: ``#`` is structure, white."""
    truth = np.array([[pixel == "#" for pixel in row] for row in rows])
    return Sample("a", truth[None].astype(np.float32), truth, valid)


@pytest.mark.parametrize("name", names("nulls"))
def test_each_has_a_version_and_gives_a_mask_of_the_image(name):
    sample = bright(["#.#.", ".#..", "...."])
    rule = load("nulls", name)([sample], 8)
    assert isinstance(rule.version, int)
    mask = rule(replace(sample, valid=np.eye(3, 4, dtype=bool)))
    assert (mask.shape, mask.dtype) == ((3, 4), bool)


def test_nothing_and_everything():
    sample = bright(["#.#.", ".#.."])
    assert not load("nulls", "null-background")([sample], 8)(sample).any()
    assert load("nulls", "null-structure")([sample], 8)(sample).all()


@pytest.mark.parametrize(
    ("connectivity", "kept"),
    [
        (8, ["#....", ".#...", "#....", "....."]),
        (4, [".....", ".....", ".....", "...##"]),
    ],
)
def test_the_largest_component_is_of_the_connectivity_of_the_card(connectivity, kept):
    sample = bright(["#....", ".#...", "#....", "...##"])
    assert (LargestComponent([sample], connectivity)(sample) == bright(kept).truth).all()


def test_of_several_that_are_the_largest_the_first_is_kept():
    sample = bright(["#..##", "..#..", "..#.."])  # with connectivity 4: one pixel, then two of two
    assert LargestComponent([sample], 4)(sample).tolist() == bright(["...##", ".....", "....."]).truth.tolist()


def test_what_is_not_valid_neither_joins_nor_counts():
    rows = ["#####", ".....", "##.#."]
    valid = np.array([[True, False, False, False, True], [True] * 5, [True] * 5])
    found = LargestComponent([bright(rows)], 8)(bright(rows, valid))
    assert found.tolist() == bright([".....", ".....", "##..."]).truth.tolist()


def test_an_empty_mask_stays_empty():
    rule = LargestComponent([bright(["#."])], 8)
    assert rule(bright(["..."])).tolist() == [[False] * 3]
    assert rule(bright(["##"], np.zeros((1, 2), bool))).tolist() == [[False] * 2]


@pytest.mark.parametrize("connectivity", [4, 8])
def test_the_largest_component_is_that_of_skimage(connectivity):
    for seed in range(20):
        truth = np.random.default_rng(seed).random((15, 22)) < 0.45
        sample = Sample("a", truth[None].astype(np.float32), truth)
        regions = regionprops(label(truth, connectivity=connectivity // 4))
        largest = max(regions, key=lambda region: (region.area, *(-region.coords[0])))
        assert np.argwhere(LargestComponent([sample], connectivity)(sample)).tolist() == sorted(largest.coords.tolist())


@pytest.mark.parametrize(("connectivity", "pixels"), [(8, 40), (4, 1)])
def test_a_run_hands_over_the_connectivity_of_its_card(tmp_path, connectivity, pixels):
    """Of a diagonal, one component or as many as it has pixels."""
    run, folder = tiny_run(tmp_path / "data"), tmp_path / "data"
    for path in [*folder.glob("images/*.png"), *folder.glob("masks/*.png")]:
        Image.fromarray(255 * np.eye(40, 44, dtype=np.uint8)).save(path)
    card = run.dataset.card.model_copy(update={"connectivity": connectivity})
    null = replace(run, name="null-largest", dataset=open_card(card), recipe=None, seed=None, budget=None)
    record = executed(null, tmp_path / "store")
    assert record.finished, record.status
    place = Store(tmp_path / "store").place(null.identity())
    for image_id, sha256 in record.predictions.items():
        assert (read_map(place.predictions, image_id, sha256) == 1).sum() == pixels
