"""The topological loss: values worked by hand, its gradient by the definition, and its symmetries.

That descent goes the right way is asked of every loss in test_conformance.
"""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import connectivities, distinct_images, images
from topobench.errors import ArgumentError
from topobench.losses import TopologicalLoss
from topobench.topology import betti_numbers, persistence_pairs

RING = np.array([[0.8, 0.8, 0.8], [0.8, 0.3, 0.8], [0.8, 0.8, 0.8]])
FULL, EMPTY = np.ones((3, 3), bool), np.zeros((3, 3), bool)
TRUE_RING = FULL & (np.arange(9).reshape(3, 3) != 4)


def of(likelihood, truth, **options):
    """The loss of one likelihood map, and the likelihood tensor, through logits as a model would give them."""
    tensor = torch.tensor(np.asarray(likelihood), dtype=torch.float64, requires_grad=True)
    loss = TopologicalLoss(**{"patch_size": None, "min_persistence": 0.0, **options})
    target = torch.tensor(np.asarray(truth), dtype=torch.float64)
    return loss(torch.logit(tensor, eps=1e-9)[None, None], target[None, None]), tensor


@pytest.mark.parametrize(
    ("truth", "dimensions", "wanted"),
    [
        (TRUE_RING, (1,), 0.2**2 + 0.3**2),  # the hole (0.8, 0.3) goes to (1, 0)
        (TRUE_RING, (0, 1), 0.2**2 + 0.3**2 + 0.2**2),  # and the component (0.8, -inf) to (1, 0), its death free
        (FULL, (1,), 0.5**2 / 2),  # the hole goes to the diagonal
        (EMPTY, (0, 1), 0.5**2 / 2 + 0.8**2 / 2),  # and so does the component, its death read as 0
    ],
)
def test_value_by_hand(truth, dimensions, wanted):
    loss, _ = of(RING, truth, frame=False, dimensions=dimensions)
    assert loss.item() == pytest.approx(wanted, abs=1e-8)


def test_value_by_hand_with_frame():
    # framed, the line of 0.7 parts the ring's hole in two: (inf, 0.1) and (0.7, 0.2); +inf is read as 1
    likelihood = np.array([[0.1, 0.3, 0.4], [0.7, 0.8, 0.9], [0.2, 0.4, 0.5]])
    truth = np.array([[0, 0, 0], [1, 1, 1], [0, 0, 0]])
    loss, tensor = of(likelihood, truth)
    assert loss.item() == pytest.approx(0.1**2 + 0.3**2 + 0.2**2, abs=1e-8)
    loss.backward()
    wanted = np.zeros((3, 3))
    wanted[0, 0], wanted[1, 0], wanted[2, 0] = 2 * 0.1, -2 * 0.3, 2 * 0.2
    assert tensor.grad.numpy() == pytest.approx(wanted, abs=1e-7)


@pytest.mark.parametrize("matching", ["persistence", "wasserstein"])
def test_truth_class_without_partner_costs_one_half(matching):
    loss, tensor = of(np.full((3, 3), 0.2), TRUE_RING, frame=False, matching=matching)
    assert loss.item() == 0.5
    if loss.requires_grad:
        loss.backward()
        assert not tensor.grad.any()


def test_min_persistence_leaves_small_classes_alone():
    loss, _ = of(RING, FULL, frame=False, min_persistence=0.51)
    assert loss.item() == 0


def test_wasserstein_may_prefer_the_diagonal():
    # (0.45, 0.4): p - (1 - b - d)^2 / 2 = 0.05 - 0.01125 > 0, matched; (0.9, 0.88): 0.02 - 0.3042 < 0, not
    for high, low, wanted in ((0.45, 0.40, 0.55**2 + 0.40**2), (0.9, 0.88, 0.02**2 / 2 + 0.5)):
        likelihood = np.where(TRUE_RING, high, low)
        loss, _ = of(likelihood, TRUE_RING, frame=False, matching="wasserstein")
        assert loss.item() == pytest.approx(wanted, abs=1e-8)
        forced, _ = of(likelihood, TRUE_RING, frame=False)
        assert forced.item() == pytest.approx((1 - high) ** 2 + low**2, abs=1e-8)


def test_each_matching_has_its_own_choice_of_the_best_class():
    # two rings: (0.95, 0.60) is more persistent, (0.62, 0.36) gains more: 0.26 - 0.0002 against 0.35 - 0.1513
    likelihood = np.zeros((3, 7))
    likelihood[:, :3], likelihood[:, 4:] = 0.95, 0.62
    likelihood[1, 1], likelihood[1, 5] = 0.60, 0.36
    truth = np.zeros((3, 7), bool)
    truth[:, 4:] = True
    truth[1, 5] = False
    by_persistence, _ = of(likelihood, truth, frame=False)
    assert by_persistence.item() == pytest.approx(0.05**2 + 0.60**2 + 0.26**2 / 2, abs=1e-8)
    by_gain, _ = of(likelihood, truth, frame=False, matching="wasserstein")
    assert by_gain.item() == pytest.approx(0.38**2 + 0.36**2 + 0.35**2 / 2, abs=1e-8)
    assert by_gain.item() < by_persistence.item()  # it is the least cost over all bijections


