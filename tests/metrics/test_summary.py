"""Means over images, and what may be done to a mask before it is scored."""

import math

import numpy as np
import pytest

from topobench.errors import ArgumentError
from topobench.metrics import average, remove_small


def test_average_leaves_out_what_is_undefined_and_counts_it():
    found = average([{"voi": 1.0, "dice": 1.0}, {"voi": math.nan, "dice": 0.5}, {"voi": None, "dice": 0.0}])
    assert found["voi"] == (1.0, 1, 2)
    assert found["dice"] == (0.5, 3, 0)
    assert math.isnan(average([{"voi": math.nan}])["voi"].value)


def test_one_score_in_the_place_of_several():
    with pytest.raises(ArgumentError, match="average takes several, in a list"):
        average({"voi": 1.0})


def test_remove_small():
    mask = np.zeros((10, 10), bool)
    mask[0, :5] = True  # five pixels
    mask[3, 3] = mask[4, 4] = True  # two, joined at a corner
    assert remove_small(mask, 2).sum() == 7
    assert remove_small(mask, 2, connectivity=4).sum() == 5
    assert remove_small(mask, 3).sum() == 5
    assert remove_small(mask, 6).sum() == 0
    assert mask.sum() == 7
    for wrong in (0, -1, 2.5, True):
        with pytest.raises(ArgumentError, match="size is"):
            remove_small(mask, wrong)
