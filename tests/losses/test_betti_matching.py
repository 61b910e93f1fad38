"""The Betti matching loss: values by hand, by a plain reading of its formula, and what it sees beyond numbers."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import connectivities, distinct_images
from topobench.losses import BettiMatchingLoss, TopologicalLoss
from topobench.losses.subject import as_batch
from topobench.topology import match_barcodes

RING = np.array([[0.8, 0.8, 0.8], [0.8, 0.3, 0.8], [0.8, 0.8, 0.8]])
FULL, EMPTY = np.ones((3, 3), bool), np.zeros((3, 3), bool)
TRUE_RING = FULL & (np.arange(9).reshape(3, 3) != 4)


def of(likelihood, truth, loss):
    """Value and gradient with respect to the likelihood (H, W)."""
    leaf = as_batch(likelihood).requires_grad_()
    value = loss(torch.logit(leaf, eps=1e-12), as_batch(truth))
    value.backward()
    return value.item(), leaf.grad[0, 0].numpy()


@pytest.mark.parametrize(
    ("truth", "dimensions", "wanted"),
    [
        (TRUE_RING, (0, 1), 2 * 0.2**2 + 2 * (0.2**2 + 0.3**2)),  # both the same: the component, then the hole
        (FULL, (0, 1), 2 * 0.2**2 + 0.5**2),  # the hole has no partner
        (EMPTY, (0, 1), 0.8**2 + 0.5**2),  # neither has one
        (EMPTY, (1,), 0.5**2),
    ],
)
def test_value_by_hand(truth, dimensions, wanted):
    assert of(RING, truth, BettiMatchingLoss(dimensions=dimensions))[0] == pytest.approx(wanted, abs=1e-6)


def test_gap_by_hand():
    # the line is one component in the truth, two in the likelihood: the younger, (0.8, 0.2), has met the elder in the
    # union before it was born, and goes; the elder (0.9) is matched with the line
    likelihood = np.array([[0.9, 0.2, 0.8]])
    value, gradient = of(likelihood, np.ones((1, 3), bool), BettiMatchingLoss())
    assert value == pytest.approx(2 * 0.1**2 + 0.6**2)
    assert gradient.tolist() == [pytest.approx([-4 * 0.1, -2 * 0.6, 2 * 0.6])]


def two_rooms(left, right):
    """A block of 0.9 with two pixels in it."""
    maps = np.full((5, 9), 0.9)
    maps[2, 2], maps[2, 6] = left, right
    return maps


def test_it_sees_where_the_other_only_counts():
    # the truth has a hole at the left, the likelihood one at the right: as many, but not the same
    likelihood, truth = two_rooms(0.9, 0.1), two_rooms(0.1, 0.9) > 0.5
    counts = TopologicalLoss(patch_size=None, frame=False)
    value, gradient = of(likelihood, truth, counts)
    assert value == pytest.approx(0.1**2 + 0.1**2)
    assert gradient[2, 6] > 0  # it deepens the wrong hole
    value, gradient = of(likelihood, truth, BettiMatchingLoss(dimensions=(1,)))
    assert value == pytest.approx(0.8**2 + 1)
    assert gradient[2, 6] < 0  # it fills the wrong hole


@given(distinct_images(), st.randoms(use_true_random=False), connectivities, st.booleans())
def test_value_and_gradient_are_the_formulas(image, random, connectivity, frame):
    truth = np.array([random.random() < 0.5 for _ in range(image.size)]).reshape(image.shape)
    found = match_barcodes(image, truth, connectivity, frame)
    value, slope = 0.0, np.zeros(image.size)
    for pair in range(len(found.prediction)):
        birth, death = min(found.prediction.birth[pair], 1), max(found.prediction.death[pair], 0)
        mate, up, down = found.partner[pair], birth - death, death - birth
        other = (min(found.truth.birth[mate], 1), max(found.truth.death[mate], 0)) if mate >= 0 else (0, 0)
        if other[0] > other[1]:
            up, down = 2 * (birth - other[0]), 2 * (death - other[1])
            value += 2 * ((birth - other[0]) ** 2 + (death - other[1]) ** 2)
        else:
            value += (birth - death) ** 2
        for pixel, part in ((found.prediction.birth_pixel[pair], up), (found.prediction.death_pixel[pair], down)):
            if pixel >= 0:
                slope[pixel] += 2 * part
    alone = np.setdiff1d(np.arange(len(found.truth)), found.partner)
    value += sum((min(found.truth.birth[k], 1) - max(found.truth.death[k], 0)) ** 2 for k in alone)
    measured, gradient = of(image, truth, BettiMatchingLoss(connectivity=connectivity, frame=frame))
    assert measured == pytest.approx(value, abs=1e-7)
    assert gradient.ravel() == pytest.approx(slope, abs=1e-6)


def test_patches_of_a_batch_are_averaged():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 1, 30, 41, generator=generator)
    target = (torch.rand(3, 1, 30, 41, generator=generator) < 0.3).float()
    whole, patched = BettiMatchingLoss(), BettiMatchingLoss(patch_size=50, patches=3)
    assert patched(logits, target).item() == pytest.approx(whole(logits, target).item(), rel=1e-6)
    small = BettiMatchingLoss(patch_size=9, patches=5)
    first = small(logits, target).item()
    small.reseed(0)
    assert small(logits, target).item() == first
    assert 0 < first < whole(logits, target).item()