@given(distinct_images(), st.booleans())
def test_wasserstein_is_the_least_cost_of_all_matchings(image, frame):
    pairs = persistence_pairs(image, 8, frame, (1,))
    birth, death = np.minimum(pairs.birth, 1), pairs.death
    truth = image > 0.6
    count = betti_numbers(truth, 8, frame)[1]
    to_truth, to_diagonal = (1 - birth) ** 2 + death**2, (birth - death) ** 2 / 2
    saved = np.sort(to_diagonal + 0.5 - to_truth)[::-1][:count]  # matching saves both ways to the diagonal
    loss, _ = of(image, truth, frame=frame, matching="wasserstein")
    assert loss.item() == pytest.approx(to_diagonal.sum() + count / 2 - saved[saved > 0].sum(), abs=1e-7)


@given(distinct_images(), connectivities, st.booleans())
def test_gradient_is_the_definitions_at_critical_pixels_and_zero_elsewhere(image, connectivity, frame):
    truth = image > 0.6
    loss, tensor = of(image, truth, connectivity=connectivity, frame=frame, dimensions=(0, 1))
    loss.backward()
    pairs = persistence_pairs(image, connectivity, frame)
    wanted, count = np.zeros(image.size), betti_numbers(truth, connectivity, frame)
    birth, death = np.minimum(pairs.birth, 1), np.maximum(pairs.death, 0)
    for dimension in (0, 1):
        mine = np.flatnonzero(pairs.dimension == dimension)
        ranked = sorted(mine, key=lambda pair: (not np.isneginf(pairs.death[pair]), death[pair] - birth[pair]))
        for rank, pair in enumerate(ranked):
            matched = rank < count[dimension]
            up = 2 * (birth[pair] - 1) if matched else birth[pair] - death[pair]
            down = 2 * death[pair] if matched else death[pair] - birth[pair]
            for pixel, slope in ((pairs.birth_pixel[pair], up), (pairs.death_pixel[pair], down)):
                if pixel >= 0:
                    wanted[pixel] += slope
    assert tensor.grad.numpy().ravel() == pytest.approx(wanted, abs=1e-6)


@given(images(), connectivities, st.booleans())
def test_zero_where_prediction_equals_truth(image, connectivity, frame):
    truth = image >= 0.5
    loss, _ = of(truth, truth, connectivity=connectivity, frame=frame, dimensions=(0, 1))
    assert loss.item() == pytest.approx(0, abs=1e-12)


@given(images())
def test_anything_costs_where_the_truth_is_empty(image):
    loss, _ = of(image, np.zeros(image.shape, bool), frame=False, dimensions=(0, 1))
    assert (loss.item() > 1e-12) == bool((image > 0).any())


@pytest.mark.parametrize("prediction", [0.0, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("truth", ["empty", "full", "random"])
@pytest.mark.parametrize("matching", ["persistence", "wasserstein"])
def test_flat_maps_are_finite_and_positive_where_wrong(prediction, truth, matching):
    masks = {
        "empty": np.zeros((6, 8), bool),
        "full": np.ones((6, 8), bool),
        "random": np.random.default_rng(0).random((6, 8)) < 0.5,
    }
    mask = masks[truth]
    for frame in (False, True):
        loss, tensor = of(np.full((6, 8), prediction), mask, frame=frame, dimensions=(0, 1), matching=matching)
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(tensor.grad).all()
        found, wanted = (betti_numbers(m, 8, frame) for m in (np.full((6, 8), prediction >= 0.5), mask))
        assert loss.item() > 1e-3 or found == wanted


@given(distinct_images(), connectivities, st.booleans())
def test_gradient_agrees_with_finite_differences(image, connectivity, frame):
    truth = image > np.median(image)
    options = {"connectivity": connectivity, "frame": frame, "dimensions": (0, 1)}
    loss, tensor = of(image, truth, **options)
    loss.backward()
    step = 1e-6
    pixel = np.unravel_index(np.argmax(np.abs(tensor.grad.numpy())), image.shape)
    ends = []
    for sign in (1, -1):
        moved = image.copy()
        moved[pixel] += sign * step
        ends.append(of(moved, truth, **options)[0].item())
    assert tensor.grad.numpy()[pixel] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-4)


@given(images() | distinct_images())
def test_flips_and_transposes_change_nothing(image):
    truth = image > 0.5
    wanted = of(image, truth, dimensions=(0, 1))[0].item()
    for turn in (np.flipud, np.fliplr, np.transpose):
        assert of(turn(image).copy(), turn(truth).copy(), dimensions=(0, 1))[0].item() == pytest.approx(wanted)


def test_batch_is_the_mean_of_its_maps():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 1, 20, 14, generator=generator)
    target = (torch.rand(3, 1, 20, 14, generator=generator) < 0.3).float()
    loss = TopologicalLoss(patch_size=None)
    singles = [loss(logits[index : index + 1], target[index : index + 1]) for index in range(3)]
    assert loss(logits, target).item() == pytest.approx(torch.stack(singles).mean().item(), rel=1e-6)


