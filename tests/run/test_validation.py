"""Which state is scored: chosen on images held out of the training, never on the fold."""

import math

import pytest
import torch
from torch import nn

from tests.distribution import offer
from tests.run.kills import executed, tiny_run
from tests.run.test_execute import Told
from topobench.cards import Validation, load_card, load_protocol
from topobench.errors import ArgumentError, CardError
from topobench.metrics import Figure, defines
from topobench.run.checkpoint import Checkpoints
from topobench.run.execute import execute
from topobench.run.store import Store
from topobench.run.validation import Validated, Validator, hold_out
from topobench.scores import run_id_of
from topobench.types import Member, Sample


def members(*units):
    return [Member(f"{index}", "", unit) for index, unit in enumerate(units)]


def test_whole_units_are_held_out_and_as_many_as_fit():
    given = members(*"aaabbbcccdddeee")
    trained, held_out = hold_out(given, 0.4, 0, 0)
    assert sorted([*trained, *held_out], key=int) == [member.image_id for member in given]
    units = {given[int(name)].unit for name in held_out}
    assert len(units) == 2
    assert not units & {given[int(name)].unit for name in trained}
    assert len(hold_out(given, 0.01, 0, 0)[1]) == 3  # at least one unit
    assert len(hold_out(given, 0.39, 0, 0)[1]) == 3  # and no more than the share beyond it


def test_what_is_held_out_depends_on_fold_and_seed_alone():
    given = members(*"abcdefghijklmnop")
    first = hold_out(given, 0.25, 0, 0)
    assert hold_out(given, 0.25, 0, 0) == first
    for others in ([(0, 1), (0, 2)], [(1, 0), (2, 0)]):  # of another seed; of another fold
        assert any(hold_out(given, 0.25, fold, seed)[1] != first[1] for fold, seed in others)


def test_one_unit_cannot_be_parted():
    with pytest.raises(CardError, match="the 3 training images of fold 2 are of one resampling unit"):
        hold_out(members("a", "a", "a"), 0.2, 2, 0)


def validator(rule=Validation(), samples=()):  # noqa: B008
    return Validator(rule, samples, load_card("synthetic-membranes"), "cpu")


def test_better_is_lower_for_an_error_and_the_later_of_two():
    better = validator().better
    assert better(Validated(1, 9.0, 0), None)
    assert better(Validated(2, 1.0, 0), Validated(1, 2.0, 0))
    assert better(Validated(2, 2.0, 0), Validated(1, 2.0, 0))
    assert not better(Validated(2, 3.0, 0), Validated(1, 2.0, 0))
    assert better(Validated(2, 9.0, 0), Validated(1, 2.0, 1))  # defined for more images
    assert not better(Validated(2, 0.0, 1), Validated(1, 2.0, 0))


def ranked_by(name, monkeypatch):
    """A validator by a protocol that ranks by a figure."""
    chosen = load_protocol("hu2019").changed(figures=(name,), columns=(name,), ranked_by=name)
    monkeypatch.setattr("topobench.run.validation.load_protocol", lambda name: chosen)
    return validator()


def test_better_is_higher_where_the_protocol_ranks_by_that(monkeypatch):
    found = ranked_by("dice", monkeypatch)
    assert found.better(Validated(2, 0.9, 0), Validated(1, 0.8, 0))
    assert not found.better(Validated(2, 0.7, 0), Validated(1, 0.8, 0))


def test_better_is_what_a_plugin_says_of_its_figure(monkeypatch):
    """Of cells kept, more is better; of a figure that says nothing no state is the best, which is no time to train."""
    compute = defines(Figure("cells_kept", "high", "cells", "cells"))(lambda case: {"cells_kept": 1.0})
    offer(monkeypatch, "metrics", "cells_kept", compute)
    found = ranked_by("cells_kept", monkeypatch)
    assert found.better(Validated(2, 9.0, 0), Validated(1, 8.0, 0))
    assert not found.better(Validated(2, 7.0, 0), Validated(1, 8.0, 0))
    del compute.figures
    with pytest.raises(ArgumentError, match="ranked by 'cells_kept', of which neither low nor high"):
        ranked_by("cells_kept", monkeypatch)


