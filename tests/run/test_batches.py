"""Training batches: a pure function of (seed, step), image, truth and validity together."""

import numpy as np
import pytest
import torch

from topobench.cards import Budget
from topobench.errors import DataError
from topobench.patches import cut, random_places
from topobench.run.batches import TrainingSet, standardise
from topobench.seeds import generator
from topobench.types import Sample

BUDGET = Budget(steps=10, batch=6, crop=12)


def samples(channels=1, shape=(20, 31)):
    random = np.random.default_rng(0)
    for index in range(3):
        image = random.random((channels, *shape)).astype(np.float32)
        yield Sample(f"{index}", image, image[0] > image[0].mean())


def masked(count=3, shape=(40, 47), grey=1.0):
    """Samples of which the right part is not valid; image 1 has not half of any crop valid. Levels of 255 if grey."""
    random = np.random.default_rng(1)
    for index in range(count):
        image = random.integers(0, 256, (2, *shape)) / 255 * grey
        valid = np.zeros(shape, bool)
        valid[:, : (30, 5, 38)[index % 3]] = True
        yield Sample(f"{index}", image.astype(np.float32), image[0] > 0.4, valid)


def same(first, second):
    """Whether two batches are equal bit for bit, masks too."""
    pairs = zip(first, second, strict=True)
    return all(torch.equal(a, b) if a is not None and b is not None else a is b for a, b in pairs)


class Reading:
    """A sequence that reads at indexing, and counts."""

    def __init__(self, samples):
        self.samples, self.read = samples, []

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        self.read.append(index)
        return self.samples[index]


def test_batch_is_a_function_of_seed_and_step():
    first, second = (TrainingSet.of(list(samples())) for _ in range(2))
    second.batch(BUDGET, 0, 7)  # drawing another batch before changes nothing
    assert same(first.batch(BUDGET, 0, 3), second.batch(BUDGET, 0, 3))
    assert not torch.equal(first.batch(BUDGET, 0, 3)[0], first.batch(BUDGET, 0, 4)[0])
    assert not torch.equal(first.batch(BUDGET, 0, 3)[0], first.batch(BUDGET, 1, 3)[0])


def test_image_and_truth_are_cut_and_turned_together():
    images, target, valid = TrainingSet.of(list(samples())).batch(BUDGET, 0, 0)
    assert valid is None
    assert images.shape == target.shape == (6, 1, 12, 12)
    assert torch.equal(images > 0, target > 0.5)  # the truth is where the standardised image is positive


def test_all_eight_turns_occur():
    image = np.arange(9, dtype=np.float32).reshape(1, 3, 3)
    data = TrainingSet.of([Sample("0", image, image[0] > 4)])
    batch = data.batch(Budget(steps=1, batch=200, crop=3), 0, 0)[0]
    assert len({tuple(crop.ravel().tolist()) for crop in batch}) == 8


def test_crop_is_no_larger_than_the_smallest_image():
    data = TrainingSet.of([*samples(), Sample("small", np.ones((1, 9, 40), np.float32), np.ones((9, 40), bool))])
    assert data.batch(BUDGET, 0, 0)[0].shape == (6, 1, 9, 9)


def test_standardise():
    image = np.stack([np.random.default_rng(0).random((5, 6)), np.full((5, 6), 0.7)]).astype(np.float32)
    result = standardise(image)
    assert result[0].mean() == pytest.approx(0, abs=1e-6)
    assert result[0].std() == pytest.approx(1, abs=1e-5)
    assert np.abs(result[1]).max() < 1e-3


def test_mixed_channels_are_refused():
    with pytest.raises(DataError, match=r"\[1, 3\] channels"):
        TrainingSet.of([*samples(1), *samples(3)])


def test_no_image_is_no_training_set():
    with pytest.raises(DataError, match="there are no training images"):
        TrainingSet.of([])


def test_parts_of_different_shape_are_refused():
    strange = Sample("strange", np.zeros((1, 4, 5), np.float32), np.zeros((4, 6), bool))
    with pytest.raises(DataError, match=r"of strange, the image \(1, 4, 5\), the truth \(4, 6\)"):
        TrainingSet.of([*samples(), strange])


def of_version_three(samples, budget, seed, step):
    """Batches as they were before there were masks and caches: training version 3 is these, bit for bit."""
    stacks = [np.concatenate([standardise(sample.image), sample.truth[None]]).astype(np.float32) for sample in samples]
    random = generator("batch", seed, step)
    size = min(budget.crop, *(side for stack in stacks for side in stack.shape[1:]))
    crops = []
    for _ in range(budget.batch):
        stack = stacks[random.integers(len(stacks))]
        place = random_places(stack.shape, size, 1, random)
        crop = np.concatenate([cut(channel, place, size) for channel in stack])
        crop = np.rot90(crop, int(random.integers(4)), axes=(1, 2))
        crops.append(np.ascontiguousarray(crop[:, :, ::-1] if random.integers(2) else crop))
    batch = torch.from_numpy(np.stack(crops))
    return batch[:, :-1], batch[:, -1:]


