"""The copied loss computes what the copied code computes, faults included: held against a plain reading with gudhi."""

import gudhi
import numpy as np
import pytest
import torch
from hypothesis import assume, given

from tests.strategies import distinct_images
from topobench.errors import ArgumentError, TopobenchError
from topobench.losses import TopoLoss2021
from topobench.losses.toys import TOYS


def plain(logits, truth):
    """Value and gradient (H, W) for one patch, as FIELD tells it: gudhi takes the flat map for one in Fortran order."""
    likelihood = 1 / (1 + np.exp(-logits))
    diagrams = [_dots(1 - likelihood), _dots(1.0 - truth)]
    if truth.all() or not truth.any() or diagrams[1] is None or diagrams[0] is None:
        return 0.0, np.zeros(logits.size)
    (births, deaths), count = diagrams[0], len(diagrams[1][0])
    if not len(births):
        raise IndexError
    flat, value, slope = likelihood.ravel(), 0.0, np.zeros(logits.size)
    ranked = sorted(range(len(births)), key=lambda dot: flat[deaths[dot]] - flat[births[dot]])
    for rank, dot in enumerate(ranked):
        birth, death = births[dot], deaths[dot]
        persistence = flat[birth] - flat[death]
        if rank < count:
            targets = (0, 1) if persistence <= 0.99 else None
        else:
            targets = (flat[death], flat[birth]) if persistence > 0.03 else None
        for pixel, target in zip((birth, death), targets or (), strict=False):
            value += (logits.flat[pixel] - target) ** 2
            slope[pixel] += 2 * (logits.flat[pixel] - target)
    return value, slope


def _dots(inverted):
    """Birth and death pixels of the finite classes of dimension 0, or None where no class at all is finite."""
    complex_ = gudhi.CubicalComplex(dimensions=list(inverted.shape), top_dimensional_cells=inverted.ravel())
    complex_.persistence(min_persistence=0)
    regular = complex_.cofaces_of_persistence_pairs()[0]
    if not any(len(pairs) for pairs in regular):
        return None
    return regular[0].T if len(regular[0]) else (np.zeros(0, int), np.zeros(0, int))


@given(distinct_images())
def test_value_and_gradient_are_those_of_the_copied_code(image):
    truth = image > 0.55
    logits = torch.logit(torch.from_numpy(image)).requires_grad_()
    loss = TopoLoss2021()
    try:
        value, slope = plain(logits.detach().numpy(), truth)
    except IndexError:
        with pytest.raises(IndexError, match="fault 5"):
            loss(logits[None, None], torch.from_numpy(truth)[None, None].double())
        return
    found = loss(logits[None, None], torch.from_numpy(truth)[None, None].double())
    found.backward()
    assert found.item() == pytest.approx(value)
    assert logits.grad.numpy().ravel() == pytest.approx(slope)


@given(distinct_images())
def test_grid_of_patches_is_summed(image):
    assume(min(image.shape) > 4)
    truth, logits, total = image > 0.55, np.log(image / (1 - image)), 0.0
    try:
        for top in range(0, image.shape[0], 4):
            for left in range(0, image.shape[1], 4):
                window = slice(top, top + 4), slice(left, left + 4)
                total += plain(logits[window], truth[window])[0]
    except IndexError:
        assume(False)
    found = TopoLoss2021(patch_size=4)(torch.from_numpy(logits)[None, None], torch.from_numpy(truth)[None, None] * 1.0)
    assert found.item() == pytest.approx(total)


def test_lambda_depends_on_the_size_of_the_image():
    toy = TOYS["false-bridge"]
    values = []
    for copies in (1, 2):
        logits = np.tile(np.log(toy.likelihood / (1 - toy.likelihood)), (copies, copies))
        truth = torch.from_numpy(np.tile(toy.truth, (copies, copies)))[None, None] * 1.0
        values.append(TopoLoss2021(patch_size=13)(torch.from_numpy(logits)[None, None], truth).item())
    assert values[0] > 0
    assert values[1] == pytest.approx(4 * values[0])


def test_broken_road_has_no_loss():
    toy = TOYS["gap"]
    logits = torch.logit(torch.from_numpy(toy.likelihood))[None, None]
    assert TopoLoss2021()(logits, torch.from_numpy(toy.truth)[None, None] * 1.0).item() == 0


def test_one_component_with_a_hole_raises_an_error_of_ours_that_is_an_index_error():
    ring = torch.full((1, 1, 3, 3), 2.0)
    ring[..., 1, 1] = -1.0
    target = torch.zeros(1, 1, 3, 3)
    target[..., 0, 0] = target[..., 2, 2] = 1.0
    with pytest.raises(IndexError, match=r"a hole in a single component.*'topological' takes such maps") as found:
        TopoLoss2021()(ring, target)
    assert isinstance(found.value, TopobenchError)


def test_patch_size_is_checked():
    with pytest.raises(ArgumentError, match="patch_size is None"):
        TopoLoss2021(patch_size=None)
