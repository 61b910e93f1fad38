"""What is said of a loss is what it does: its value, its gradient, its matching."""

import numpy as np
import pytest
import torch

from topobench import load_loss
from topobench.losses.explain import explain_loss
from topobench.losses.toys import TOYS

WHOLE = {"patch_size": None, "min_persistence": 0.0}


def test_cross_entropy_by_hand():
    found = explain_loss(load_loss("cross-entropy"), [[0.8, 0.4]], np.array([[True, False]]))
    assert found.value == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)
    assert found.gradient == pytest.approx(np.array([[-1 / 1.6, 1 / 1.2]]))
    assert found.matching is None


def test_topological_by_hand():
    ring = np.array([[0.8, 0.8, 0.8], [0.8, 0.3, 0.8], [0.8, 0.8, 0.8]])
    loss = load_loss("topological", frame=False, **WHOLE)
    found = explain_loss(loss, ring, np.ones((3, 3), bool))
    assert found.value == pytest.approx(0.5**2 / 2)
    assert found.gradient[1, 1] == pytest.approx(-0.5)  # the false hole is filled
    assert np.count_nonzero(found.gradient) == 2
    assert found.matching.removed.tolist() == [True]
    assert found.matching.pairs.death_pixel.tolist() == [4]


@pytest.mark.parametrize("name", ["gap", "false-bridge", "split-cell", "merged-cells"])
def test_toys_move_the_way_they_must(name):
    toy = TOYS[name]
    found = explain_loss(load_loss("topological", **WHOLE), toy.likelihood, toy.truth)
    assert all(found.gradient[pixel] < 0 for pixel in toy.up)
    assert all(found.gradient[pixel] > 0 for pixel in toy.down)
    moved = found.matching.matched | found.matching.removed
    pairs = found.matching.pairs
    critical = {*pairs.birth_pixel[moved].tolist(), *pairs.death_pixel[moved].tolist()}
    assert set(np.flatnonzero(found.gradient).tolist()) <= critical


def test_masks_and_losses_without_a_gradient():
    found = explain_loss(load_loss("cross-entropy"), np.eye(3, dtype=bool), ~np.eye(3, dtype=bool))
    assert np.isfinite(found.gradient).all()
    assert np.isfinite(found.value)
    flat = explain_loss(load_loss("topological", frame=False, **WHOLE), np.full((5, 5), 0.5), np.zeros((5, 5), bool))
    assert not flat.gradient.any()
    constant = explain_loss(lambda logits, target: torch.tensor(2.0), np.full((5, 5), 0.5), np.zeros((5, 5), bool))
    assert (constant.value, constant.gradient.any()) == (2, False)
