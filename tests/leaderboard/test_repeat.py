"""The command that a page gives for a run makes the very same run."""

import shlex

import pytest

from tests.leaderboard.made import BUDGET, protocol, runs
from topobench.cards import load_protocol, load_recipe, load_suite
from topobench.leaderboard import make_board
from topobench.scores import protocol_settings


def repeats(made):
    [section] = make_board(made).sections
    [setting] = section.settings
    return setting.repeats


def test_a_shipped_recipe_and_budget_need_no_file():
    recipe = load_recipe("unet-topo").identity()
    found = repeats(runs("unet-topo", 1.0, "synthetic-membranes", recipe=recipe))
    assert [(one.method, one.command, one.files) for one in found] == [
        (
            "unet-topo",
            "topobench run --suite quick --recipe unet-topo --dataset synthetic-membranes --folds 0 --seeds 0,1,2 "
            "--device cpu --precision float32",
            {},
        )
    ]
    assert "torch 2" in found[0].where
    assert "2 threads" in found[0].where
    assert len(found[0].runs) == 3


def test_files_make_what_is_not_shipped(tmp_path, monkeypatch):
    recipe = {**load_recipe("unet-topo").identity(), "learning_rate": 0.002}
    budget = {"seconds": 20.5, "batch": 4, "crop": 64, "validation": {"protocol": "hu2019", "share": 0.25, "times": 3}}
    [found] = repeats(runs("unet-topo", 1.0, recipe=recipe, budget=budget))
    monkeypatch.chdir(tmp_path)
    for name, text in found.files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    given = shlex.split(found.command)
    suite, chosen = (given[given.index(option) + 1] for option in ("--suite", "--recipe"))
    assert load_recipe(chosen).identity() == recipe
    assert load_suite(suite).budget.identity() == budget
    assert load_suite(suite).protocols == ("hu2019",)


def test_folds_with_other_seeds_have_commands_of_their_own():
    made = [*runs("a", 1.0, folds=(0, 1), seeds=(0, 1)), *runs("a", 1.0, folds=(2,), seeds=(0,))]
    found = [
        command.partition("--folds ")[2].partition(" --device")[0] for command in (one.command for one in repeats(made))
    ]
    assert found == ["0,1 --seeds 0,1", "2 --seeds 0"]


def test_another_environment_is_another_command():
    made = runs("a", 1.0, seeds=(0,))
    other = [
        type(one)(**{**one.__dict__, "environment": {"topobench": "9"}, "seed": 1, "run_id": "f" * 64}) for one in made
    ]
    assert len({one.where for one in repeats([*made, *other])}) == 2


def test_what_a_suite_does_not_score_by_is_scored_by_afterwards():
    recipe = load_recipe("unet-ce").identity()
    chosen = {name: protocol(name) for name in ("pitfalls", "hu2019", "hu2019:33")}
    [found] = repeats(runs("unet-ce", 1.0, recipe=recipe, protocols=chosen, budget=BUDGET))
    first, second = found.command.splitlines()
    assert first.startswith("topobench run --suite quick --recipe unet-ce")
    assert second == "topobench rescore --protocol hu2019:33 --protocol pitfalls --dataset toy.toml"
    assert found.files == {}


@pytest.mark.parametrize("kind", ["null", "scored"])
def test_what_was_not_trained_has_no_command(kind):
    made = [
        type(one)(**{**one.__dict__, "kind": kind, "budget": {}, "seed": None}) for one in runs("x", 1.0, seeds=(0,))
    ]
    assert repeats(made) == []


def test_what_else_a_run_wanted_is_in_its_command():
    part = {"card": {"name": "toy", "version": 1, "images": "4 of 20 images"}}
    made = runs("x", 1.0, seeds=(0,), device="cuda", precision="bfloat16", **part)
    made = [type(one)(**{**one.__dict__, "environment": {"deterministic": "true"}}) for one in made]
    assert repeats(made)[0].command.endswith("--device cuda --precision bfloat16 --partial --deterministic")


def test_a_card_that_is_not_shipped_is_named_by_its_file():
    names = ("synthetic-membranes", "drive:official", "mine", "mine:official")
    commands = [repeats(runs("x", 1.0, dataset, seeds=(0,)))[0].command for dataset in names]
    assert [shlex.split(command)[shlex.split(command).index("--dataset") + 1] for command in commands] == [
        "synthetic-membranes", "drive:official", "mine.toml", "mine.toml:official",
    ]  # fmt: skip


def test_a_protocol_of_ones_own_is_a_file_that_makes_the_same_choices(tmp_path, monkeypatch):
    shipped = ["hu2019", "pitfalls:c4"]
    mine = load_protocol("hu2019").changed(name="mine", patch_size=33, ranked_by="voi")
    chosen = protocol_settings([*shipped, mine], "structure", 4)
    [of_shipped_budget] = repeats(runs("unet-ce", 1.0, protocols=chosen, seeds=(0,)))
    assert of_shipped_budget.command.endswith(
        "\ntopobench rescore --protocol mine.toml --protocol pitfalls:c4 --dataset toy.toml"
    )
    assert "mine.toml" in of_shipped_budget.files
    [found] = repeats(runs("unet-ce", 1.0, protocols=chosen, seeds=(0,), budget={"steps": 7, "batch": 1, "crop": 9}))
    monkeypatch.chdir(tmp_path)
    for name, text in found.files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    suite = load_suite(next(name for name in found.files if name.startswith("repeat-")))
    assert suite.protocols == ("hu2019", "mine.toml", "pitfalls:c4")
    assert protocol_settings(suite.protocols, "structure", 4) == chosen
