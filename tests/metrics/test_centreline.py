"""clDice: worked by hand, against Dice where masks are their own skeletons, and what must not change it."""

import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from skimage.morphology import skeletonize

from tests.metrics.cases import case
from topobench.metrics.case import Undefined
from topobench.metrics.centreline import centreline_dice
from topobench.metrics.overlap import pixel_overlap

shapes = st.tuples(st.integers(1, 12), st.integers(1, 12))
masks = shapes.flatmap(lambda shape: npst.arrays(np.bool_, (2, *shape))).filter(lambda two: two.any((1, 2)).all())
masked = shapes.flatmap(lambda shape: npst.arrays(np.bool_, (3, *shape)))


def cldice(prediction, truth, valid=None):
    return centreline_dice(case(prediction, truth, valid=valid))["cldice"]


def line(row=10, columns=slice(10, 110), width=1):
    """A horizontal line, of 100 pixels and `width` high, around a row of an image of 60x120."""
    mask = np.zeros((60, 120), bool)
    mask[row - width // 2 : row + width // 2 + 1, columns] = True
    return mask


def grid(width):
    """Three lines each way, `width` wide, that run from border to border."""
    mask = np.zeros((80, 90), bool)
    for middle in (15, 40, 65):
        part = slice(middle - width // 2, middle + width // 2 + 1)
        mask[part] = mask[:, part] = True
    return mask


def test_sixty_pixels_of_a_hundred():
    part = line(columns=slice(10, 70))  # precision 1, sensitivity 0.6
    assert cldice(part, line()) == pytest.approx(2 * 0.6 / 1.6)
    assert cldice(line(), part) == pytest.approx(2 * 0.6 / 1.6)


def test_a_second_line_halves_the_precision():
    assert cldice(line() | line(30), line()) == pytest.approx(2 * 0.5 / 1.5)


def test_a_gap_costs_what_it_is_long():
    gap = line()
    gap[10, 60] = False
    assert cldice(gap, line()) == pytest.approx(2 * 0.99 / 1.99)


def test_one_pixel_beside_the_middle_is_nothing():
    assert cldice(line(10), line(11)) == 0
    assert cldice(line(10), line(11, width=3)) < 0.05  # inside the truth, yet its middle is missed


def test_a_wide_prediction_may_lie_beside_the_middle():
    assert cldice(line(10, width=3), line(11, width=3)) > 0.9
    assert cldice(line(10, width=3), line(12, width=3)) < 0.1


def test_width_costs_almost_nothing():
    for thin, thick in ((line(), line(width=5)), (grid(1), grid(5))):
        for two in ((thick, thin), (thin, thick)):
            assert cldice(*two) > 0.9
            assert pixel_overlap(case(two[0], two[1]))["dice"] < 0.4


@given(masks)
def test_harmonic_mean_of_two_shares(two):
    prediction, truth = ({tuple(place) for place in np.argwhere(mask)} for mask in two)
    ours, theirs = ({tuple(place) for place in np.argwhere(skeletonize(mask))} for mask in two)
    precision, sensitivity = len(ours & truth) / len(ours), len(theirs & prediction) / len(theirs)
    expected = 2 / (1 / precision + 1 / sensitivity) if precision and sensitivity else 0
    assert cldice(*two) == pytest.approx(expected)


@given(masks)
def test_masks_that_are_their_own_skeletons_have_their_dice(two):
    thin = [skeletonize(mask) for mask in two]
    assume(all(np.array_equal(skeletonize(mask), mask) for mask in thin))
    dice = pixel_overlap(case(thin[0], thin[1]))["dice"]
    assert cldice(*thin) == pytest.approx(dice)


@given(masks)
def test_neither_argument_is_special_and_perfect_is_best(two):
    prediction, truth = two
    assert 0 <= cldice(prediction, truth) == cldice(truth, prediction) <= 1
    assert cldice(truth, truth) == 1


@pytest.mark.parametrize("turn", [np.flipud, np.fliplr, np.transpose])
def test_flips_change_nothing_of_thin_lines_and_little_of_thick_ones(turn):
    part = line(columns=slice(10, 70))
    assert cldice(turn(part), turn(line())) == cldice(part, line())
    broken = grid(4)
    broken[30:36] = False
    assert cldice(turn(broken), turn(grid(3))) == pytest.approx(cldice(broken, grid(3)), abs=0.05)


def test_a_mask_that_is_all_structure_has_a_skeleton():
    full, middle = np.ones((2, 9, 40), bool)
    middle[[0, 1, 2, 6, 7, 8]] = False
    assert cldice(full, full) == 1
    assert cldice(full, middle) > 0.8  # what is left of the full image is a line along its middle
    dots = np.ones((1, 1), bool)
    assert cldice(dots, dots) == 1


@given(masked)
def test_what_is_not_valid_never_counts(three):
    prediction, truth, valid = three
    figures = [cldice(*(np.where(valid, mask, fill) for mask in (prediction, truth)), valid) for fill in (False, True)]
    assert figures[0] == figures[1] == cldice(prediction, truth, valid)


def test_a_valid_rectangle_is_an_image_of_its_own():
    prediction, truth = np.random.default_rng(0).random((2, 50, 60)) < [[[0.4]], [[0.9]]]
    valid = np.zeros((50, 60), bool)
    valid[7:30, 11:55] = True
    cropped = (mask[7:30, 11:55] for mask in (prediction, truth))
    assert cldice(prediction, truth, valid) == cldice(*cropped) != cldice(prediction, truth)


def test_undefined_has_a_reason_and_no_warning():
    some, none = line(), np.zeros((60, 120), bool)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cldice(none, some) == Undefined("the prediction has no structure")
        assert cldice(some, none) == Undefined("the truth has no structure")
        assert cldice(none, none) == Undefined("neither prediction nor truth has structure")
        assert cldice(some, some, none) == Undefined("no pixel is valid")
        assert cldice(some, line(30), np.indices(some.shape)[0] < 20) == Undefined("the truth has no structure")


def test_no_structure_is_ever_thinned_away():
    """Every mask of 3x4 pixels: else a figure would be undefined that has a value."""
    bits = np.arange(1, 2**12)[:, None] >> np.arange(12) & 1
    assert all(skeletonize(mask).any() for mask in bits.astype(bool).reshape(-1, 3, 4))
