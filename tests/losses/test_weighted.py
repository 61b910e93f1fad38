"""The weighted loss: schedules, and the rule that a topological term never trains alone."""

import pytest
import torch
from torch import nn

from tests.offline import untrained
from topobench import list_names, load_loss
from topobench.errors import ArgumentError
from topobench.losses import CrossEntropyLoss, TopologicalLoss, WeightedLoss
from topobench.losses.weighted import Term


def test_weight_waits_then_rises_then_stays():
    term = Term("topological", TopologicalLoss(), 0.4, start=0.5, ramp=0.2)
    weights = [term.weight_at(part) for part in (0.0, 0.49, 0.5, 0.6, 0.7, 0.99)]
    assert weights == pytest.approx([0, 0, 0, 0.2, 0.4, 0.4])


def test_sum_of_terms_and_values():
    terms = [
        Term("cross-entropy", CrossEntropyLoss(), 2.0),
        Term("topological", TopologicalLoss(patch_size=None), 0.5, 0.5),
    ]
    loss = WeightedLoss(terms)
    logits, target = torch.zeros(1, 1, 6, 6), torch.zeros(1, 1, 6, 6)
    early, values = loss(logits, target, 0.0)
    assert set(values) == {"cross-entropy"}
    assert early.item() == pytest.approx(2 * torch.log(torch.tensor(2.0)).item())
    late, values = loss(logits, target, 0.5)
    assert late.item() == pytest.approx(2 * values["cross-entropy"] + 0.5 * values["topological"])


def test_terms_of_one_name_have_a_value_each():
    """Cross entropy, and twice the square of the logits' mean, of which none is lost."""

    class Square(nn.Module):
        def forward(self, logits, target):
            return self.factor * logits.mean() ** 2

    first, second = Square(), Square()
    first.factor, second.factor = 1.0, 10.0
    loss = WeightedLoss([Term("a", CrossEntropyLoss(), 1.0), Term("b", first, 1.0), Term("b", second, 1.0, start=0.5)])
    logits = torch.full((1, 1, 2, 2), 2.0)
    assert list(loss(logits, torch.ones_like(logits), 0.0)[1]) == ["a", "b"]
    total, values = loss(logits, torch.ones_like(logits), 0.5)
    assert (values["b"], values["b#2"]) == (4.0, 40.0)
    assert total.item() == pytest.approx(values["a"] + 44)


def test_topological_term_never_trains_alone():
    with pytest.raises(ArgumentError, match="at least one, such as cross-entropy"):
        WeightedLoss([Term("topological", TopologicalLoss(), 1.0)])
    with pytest.raises(ArgumentError, match="at least one"):
        WeightedLoss([Term("cross-entropy", CrossEntropyLoss(), 1.0, start=0.5)])


def test_unknown_option_names_the_nearest():
    with pytest.raises(ArgumentError, match="did you mean 'patch_size'"):
        load_loss("topological", patchsize=3)


def masked_maps():
    """Logits that want a gradient, a target, and a mask without a corner and a hole."""
    random = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(2, 1, 24, 20, generator=random)
    valid = torch.ones(2, 1, 24, 20, dtype=torch.bool)
    valid[:, :, :9, :8] = valid[0, :, 14:19, 12:17] = False
    target = (torch.rand(2, 1, 24, 20, generator=random) < 0.3).float()
    return logits.requires_grad_(), target, valid


def sum_of(loss, logits, target, valid):
    """The weighted loss of that term, beside cross entropy of weight 1e-6 where it cannot train alone."""
    entropy = [] if loss.trains_alone else [Term("entropy", CrossEntropyLoss(), 1e-6)]
    whole = WeightedLoss([Term("tried", loss, 1.0), *entropy])
    whole.reseed(0)
    logits.grad = None
    total, values = whole(logits, target, 0.0, valid)
    total.backward()
    return total.item(), values["tried"], logits.grad.clone()


CASES = [(name, untrained("losses", name)) for name in list_names("losses")] + [
    ("topological", {"frame": False, "dimensions": (0, 1)}),
    ("topological", {"patch_size": 13, "matching": "wasserstein", "dimensions": (0, 1)}),
    ("betti-matching", {"frame": True}),
    ("wasserstein", {"frame": True}),
]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_what_is_not_valid_has_no_gradient_and_changes_nothing(name, options):
    logits, target, valid = masked_maps()
    total, value, gradient = sum_of(load_loss(name, **options), logits, target, valid)
    assert torch.isfinite(torch.tensor(value))
    assert (gradient[~valid] == 0).all()
    assert gradient[valid].any()
    with torch.no_grad():
        other = torch.where(valid, logits, -3 * logits + 7).requires_grad_()
    again = sum_of(load_loss(name, **options), other, torch.where(valid, target, 1 - target), valid)
    assert again[:2] == (total, value)
    assert torch.equal(again[2], gradient)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_without_valid_pixels_right_predictions_cost_nothing(name, options):
    logits, target, valid = masked_maps()
    _, value, gradient = sum_of(load_loss(name, **options), logits, target, torch.zeros_like(valid))
    assert value == pytest.approx(0, abs=1e-6)
    assert not gradient.any()


def test_cross_entropy_stays_a_mean_over_all_pixels():
    logits, target, valid = masked_maps()
    _, value, _ = sum_of(CrossEntropyLoss(), logits, target, valid)
    inside = CrossEntropyLoss()(logits[valid][None, None, None], target[valid][None, None, None])
    assert value == pytest.approx(inside.item() * valid.float().mean().item())


@pytest.mark.parametrize("frame", [None, False, True])
def test_any_module_sees_structure_where_it_frames_and_background_where_not(frame):
    seen = []

    class Plugin(nn.Module):
        trains_alone = True

        def forward(self, *given):
            seen.extend(given)
            return (torch.sigmoid(given[0]) * given[1]).sum()

    plugin = Plugin()
    if frame is not None:
        plugin.frame = frame
    logits, target, valid = masked_maps()
    sum_of(plugin, logits, target, valid)
    assert len(seen) == 2
    likelihood, truth = torch.sigmoid(seen[0])[~valid], seen[1][~valid]
    assert (likelihood == 1).all() if frame else (likelihood < 1e-12).all()
    assert (truth == float(bool(frame))).all()
    assert torch.equal(seen[0][valid], logits[valid])
    assert torch.equal(seen[1][valid], target[valid])
    seen.clear()
    WeightedLoss([Term("plugin", plugin, 1.0)])(logits, target, 0.0)
    assert seen[0] is logits
    assert seen[1] is target


def test_a_mask_of_other_shape_or_type_is_refused():
    logits, target, valid = masked_maps()
    loss = WeightedLoss([Term("entropy", CrossEntropyLoss(), 1.0)])
    for wrong in (valid[:, 0], valid.float()):
        with pytest.raises(ArgumentError, match="the validity mask has shape"):
            loss(logits, target, 0.0, wrong)
