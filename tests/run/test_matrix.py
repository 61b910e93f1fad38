"""The matrix of a suite, and the identity of its runs."""

from dataclasses import replace

import pytest

from topobench.cards import Budget, load_recipe, load_suite
from topobench.data import open_dataset
from topobench.errors import ArgumentError
from topobench.run.device import Device, choose_device
from topobench.run.matrix import expand
from topobench.scores import run_id_of

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
        ("null-threshold", 0, None), ("null-threshold", 2, None),
    ]  # fmt: skip
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
