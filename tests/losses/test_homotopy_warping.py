"""The homotopy warping loss: values by hand, its critical pixels, and what it leaves to cross entropy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import connectivities, distinct_images
from topobench.errors import ArgumentError
from topobench.losses import CrossEntropyLoss, HomotopyWarpingLoss
from topobench.losses.subject import Subject, as_batch, random_maps
from topobench.losses.toys import TOYS
from topobench.topology import betti_numbers, warp


def value_and_pixels(loss, likelihood, truth):
    """The loss, and the set of pixels that have a gradient."""
    value, gradient = Subject(loss).slope(np.asarray(likelihood), np.asarray(truth, bool))
    return value, {(int(row), int(column)) for row, column in np.argwhere(gradient)}


def test_a_gap_costs_the_cross_entropy_of_its_pixel_spread_over_the_image():
    toy = TOYS["gap"]
    value, pixels = value_and_pixels(HomotopyWarpingLoss(), toy.likelihood, toy.truth)
    assert value == pytest.approx(-np.log(0.3) / 169)
    assert pixels == {*toy.up}


def test_the_last_pixel_of_a_gap_is_the_least_sure_of_those_in_the_middle():
    likelihood = [[0.9, 0.9, 0.1, 0.2, 0.3, 0.1, 0.9, 0.9]]
    truth = [[1, 1, 1, 1, 1, 1, 1, 1]]
    value, pixels = value_and_pixels(HomotopyWarpingLoss(), likelihood, truth)
    # The prediction grows from both ends: 0.1, 0.1, then the less sure one of the middle (0.3): 0.2 is left.
    # The truth shrinks nowhere: each pixel of the line is a bridge, so all four are left.
    assert pixels == {(0, 2), (0, 3), (0, 4), (0, 5)}
    assert value == pytest.approx(-np.log([0.1, 0.2, 0.3, 0.1]).sum() / 8)
    grown = warp(np.array(likelihood) >= 0.5, truth, doubt=[[0, 0, 0.1, 0.2, 0.3, 0.1, 0, 0]])
    assert np.flatnonzero(~grown).tolist() == [3]


def test_mistakes_that_only_move_a_border_are_left_to_cross_entropy():
    truth = np.zeros((9, 9), bool)
    truth[3:6] = True
    likelihood = np.where(truth, 0.8, 0.1)
    likelihood[2] = 0.7
    assert value_and_pixels(HomotopyWarpingLoss(), likelihood, truth) == (0, set())


@given(distinct_images(), st.integers(0, 2**32 - 1), connectivities, st.booleans())
def test_only_wrong_pixels_are_critical_and_none_if_one_can_be_warped_into_the_other(
    likelihood, seed, connectivity, frame
):
    truth = np.random.default_rng(seed).random(likelihood.shape) < 0.5
    value, gradient = Subject(HomotopyWarpingLoss(connectivity, frame)).slope(likelihood, truth)
    prediction, doubt = likelihood >= 0.5, 0.5 - np.abs(likelihood - 0.5)
    left = warp(truth, prediction, connectivity, frame, doubt) != prediction
    left |= warp(prediction, truth, connectivity, frame, doubt) != truth
    assert np.array_equal(gradient != 0, left)
    assert not (left & (prediction == truth)).any()
    entropy = -np.log(np.where(truth, likelihood, 1 - likelihood))
    assert value == pytest.approx((entropy * left).mean(), abs=1e-12)
    if value == 0:
        assert betti_numbers(prediction, connectivity, frame) == betti_numbers(truth, connectivity, frame)


def test_beside_cross_entropy_critical_pixels_count_more():
    likelihood, truth = random_maps(0, (20, 20))
    entropy, warping = (
        Subject(loss).slope(likelihood, truth)[1] for loss in (CrossEntropyLoss(), HomotopyWarpingLoss())
    )
    critical = warping != 0
    assert 10 < critical.sum() < 300
    assert np.allclose(warping[critical], entropy[critical])


def test_no_turn_changes_the_loss_where_the_network_is_sure():
    """Likelihoods of such logits are 0 and 1 in float32: by them many pixels would be equally sure."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        logits = 20 * torch.randn(1, 1, 24, 24, generator=generator)
        target = (torch.rand(1, 1, 24, 24, generator=generator) < 0.5).float()
        values = [
            HomotopyWarpingLoss()(turn(logits), turn(target)).item()
            for turn in (torch.clone, lambda maps: maps.flip(-2))
        ]
        values.append(HomotopyWarpingLoss()(logits.mT, target.mT).item())
        values.append(HomotopyWarpingLoss()(logits.flip(-1), target.flip(-1)).item())
        assert values == pytest.approx([values[0]] * 4, rel=1e-5)


def test_a_batch_is_the_mean_of_its_images():
    maps = [random_maps(seed, (40, 30)) for seed in range(3)]
    logits = torch.cat([torch.logit(as_batch(likelihood)) for likelihood, _ in maps])
    target = torch.cat([as_batch(truth) for _, truth in maps])
    values = [float(HomotopyWarpingLoss()(logits[[k]], target[[k]])) for k in range(3)]
    assert float(HomotopyWarpingLoss()(logits, target)) == pytest.approx(np.mean(values))


def test_options_that_there_are_not():
    with pytest.raises(ArgumentError, match="connectivity is 7"):
        HomotopyWarpingLoss(connectivity=7)
    with pytest.raises(ArgumentError, match="frame is None; it must be True or False"):
        HomotopyWarpingLoss(frame=None)
    assert repr(HomotopyWarpingLoss(4)) == "HomotopyWarpingLoss(connectivity=4, frame=False)"