def test_a_result_is_the_mean_over_images():
    truth = torch.zeros(70, 70, dtype=torch.bool).numpy()
    truth[35] = True
    samples = [
        Sample("right", truth[None].astype("float32"), truth),
        Sample("none", 0 * truth[None].astype("float32"), truth),
    ]

    class Copy(nn.Module):
        def forward(self, image):
            return torch.where(image > 1, 10.0, -10.0)

    found = validator(samples=samples)(Copy(), 7)
    assert found.step == 7
    assert found.undefined == 0
    rows = [row.figures["betti_error"] for row in _rows(samples, Copy())]
    assert rows[0] == 0 < rows[1]
    assert found.value == pytest.approx(sum(rows) / 2)


def _rows(samples, model):
    from topobench.run.evaluate import model_predictor
    from topobench.scores import score_samples

    return [row for [row] in score_samples(samples, model_predictor(model, "cpu"), ["hu2019"], "regions", 8)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return tiny_run(tmp_path_factory.mktemp("data"))


def test_the_best_state_is_scored_and_the_scored_fold_is_never_looked_at(run, tmp_path, monkeypatch):
    """The states' results are given, so that the second of three is the best; its weights are what is scored."""
    results, states = iter([3.0, 1.0, 2.0]), []

    def given(self, model, step):
        assert not {sample.image_id for sample in self.samples} & set(run.dataset.fold(0)[1])
        states.append({name: value.clone() for name, value in model.state_dict().items()})
        return Validated(step, next(results), 0)

    monkeypatch.setattr(Validator, "__call__", given)
    told = Told()
    record = execute(run, tmp_path, told, lambda: False)
    assert told.validations == [(2, 3.0), (4, 1.0), (6, 2.0)]
    assert record.training["scored"] == "best"
    assert record.training["scored_step"] == 4
    held_out = record.training["held_out"]
    trained, scored = run.dataset.fold(0)
    assert set(held_out) < set(trained)
    assert not set(held_out) & set(scored)
    place = Store(tmp_path).place(run.identity())
    _, state, _ = Checkpoints(place.checkpoints, run_id_of(run.identity())).latest()
    assert all(torch.equal(state["best"]["model"][name], value) for name, value in states[1].items())
    assert not all(torch.equal(state["model"][name], value) for name, value in states[1].items())


def test_a_result_that_is_defined_for_no_image_is_shown_as_none(run, tmp_path, monkeypatch):
    monkeypatch.setattr(Validator, "__call__", lambda self, model, step: Validated(step, 0.0, len(self.samples)))
    told = Told()
    record = execute(run, tmp_path, told, lambda: False)
    assert len(told.validations) == 3
    assert all(math.isnan(value) for _, value in told.validations)
    assert record.training["scored_step"] == 6  # the last of those that are alike


def test_without_validation_all_images_are_trained_on_and_the_last_state_is_scored(run, tmp_path):
    from dataclasses import replace

    plain = replace(run, budget=run.budget.model_copy(update={"validation": None}))
    record = executed(plain, tmp_path)
    assert {key: value for key, value in record.training.items() if key != "losses"} == {"steps": 6, "scored": "last"}
    assert run.identity() != plain.identity()


def test_validation_takes_no_time_of_the_budget(run, tmp_path, monkeypatch):
    import time

    sound = Validator.__call__

    def slow(self, model, step):
        time.sleep(0.3)
        return sound(self, model, step)

    monkeypatch.setattr(Validator, "__call__", slow)
    cost = executed(run, tmp_path).cost
    assert cost["validation_seconds"] > 0.9
    parts = sum(cost[f"{name}_ms_per_step"] for name in ("data", "network", "loss"))
    assert math.isclose(cost["train_seconds"], 6 * parts / 1000, rel_tol=0.01, abs_tol=0.002)
    assert cost["train_seconds"] < 0.9
