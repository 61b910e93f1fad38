"""The component-graph loss: values by hand, which pixels have a gradient, and the plain sum over regions."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import connectivities, distinct_images
from topobench.errors import ArgumentError
from topobench.losses import TopographLoss
from topobench.losses.subject import Subject, as_batch, random_maps
from topobench.losses.toys import TOYS
from topobench.topology import betti_matching, critical_regions


def test_each_critical_region_costs_its_mean_probability_of_the_wrong_class():
    likelihood = np.array([[0.9, 0.9, 0.3, 0.1, 0.9], [0.1, 0.1, 0.1, 0.1, 0.1], [0.6, 0.8, 0.1, 0.1, 0.1]])
    truth = np.array([[1, 1, 1, 1, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]], bool)
    value, gradient = Subject(TopographLoss()).slope(likelihood, truth)
    assert value == pytest.approx((0.7 + 0.9) / 2 + (0.6 + 0.8) / 2)  # a gap of two pixels, an island of two
    wanted = np.zeros((3, 5))
    wanted[0, 2:4], wanted[2, :2] = -1 / 2, 1 / 2
    assert np.allclose(gradient, wanted)


def test_mistakes_that_only_move_a_border_cost_nothing():
    truth = np.zeros((9, 9), bool)
    truth[3:6] = True
    for row in (2, 6):  # one row more on either side
        likelihood = np.where(truth, 0.8, 0.1)
        likelihood[row] = 0.7
        assert Subject(TopographLoss()).slope(likelihood, truth)[0] == 0


@given(distinct_images(), st.integers(0, 2**32 - 1), connectivities, st.booleans())
def test_as_a_plain_sum_over_regions(likelihood, seed, connectivity, frame):
    truth = np.random.default_rng(seed).random(likelihood.shape) < 0.5
    loss = TopographLoss(connectivity, frame)
    regions = critical_regions(likelihood >= 0.5, truth, connectivity, frame)
    wrong = np.abs(likelihood - truth)
    wanted = sum(wrong[regions == number].mean() for number in range(1, regions.max() + 1))
    value, gradient = Subject(loss).slope(likelihood, truth)
    assert value == pytest.approx(wanted, abs=1e-12)
    assert np.array_equal(gradient != 0, regions > 0)
    assert ((gradient > 0) == ((regions > 0) & ~truth)).all()
    if value == 0:
        assert not betti_matching(likelihood >= 0.5, truth, connectivity, frame).error.any()


def test_a_batch_is_the_mean_of_its_images_and_large_ones_are_taken():
    maps = [random_maps(seed, (150, 170)) for seed in range(2)]
    logits = torch.cat([torch.logit(as_batch(likelihood)) for likelihood, _ in maps])
    target = torch.cat([as_batch(truth) for _, truth in maps])
    values = [float(TopographLoss()(logits[[k]], target[[k]])) for k in range(2)]
    assert min(values) > 100  # many regions: each counts once
    assert float(TopographLoss()(logits, target)) == pytest.approx(np.mean(values))


@pytest.mark.parametrize("structure", [False, True])
def test_a_region_as_large_as_the_image_prints_no_warning(structure):
    truth = np.full((3, 4), structure)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, gradient = Subject(TopographLoss()).slope(np.where(truth, 0.2, 0.8), truth)
    assert value == pytest.approx(0.8)
    assert np.allclose(np.abs(gradient), 1 / 12)


def test_the_frame_is_structure_beyond_the_image():
    toy = TOYS["gap-at-border"]  # the first pixel of a membrane that leaves the image
    assert Subject(TopographLoss(frame=True)).slope(toy.likelihood, toy.truth)[0] == pytest.approx(0.7)
    assert Subject(TopographLoss(frame=False)).slope(toy.likelihood, toy.truth)[0] == 0  # a line, a pixel shorter


def test_options_that_there_are_not():
    with pytest.raises(ArgumentError, match="connectivity is 6"):
        TopographLoss(connectivity=6)
    with pytest.raises(ArgumentError, match="frame is 'yes'; it must be True or False"):
        TopographLoss(frame="yes")
    assert repr(TopographLoss()) == "TopographLoss(connectivity=8, frame=False)"