def test_patches_point_at_the_right_pixels():
    """In patches of a non-square map, values read at the critical pixels are the pairs' own values."""
    logits = torch.randn(2, 1, 31, 47, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    target = torch.zeros_like(logits)
    loss = TopologicalLoss(patch_size=11, patches=6, dimensions=(0, 1), min_persistence=0.0)
    places = loss._places((2, 31, 47))
    likelihood = torch.sigmoid(logits)[:, 0]
    patches = np.stack([likelihood[m, y : y + 11, x : x + 11].numpy() for m, y, x in places])
    pairs = persistence_pairs(patches, frame=True)
    wanted = np.sum((np.minimum(pairs.birth, 1) - np.maximum(pairs.death, 0)) ** 2 / 2)
    wanted -= len(patches) * 0.5  # an empty truth has one framed component and one framed hole: the frame's own ...
    holes = pairs.dimension == 1
    for index in range(len(patches)):  # ... and its hole takes the most persistent one
        mine = holes & (pairs.image == index)
        birth, death = np.minimum(pairs.birth[mine], 1), pairs.death[mine]
        best = np.argmax(birth - death)
        wanted += (1 - birth[best]) ** 2 + death[best] ** 2 - (birth[best] - death[best]) ** 2 / 2
    loss.reseed(0)
    assert loss(logits, target).item() == pytest.approx(wanted / len(patches), rel=1e-6)


def test_seed_governs_the_patches():
    logits = torch.randn(1, 1, 90, 90, generator=torch.Generator().manual_seed(2))
    target = torch.zeros_like(logits)
    loss = TopologicalLoss(patch_size=33, patches=2)
    first, second = loss(logits, target).item(), loss(logits, target).item()
    loss.reseed(0)
    assert (loss(logits, target).item(), loss(logits, target).item()) == (first, second)
    assert first != second


def test_map_smaller_than_the_patch_is_used_whole():
    generator = torch.Generator().manual_seed(3)
    logits, target = torch.randn(1, 1, 9, 70, generator=generator), torch.zeros(1, 1, 9, 70)
    whole = TopologicalLoss(patch_size=None)(logits, target)
    assert TopologicalLoss(patch_size=100, patches=3)(logits, target).item() == pytest.approx(whole.item())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype):
    logits = torch.randn(1, 1, 24, 24, generator=torch.Generator().manual_seed(4)).to(dtype).requires_grad_()
    target = torch.zeros(1, 1, 24, 24, dtype=dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = TopologicalLoss(patch_size=None)(logits, target)
    loss.backward()
    assert loss.dtype == torch.float32
    assert torch.isfinite(logits.grad).all()
    assert loss.item() == pytest.approx(TopologicalLoss(patch_size=None)(logits.detach().float(), target).item())


def test_wrong_arguments():
    loss = TopologicalLoss()
    with pytest.raises(ArgumentError, match=r"shape \(2, 1, 8, 8\), the target \(2, 8, 8\)"):
        loss(torch.zeros(2, 1, 8, 8), torch.zeros(2, 8, 8))
    with pytest.raises(ArgumentError, match="nothing empty"):
        loss(torch.zeros(0, 1, 8, 8), torch.zeros(0, 1, 8, 8))
    with pytest.raises(ArgumentError, match=r"target has values in \[0, 255\]"):
        loss(torch.zeros(1, 1, 1, 2), torch.tensor([[[[0.0, 255.0]]]]))
    with pytest.raises(ArgumentError, match="dimensions is 1; it must be"):
        TopologicalLoss(dimensions=1)
    with pytest.raises(ArgumentError, match="patch_size is '65'"):
        TopologicalLoss(patch_size="65")
    with pytest.raises(ArgumentError, match="int64"):
        loss(torch.zeros(1, 1, 8, 8, dtype=torch.int64), torch.zeros(1, 1, 8, 8))
    with pytest.raises(ArgumentError, match=r"patch_size is 0; .*patches is 0"):
        TopologicalLoss(patch_size=0, patches=0)
    with pytest.raises(ArgumentError, match="frame is 'false'; it must be True or False"):
        TopologicalLoss(frame="false")
    with pytest.raises(ArgumentError, match="matching is 'best'"):
        TopologicalLoss(matching="best")


def test_whole_maps_can_be_written_in_a_recipe():
    generator = torch.Generator().manual_seed(3)
    logits, target = torch.randn(2, 1, 30, 40, generator=generator), torch.zeros(2, 1, 30, 40)
    whole = [TopologicalLoss(patch_size=size) for size in ("whole", None)]
    assert whole[0](logits, target) == whole[1](logits, target)
    assert repr(whole[0]) == repr(whole[1])
    assert "patches" not in repr(whole[0])
