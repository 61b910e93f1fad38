"""The weighted loss: schedules, and the rule that a topological term never trains alone."""

import pytest
import torch

from topobench import load_loss
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


def test_topological_term_never_trains_alone():
    with pytest.raises(ArgumentError, match="at least one, such as cross-entropy"):
        WeightedLoss([Term("topological", TopologicalLoss(), 1.0)])
    with pytest.raises(ArgumentError, match="at least one"):
        WeightedLoss([Term("cross-entropy", CrossEntropyLoss(), 1.0, start=0.5)])


def test_unknown_option_names_the_nearest():
    with pytest.raises(ArgumentError, match="did you mean 'patch_size'"):
        load_loss("topological", patchsize=3)
