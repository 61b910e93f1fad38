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
