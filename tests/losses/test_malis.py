"""The maximin affinity loss: values by hand, all pairs one by one, and the two constrained passes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage import measure

from tests.strategies import connectivities, distinct_images
from topobench.errors import ArgumentError
from topobench.losses import MalisLoss
from topobench.losses.subject import Subject
from topobench.losses.toys import TOYS


def test_a_leak_between_two_regions_by_hand():
    likelihood, truth = np.array([[0.1, 0.4, 0.2]]), np.array([[0, 1, 0]], bool)
    value, gradient = Subject(MalisLoss(margin=0.1)).slope(likelihood, truth)
    # Affinities .9 .6 .8: two regions of a pixel each, and three pairs. Each region with itself: (1 - .9 - .1)^2 = 0
    # and (1 - .8 - .1)^2; the one with the other: (.6 - .1)^2.
    assert value == pytest.approx((0.1**2 + 0.5**2) / 6)
    assert np.allclose(gradient, [[0, -0.5 / 3, 0.1 / 3]])


def test_a_region_cut_in_two_by_hand():
    likelihood, truth = np.array([[0.1, 0.1, 0.8, 0.1]]), np.zeros((1, 4), bool)
    value, gradient = Subject(MalisLoss()).slope(likelihood, truth)
    # Of ten pairs two lead over the cut, three to its pixel, and one is that pixel's own.
    assert value == pytest.approx(6 * (1 - 0.2 - 0.3) ** 2 / 20)
    assert np.allclose(gradient, [[0, 0, 6 * 0.5 / 10, 0]])


def maximin(affinity, connectivity):
    """The greatest threshold at which two pixels are connected, of all pairs (N, N)."""
    best = np.full((affinity.size, affinity.size), -np.inf)
    for value in np.unique(affinity):
        component = measure.label(affinity >= value, connectivity=2 if connectivity == 8 else 1).ravel()
        best[(component[:, None] == component) & (component > 0)] = value
    return best


def slowly(likelihood, truth, phase, connectivity, margin, constrained):
    """Every pair by itself, as the docstring has it."""
    affinity, inside = (1 - likelihood, ~truth) if phase == "regions" else (likelihood, truth)
    reach = 12 - connectivity if phase == "regions" else connectivity
    label = measure.label(inside, connectivity=2 if reach == 8 else 1).ravel()
    pairs = np.triu((label > 0)[:, None] & (label > 0))
    within, across = np.where(inside, affinity, -1), np.where(inside, 2, affinity)
    near, far = (maximin(within, reach), maximin(across, reach)) if constrained else (maximin(affinity, reach),) * 2
    same = pairs & (label[:, None] == label)
    cost = np.clip(1 - near - margin, 0, None)[same] ** 2
    other = np.clip(far - margin, 0, None)[pairs & ~same] ** 2
    return (cost.sum() + other.sum()) / 2 / max(pairs.sum(), 1)


@given(
    distinct_images(),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["regions", "structure"]),
    connectivities,
    st.sampled_from([0.0, 0.3]),
    st.booleans(),
)
def test_as_pair_by_pair(likelihood, seed, phase, connectivity, margin, constrained):
    truth = np.random.default_rng(seed).random(likelihood.shape) < 0.5
    wanted = slowly(likelihood, truth, phase, connectivity, margin, constrained)
    loss = MalisLoss(phase, connectivity, margin, constrained)
    assert Subject(loss).value(likelihood, truth) == pytest.approx(wanted, abs=1e-12)


def test_constrained_passes_pull_segments_up_and_what_lies_between_down():
    generator = np.random.default_rng(0)
    likelihood, truth = generator.uniform(0.2, 0.8, (12, 12)), np.zeros((12, 12), bool)
    truth[6], truth[:, 4] = True, True
    _, gradient = Subject(MalisLoss(constrained=True, margin=0.0)).slope(likelihood, truth)
    assert (gradient[truth] <= 0).all()  # membranes are to rise
    assert (gradient[~truth] >= 0).all()
    assert np.count_nonzero(gradient[truth]) > 0
    _, free = Subject(MalisLoss(margin=0.0)).slope(likelihood, truth)
    assert (free[truth] > 0).any() or (free[~truth] < 0).any()  # else the two would be no different


def test_phases_are_each_other_inverted():
    toy = TOYS["merged-cells"]
    regions = Subject(MalisLoss("regions", connectivity=8)).slope(toy.likelihood, toy.truth)
    inverted = toy.inverted()
    structure = Subject(MalisLoss("structure", connectivity=4)).slope(inverted.likelihood, inverted.truth)
    assert regions[0] == pytest.approx(structure[0])
    assert np.allclose(regions[1], -structure[1])
    assert MalisLoss("regions").frame
    assert not MalisLoss("structure").frame


def test_no_segment_costs_nothing_and_float32_is_near():
    logits = torch.randn(2, 1, 40, 50, generator=torch.Generator().manual_seed(0), requires_grad=True)
    value = MalisLoss()(logits, torch.ones(2, 1, 40, 50))
    value.backward()
    assert value.item() == 0
    assert not logits.grad.any()
    target = torch.zeros(2, 1, 40, 50)
    target[..., 20, :] = 1
    coarse, fine = (float(MalisLoss()(part, target)) for part in (logits.detach(), logits.detach().double()))
    assert coarse == pytest.approx(fine, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"phase": "cells"}, "phase is 'cells'; it must be 'regions' or 'structure'"),
        ({"connectivity": 5}, "connectivity is 5"),
        ({"margin": 0.5}, r"margin is 0.5; it must be a number in \[0, 0.5\)"),
        ({"margin": "0.3"}, "margin is '0.3'; it must be a number"),
        ({"margin": float("nan")}, "margin is nan"),
        ({"constrained": 1}, "constrained is 1; it must be True or False"),
    ],
)
def test_options_that_there_are_not(options, words):
    with pytest.raises(ArgumentError, match=words):
        MalisLoss(**options)
