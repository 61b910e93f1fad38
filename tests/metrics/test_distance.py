"""hd95: worked by hand, against scipy and scikit-image, and what must not change it."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.ndimage import binary_erosion
from scipy.spatial.distance import cdist
from skimage.metrics import hausdorff_distance

from tests.metrics.cases import case
from topobench.metrics.case import Undefined
from topobench.metrics.distance import boundary, hausdorff_95

shapes = st.tuples(st.integers(1, 12), st.integers(1, 12))
masks = shapes.flatmap(lambda shape: npst.arrays(np.bool_, (2, *shape))).filter(lambda two: two.any((1, 2)).all())
masked = shapes.flatmap(lambda shape: npst.arrays(np.bool_, (3, *shape)))


def hd95(prediction, truth, valid=None):
    return hausdorff_95(case(prediction, truth, valid=valid))["hd95"]


def line(row=10, width=1):
    """A horizontal line of 100 pixels, `width` high, around a row of an image of 60x120."""
    mask = np.zeros((60, 120), bool)
    mask[row - width // 2 : row + width // 2 + 1, 10:110] = True
    return mask


def test_a_line_moved_by_three_pixels():
    assert hd95(line(13), line(10)) == 3
    assert hd95(np.roll(line(), 3, 1), line()) == 0  # along itself: 3 of 100 pixels are new, fewer than five percent


def test_one_stray_pixel_in_a_hundred_moves_nothing_and_six_do():
    stray = line()
    stray[40, 30] = True
    assert hd95(stray, line()) == 0
    assert hausdorff_distance(stray, line()) == 30
    stray[40, 30:80:10] = True  # and four more
    assert hd95(stray, line()) == 0  # of 105 distances the places 98 and 99 count, from 0: both on the line
    stray[40, 80] = True
    assert hd95(stray, line()) == 22.5  # place 99.75 of 106 distances, three quarters of the way from 0 to 30


def test_a_line_of_five_pixels_against_one_of_one():
    assert hd95(line(width=5), line()) == 2
    assert hd95(line(), line(width=5)) == 2  # the inner pixels of the thick one are no boundary


def test_percentile_lies_between_two_distances():
    prediction, truth = np.zeros((2, 1, 40), bool)
    truth[0, :2] = prediction[0, 0] = prediction[0, 11] = True
    # one direction: 0 and 10 -> 9.5; the other: 0 and 1 -> 0.95
    assert hd95(prediction, truth) == pytest.approx(9.5)
    assert hd95(truth, prediction) == pytest.approx(9.5)


def test_boundary_by_hand():
    mask = np.zeros((6, 7), bool)
    mask[0:5, 1:6] = True
    ring = mask.copy()
    ring[1:4, 2:5] = False  # the first row is boundary too: beyond the image there is no structure
    assert np.array_equal(boundary(mask), ring)
    corner = np.ones((3, 3), bool)
    corner[0, 0] = False
    assert boundary(corner).tolist() == [[False, True, True], [True, False, True], [True, True, True]]


def brute(prediction, truth):
    """The definition, by every pair of boundary pixels."""
    outlines = (np.argwhere(mask & ~binary_erosion(mask)) for mask in (prediction, truth))
    distances = cdist(*outlines)
    return max(np.percentile(distances.min(axis), 95) for axis in (0, 1))


@given(masks)
def test_every_pair_of_boundary_pixels_by_scipy(two):
    prediction, truth = two
    assert hd95(prediction, truth) == pytest.approx(brute(prediction, truth), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_larger_images_by_scipy(seed):
    prediction, truth = np.random.default_rng(seed).random((2, 64, 41)) < [[[0.02 + seed / 5]], [[0.03]]]
    assert hd95(prediction, truth) == pytest.approx(brute(prediction, truth))


@given(masks)
def test_never_above_the_hausdorff_distance_of_scikit_image(two):
    prediction, truth = two
    outlines = (mask & ~binary_erosion(mask) for mask in two)
    assert 0 <= hd95(prediction, truth) <= hausdorff_distance(*outlines) + 1e-12


@given(masks)
def test_no_side_is_special(two):
    prediction, truth = two
    expected = hd95(prediction, truth)
    assert hd95(truth, prediction) == expected
    for turn in (np.flipud, np.fliplr, np.transpose):
        assert hd95(turn(prediction), turn(truth)) == expected


@given(masks)
def test_perfect_is_best(two):
    assert hd95(two[0], two[0]) == 0


@given(masked)
def test_what_is_not_valid_never_counts(three):
    prediction, truth, valid = three
    figures = [hd95(*(np.where(valid, mask, fill) for mask in (prediction, truth)), valid) for fill in (False, True)]
    assert figures[0] == figures[1] == hd95(prediction, truth, valid)


def test_a_valid_rectangle_is_an_image_of_its_own():
    prediction, truth = np.random.default_rng(0).random((2, 50, 60)) < [[[0.02]], [[0.05]]]
    valid = np.zeros((50, 60), bool)
    valid[7:30, 11:55] = True
    cropped = (mask[7:30, 11:55] for mask in (prediction, truth))
    assert hd95(prediction, truth, valid) == hd95(*cropped) != hd95(prediction, truth)


def test_undefined_has_a_reason_and_no_warning():
    some, none = line(), np.zeros((60, 120), bool)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert hd95(none, some) == Undefined("the prediction has no structure")
        assert hd95(some, none) == Undefined("the truth has no structure")
        assert hd95(none, none) == Undefined("neither prediction nor truth has structure")
        assert hd95(some, some, none) == Undefined("no pixel is valid")
        assert hd95(some, line(30), np.indices(some.shape)[0] < 20) == Undefined("the truth has no structure")
