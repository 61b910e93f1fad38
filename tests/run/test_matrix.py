"""The matrix of a suite, and the identity of its runs."""

from dataclasses import replace

import pytest
import torch

from tests.distribution import offer
from topobench import list_names
from topobench.cards import Budget, Validation, load_recipe, load_suite, names
from topobench.data import open_dataset
from topobench.errors import ArgumentError, CardError
from topobench.run.device import Device, choose_device
from topobench.run.matrix import expand
from topobench.scores import IDENTITY, run_id_of

CPU = Device("cpu", "float32", 2)


def expanded(suite):
    return expand(suite, [load_recipe(name) for name in suite.recipes], [open_dataset("synthetic-membranes")], CPU)


@pytest.fixture(scope="module")
def runs():
    suite = load_suite("quick").model_copy(update={"folds": (0, 2), "seeds": (0, 1)})
    return expanded(suite)


def test_every_combination_once(runs):
    trained = [(run.name, run.fold, run.seed) for run in runs if run.recipe]
    assert len(trained) == len(set(trained)) == 4 * 2 * 2
    assert [(run.name, run.fold, run.seed) for run in runs if not run.recipe] == [
        (name, fold, None)
        for fold in (0, 2)
        for name in ("null-background", "null-structure", "null-threshold", "null-largest")
    ]
    assert len({run_id_of(run.identity()) for run in runs}) == len(runs)


def test_id_heeds_what_changes_a_run_and_nothing_else(runs):
    run = next(run for run in runs if run.recipe)
    wanted = run_id_of(run.identity())
    assert run_id_of(replace(run, protocols=("other",)).identity()) == wanted
    for other in (
        {"fold": 1}, {"seed": 5}, {"budget": Budget(steps=1, batch=1, crop=1)}, {"device": replace(CPU, threads=1)},
        {"device": replace(CPU, precision="bfloat16")},
    ):  # fmt: skip
        assert run_id_of(replace(run, **other).identity()) != wanted


def test_without_a_budget_each_recipe_has_its_own():
    suite = load_suite("quick").model_copy(update={"budget": None})
    runs = expanded(suite)
    assert {run.budget.steps for run in runs if run.recipe} == {500}


def test_devices():
    assert choose_device("cpu").kind == "cpu"
    assert choose_device().precision in ("float32", "bfloat16", "float16")
    with pytest.raises(ArgumentError, match="it must be auto, cuda, mps or cpu"):
        choose_device("gpu")


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"name": "cuda:1"}, "CUDA_VISIBLE_DEVICES chooses among several GPUs"),
        ({"name": "cpu", "precision": "half"}, "precision is 'half'; it must be auto, float32, bfloat16, float16"),
        ({"name": "cpu", "precision": "float16"}, "precision is 'float16'; on cpu it must be float32 or bfloat16"),
    ],
)
def test_devices_that_there_are_not(asked, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        choose_device(**asked)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there():
    with pytest.raises(ArgumentError, match="device 'cuda' is not there; this machine has: cpu"):
        choose_device("cuda")


def test_threads_of_the_cpu_are_shared_out_among_jobs():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(5)
        assert [choose_device("cpu", jobs=jobs).threads for jobs in (1, 2, 5, 9)] == [5, 2, 1, 1]
    finally:
        torch.set_num_threads(before)


def test_a_budget_is_of_steps_or_of_seconds():
    for wrong, word in (({}, "neither"), ({"steps": 3, "seconds": 2.0}, "both")):
        with pytest.raises(ValueError, match=f"in steps or in seconds, and this one has {word}"):
            Budget(**wrong, batch=1, crop=1)
    with pytest.raises(ValueError, match="10 validations in 9 steps; give as many times at most"):
        Budget(steps=9, batch=1, crop=1, validation=Validation())
    assert Budget(seconds=2.0, batch=1, crop=8).identity() == {"seconds": 2.0, "batch": 1, "crop": 8}
    assert Budget(steps=2, batch=1, crop=8).identity() == {"steps": 2, "batch": 1, "crop": 8}


def test_factors_try_each_recipe_as_often_and_change_its_last_weight_alone():
    suite = load_suite("sweep")
    assert 1.0 in suite.factors
    for name in suite.recipes:
        recipe = load_recipe(name)
        tried = [recipe.scaled(factor) for factor in suite.factors]
        assert len({run_id_of(fake_identity(one)) for one in tried}) == len(suite.factors)
        assert recipe in tried
        for factor, one in zip(suite.factors, tried, strict=True):
            assert one.loss[-1].weight == pytest.approx(recipe.loss[-1].weight * factor)
            assert one.loss[-1].options == recipe.loss[-1].options
            assert one.loss[:-1] == recipe.loss[:-1]
            assert one.name == (name if factor == 1 else f"{name}-x{factor:g}")
    with pytest.raises(CardError, match="'unet-ce' has one loss term alone, 'cross-entropy'; factors"):
        load_recipe("unet-ce").scaled(2.0)


def fake_identity(recipe):
    return {**dict.fromkeys(IDENTITY), "recipe": recipe.identity()}


def test_suites_have_one_budget_for_all_their_recipes():
    for name in names("suites"):
        suite = load_suite(name)
        assert suite.budget is not None
        assert len({recipe.scaled(factor).name for recipe in map(load_recipe, suite.recipes)
                    for factor in suite.factors}) == len(suite.recipes) * len(suite.factors)  # fmt: skip


def test_the_sweep_tries_every_loss_that_has_a_weight_to_choose():
    """All but cross entropy, which is what the others stand beside."""
    last = {load_recipe(name).loss[-1].name for name in load_suite("sweep").recipes}
    assert last == set(list_names("losses")) - {"cross-entropy"}
    assert load_suite("sweep").budget.validation is not None  # so that no weight is chosen on the scored fold


def test_a_null_row_of_a_plugin_has_a_version(runs, monkeypatch):
    offer(monkeypatch, "nulls", "null-theirs", lambda samples, connectivity: None)
    theirs = replace(runs[0], name="null-theirs", recipe=None)
    with pytest.raises(ArgumentError, match=r"from theirs 1\.0\) has the version None; it must be a whole number"):
        theirs.identity()