@pytest.mark.parametrize("levels", [False, True])
@pytest.mark.parametrize("mask", [None, True])
def test_batches_without_invalid_pixels_are_those_of_version_three(levels, mask):
    """The strides too, for sums in the network follow them: a batch of one has crops that are all turned alike."""
    every = list(samples(3))
    if levels:
        every = [Sample(s.image_id, (np.rint(s.image * 255) / 255).astype(np.float32), s.truth) for s in every]
    if mask:
        every = [Sample(s.image_id, s.image, s.truth, np.ones_like(s.truth)) for s in every]
    data = TrainingSet.of(every)
    assert {image.pixels.dtype.name for image in map(data.images.__getitem__, range(3))} == {
        "uint8" if levels else "float32"
    }
    for batch in (1, 6):
        budget = Budget(steps=10, batch=batch, crop=12)
        for step in range(8):
            found = data.batch(budget, 5, step)
            assert found.valid is None
            for part, wanted in zip(found, of_version_three(every, budget, 5, step), strict=False):
                assert torch.equal(part, wanted)
                assert part.stride() == wanted.stride()


def test_standardise_over_valid_pixels():
    [sample] = masked(1)
    result = standardise(sample.image, sample.valid)
    inside = result[:, sample.valid]
    assert inside.mean(axis=1) == pytest.approx([0, 0], abs=1e-6)
    assert inside.std(axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert not result[:, ~sample.valid].any()
    image = sample.image.copy()
    image[:, ~sample.valid] = np.nan
    assert np.array_equal(standardise(image, sample.valid), result)
    whole = np.ones_like(sample.valid)
    assert np.array_equal(standardise(sample.image, whole), standardise(sample.image))
    assert np.array_equal(standardise(image, ~whole), np.zeros_like(image))
    alone = standardise(np.ascontiguousarray(sample.image[:, :, :30]))
    assert np.allclose(result[:, :, :30], alone, atol=1e-6)


def test_validity_is_cut_and_turned_with_image_and_truth():
    data = TrainingSet.of(list(masked()))
    partly = 0
    for step in range(20):
        images, target, valid = data.batch(BUDGET, 0, step)
        assert images.shape == (6, 2, 12, 12)
        if valid is None:
            continue
        assert (valid.shape, valid.dtype) == (target.shape, torch.bool)
        shares = valid.float().mean(dim=(1, 2, 3))
        assert shares.min() >= 0.5
        partly += int((shares < 1).sum())
        outside = ~valid.expand_as(images)
        assert not images[outside].any()
        assert (images[~outside] != 0).all()  # so the mask lies and is turned as the image is
    assert partly > 10


def test_what_is_not_valid_changes_no_batch():
    first, second = list(masked()), list(masked())
    for sample in second:
        sample.image[:, ~sample.valid] = 0.123
    first, second = TrainingSet.of(first), TrainingSet.of(second)
    for step in range(5):
        assert torch.equal(first.batch(BUDGET, 0, step).images, second.batch(BUDGET, 0, step).images)


def test_images_without_a_crop_half_valid_are_never_drawn():
    every = list(masked())
    data = TrainingSet.of(every)
    assert data.drawable(12).tolist() == [0, 2]
    assert data.drawable(8).tolist() == [0, 1, 2]  # 4 of 8 columns
    assert TrainingSet.of([*every, *samples(2)]).drawable(12).tolist() == [0, 2, 3, 4, 5]
    with pytest.raises(DataError, match="in none of the 1 training images is a crop of 12x12 pixels half valid"):
        TrainingSet.of(every[1:2]).batch(BUDGET, 0, 0)


def test_a_crop_between_the_tiles_of_the_grid_counts():
    valid = np.zeros((24, 24), bool)
    valid[6:18, 9:15] = True  # half of one crop of 12, a quarter or less of each tile
    data = TrainingSet.of([Sample("0", np.ones((1, 24, 24), np.float32), valid, valid)])
    assert data.drawable(12).tolist() == [0]
    assert data.batch(BUDGET, 0, 0).valid.float().mean() == 0.5


@pytest.mark.parametrize("of", [lambda: list(samples()), lambda: list(masked(6)), lambda: list(masked(6, grey=0.9))])
def test_batches_do_not_depend_on_what_is_kept(of):
    every = of()
    reading, once = Reading(every), Reading(every)
    small, large = TrainingSet.of(reading, cache_bytes=1), TrainingSet.of(once)
    assert reading.read == once.read == list(range(len(every)))  # gone through once at the start
    for step in (3, 0, 7):
        assert same(small.batch(BUDGET, 0, step), large.batch(BUDGET, 0, step))
    assert once.read == list(range(len(every)))
    assert len(reading.read) > len(every) + 3
    assert len(small.images._kept) == 1


def test_what_is_kept_stays_within_its_bytes():
    every = list(masked(6))
    one = TrainingSet.of(every[:1]).images.kept_bytes
    data = TrainingSet.of(every, cache_bytes=3 * one)
    for step in range(5):
        data.batch(BUDGET, 0, step)
        assert len(data.images._kept) == 3
        assert data.images.kept_bytes == 3 * one == sum(image.nbytes for image in data.images._kept.values())
    assert one >= sum(part.nbytes for part in (every[0].truth, every[0].valid)) + every[0].image.size


def test_what_was_used_last_stays():
    reading = Reading(list(samples()))
    data = TrainingSet.of(reading)
    limited = TrainingSet.of(reading, cache_bytes=2 * data.images.kept_bytes // 3)
    reading.read.clear()
    for index in (0, 1, 0, 2, 0, 1):  # 2 takes the place of 1
        limited.images[index]
    assert reading.read == [0, 1, 2, 1]
