"""The threshold of the raw image, against a plain search over all thresholds and both sides."""

import numpy as np
import pytest

from topobench.run.nulls import RawThreshold
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
    rule = RawThreshold([sample])
    assert rule.darker == (side < 0)
    assert dice(rule(sample), truth) == pytest.approx(best)


def test_invalid_pixels_do_not_count():
    image = np.array([[[0.1, 0.9, 0.1, 0.9]]], np.float32)
    truth = np.array([[True, False, False, True]])
    rule = RawThreshold([Sample("a", image, truth, np.array([[True, True, False, False]]))])
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
    one = RawThreshold([Sample("all", image, truth, valid)])
    many = RawThreshold(sample for sample in samples)
    assert (many.darker, many.level) == (one.darker, one.level)
