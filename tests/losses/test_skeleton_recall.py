"""The skeleton recall loss: values and gradients by hand, other libraries' skeletons and distances, what is refused."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage.morphology import skeletonize

from benchmarks.inputs import likelihoods, truths
from tests.strategies import distinct_images, masks
from topobench import load_loss
from topobench.errors import ArgumentError
from topobench.losses import SkeletonRecallLoss
from topobench.losses.skeleton_recall import tubed_skeletons
from topobench.losses.subject import Subject, as_batch


def of(loss, likelihood, truth):
    """The loss of one likelihood (H, W), and its gradient with respect to it."""
    return Subject(loss).slope(np.array(likelihood, float), np.array(truth, bool))


def plain_tube(truth, tube):
    """What of the truth lies within so many steps, up, down and across, of its skeleton."""
    skeleton = skeletonize(truth)
    if not skeleton.any():
        return skeleton
    return truth & (ndimage.distance_transform_cdt(~skeleton, metric="taxicab") <= tube)


def test_a_thin_line_by_hand():
    # the line is its own skeleton, and is not left: (0.9 + 0.5 + 0.6) of 3 pixels; what lies beside does not count
    value, gradient = of(SkeletonRecallLoss(), [[0.2, 0.9, 0.5, 0.6, 0.7]], [[0, 1, 1, 1, 0]])
    assert value == pytest.approx(1 - (2.0 + 1e-5) / (3 + 1e-5))
    assert gradient == pytest.approx(np.array([[0, 1, 1, 1, 0]]) / -(3 + 1e-5))
    value, gradient = of(SkeletonRecallLoss(smooth=1), [[0.2, 0.9, 0.5, 0.6, 0.7]], [[0, 1, 1, 1, 0]])
    assert value == pytest.approx(1 - 3 / 4)
    assert gradient == pytest.approx(np.array([[0, 1, 1, 1, 0]]) / -4)


@pytest.mark.parametrize(("tube", "rows"), [(0, [4]), (1, [3, 4, 5]), (2, [2, 3, 4, 5, 6]), (9, range(1, 8))])
def test_the_tube_of_a_wide_line(tube, rows):
    truth = np.zeros((9, 31), bool)
    truth[1:8] = True
    _, gradient = of(SkeletonRecallLoss(tube), np.full(truth.shape, 0.4), truth)
    middle = gradient[:, 10:21]  # away from the ends, where the skeleton is the middle row
    assert sorted({*np.flatnonzero(middle.any(axis=1))}) == [*rows]
    assert middle[[*rows]].all()
    assert not gradient[~truth].any()


def test_the_tube_of_a_bar_by_hand():
    # skeletonize leaves four pixels of the middle row of a bar of 3 x 6, and one above the fifth; the cross widens
    # them by one to all but the pixels that are two or more steps away
    truth = np.zeros((5, 8), bool)
    truth[1:4, 1:7] = True
    skeleton = np.zeros_like(truth)
    skeleton[2, 1:5] = skeleton[1, 5] = True
    assert np.array_equal(tubed_skeletons(truth[None], 0)[0], skeleton)
    wider = truth.copy()
    wider[3, 5] = wider[2, 6] = wider[3, 6] = False
    assert np.array_equal(tubed_skeletons(truth[None], 1)[0], wider)
    value, _ = of(SkeletonRecallLoss(1), np.where(wider, 0.8, 0.1), truth)
    assert value == pytest.approx(0.2, abs=1e-5)


@given(masks, st.integers(0, 3))
def test_the_tube_is_what_lies_within_so_many_steps(truth, tube):
    assert np.array_equal(tubed_skeletons(truth[None], tube)[0], plain_tube(truth, tube))


@given(distinct_images(), st.integers(0, 3))
def test_value_and_gradient_of_random_maps(image, tube):
    truth = image > 0.4
    s = plain_tube(truth, tube)
    value, gradient = of(SkeletonRecallLoss(tube), image, truth)
    assert value == pytest.approx(1 - (image[s].sum() + 1e-5) / (s.sum() + 1e-5))
    assert gradient == pytest.approx(s / -(s.sum() + 1e-5))


def test_a_batch_is_the_mean_of_its_images():
    maps, wanted = likelihoods(6, 160), truths(6, 160)  # large enough for threads
    single = [
        1 - (image[s := plain_tube(truth, 2)].sum() + 1e-5) / (s.sum() + 1e-5)
        for image, truth in zip(maps.astype(float), wanted, strict=True)
    ]
    value = load_loss("skeleton-recall")(
        torch.logit(torch.from_numpy(maps).double())[:, None], torch.tensor(wanted)[:, None]
    )
    assert value.item() == pytest.approx(np.mean(single))


def test_an_empty_truth_costs_nothing_and_has_no_gradient():
    value, gradient = of(SkeletonRecallLoss(), np.full((4, 5), 0.7), np.zeros((4, 5)))
    assert value == 0
    assert np.array_equal(gradient, np.zeros((4, 5)))
    logits = torch.full((1, 1, 4, 5), 30.0, requires_grad=True)
    SkeletonRecallLoss()(logits, torch.zeros(1, 1, 4, 5)).backward()
    assert torch.equal(logits.grad, torch.zeros(1, 1, 4, 5))


def test_structure_everywhere_costs_nothing():
    truth = np.zeros((9, 9))
    truth[4, 2:7] = 1
    value = SkeletonRecallLoss()(torch.full((1, 1, 9, 9), 60.0), as_batch(truth).float())
    assert value.item() == 0
    assert not SkeletonRecallLoss.trains_alone


@pytest.mark.parametrize("tube", [-1, 2.0, "2", True, None])
def test_the_tube_must_be_a_number_of_dilations(tube):
    with pytest.raises(ArgumentError, match=r"tube is .*; it must be a whole number of dilations, from 0 on"):
        SkeletonRecallLoss(tube)


@pytest.mark.parametrize("smooth", [0, -1.0, float("nan"), float("inf")])
def test_smooth_must_be_above_zero(smooth):
    with pytest.raises(ArgumentError, match=r"smooth is .*above 0"):
        SkeletonRecallLoss(smooth=smooth)


def test_options_are_shown():
    assert repr(SkeletonRecallLoss()) == "SkeletonRecallLoss(tube=2, smooth=1e-05)"
