"""Training batches: a pure function of (seed, step), image and truth together."""

import numpy as np
import pytest
import torch

from topobench.cards import Budget
from topobench.errors import DataError
from topobench.run.batches import TrainingSet, standardise
from topobench.types import Sample

BUDGET = Budget(steps=10, batch=6, crop=12)


def samples(channels=1, shape=(20, 31)):
    random = np.random.default_rng(0)
    for index in range(3):
        image = random.random((channels, *shape)).astype(np.float32)
        yield Sample(f"{index}", image, image[0] > image[0].mean())


def test_batch_is_a_function_of_seed_and_step():
    first, second = (TrainingSet.of(list(samples())) for _ in range(2))
    second.batch(BUDGET, 0, 7)  # drawing another batch before changes nothing
    assert all(map(torch.equal, first.batch(BUDGET, 0, 3), second.batch(BUDGET, 0, 3)))
    assert not torch.equal(first.batch(BUDGET, 0, 3)[0], first.batch(BUDGET, 0, 4)[0])
    assert not torch.equal(first.batch(BUDGET, 0, 3)[0], first.batch(BUDGET, 1, 3)[0])


def test_image_and_truth_are_cut_and_turned_together():
    images, target = TrainingSet.of(list(samples())).batch(BUDGET, 0, 0)
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
