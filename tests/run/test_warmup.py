"""Warm-ups that recipes have in common: taken once, and what goes on from one ends as if it had taken it itself."""

import shutil
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.run.kills import STEPS, end_of, executed, same, tiny_run
from tests.run.test_execute import Told
from topobench import registry
from topobench.cards import LossTerm, Validation
from topobench.run.execute import Stopped, execute
from topobench.run.store import Store
from topobench.run.warmup import WarmUp
from topobench.scores import run_id_of

CE = LossTerm(name="cross-entropy", weight=1.0)


def topological(start=0.5, weight=0.05):
    return LossTerm(name="topological", weight=weight, start=start, patch_size=17, patches=1)


def with_loss(run, name, *terms, **changes):
    """The run, but of a recipe of that name with those terms."""
    recipe = run.recipe.model_copy(update={"name": name, "loss": terms, **changes})
    return replace(run, name=name, recipe=recipe)


def numbers(run, folder):
    """The numbers of the steps that a run takes in that store."""
    told = Told()
    execute(run, folder, told, lambda: False)
    return [number for _, number in told.steps]


def warmed_up(run, folder):
    return end_of(run, folder)[3].get("warm_up")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_run(tmp_path_factory.mktemp("warm"))


@pytest.fixture(scope="module")
def warm(tiny, tmp_path_factory):
    """A run with a term that joins half-way, and a store that holds its warm-up."""
    folder = tmp_path_factory.mktemp("store")
    run = with_loss(tiny, "first", CE, topological())
    assert numbers(run, folder) == list(range(STEPS))
    assert warmed_up(run, folder) is None  # it took all steps itself
    return run, folder


@pytest.mark.parametrize(
    "terms",
    [
        (CE, topological(weight=0.5)),
        (CE, LossTerm(name="betti-matching", weight=0.1, start=0.5)),
        (LossTerm(name="dice", weight=1.0, start=0.5), CE),  # the order of terms is nothing to the warm-up
        (CE, topological(start=0.8)),
        (CE,),
    ],
)
def test_what_goes_on_from_it_ends_as_if_it_had_taken_it(warm, tiny, tmp_path, terms):
    """Weights, optimiser, figures, maps, the curve and the images held out, bit for bit."""
    first, store = warm[0], tmp_path / "warm"
    shutil.copytree(warm[1], store)
    run = with_loss(tiny, "second", *terms)
    execute(run, tmp_path, Told(), lambda: False)
    assert numbers(run, store) == list(range(STEPS // 2, STEPS))
    assert warmed_up(run, store) == {"steps": 3, "run_id": run_id_of(first.identity())}
    (state, *shared), (alone, *straight) = end_of(run, store), end_of(run, tmp_path)
    shared[2] = {key: value for key, value in shared[2].items() if key != "warm_up"}
    assert same(shared, straight)
    assert state.pop("warmed_up") and alone.pop("warmed_up") is None
    assert same(state, alone)


def test_what_begins_otherwise_takes_all_its_steps(warm, tiny):
    _, store = warm
    others = [
        with_loss(tiny, "dice", LossTerm(name="dice", weight=1.0), topological()),
        with_loss(tiny, "weight", CE.model_copy(update={"weight": 2.0}), topological()),
        with_loss(tiny, "rate", CE, topological(), learning_rate=0.002),
        with_loss(tiny, "schedule", CE, topological(), schedule="constant"),
        with_loss(tiny, "model", CE, topological(), model=tiny.recipe.model.model_copy(update={"width": 5})),
        replace(with_loss(tiny, "seed", CE, topological()), seed=1),
        replace(with_loss(tiny, "fold", CE, topological()), fold=1),
        replace(
            with_loss(tiny, "held-out", CE, topological()),
            budget=tiny.budget.model_copy(update={"validation": Validation(times=2)}),
        ),
        replace(with_loss(tiny, "batch", CE, topological()), budget=tiny.budget.model_copy(update={"batch": 3})),
        with_loss(tiny, "earlier", CE, topological(start=0.2)),  # it has fewer steps in common than are kept
    ]
    assert [numbers(run, store) for run in others] == [list(range(STEPS))] * len(others)


def test_one_that_is_killed_after_its_warm_up_goes_on_from_its_own(tiny, tmp_path):
    run, told = with_loss(tiny, "first", CE, topological()), Told()
    with pytest.raises(Stopped):
        execute(run, tmp_path, told, lambda: len(told.steps) == 4)
    for path in Store(tmp_path).place(run.identity()).checkpoints.iterdir():
        path.unlink()
    assert numbers(run, tmp_path) == [3, 4, 5]
    assert warmed_up(run, tmp_path) is None


def test_a_damaged_one_is_refused_and_taken_anew(tiny, tmp_path):
    numbers(with_loss(tiny, "first", CE, topological()), tmp_path)
    [path] = (tmp_path / "checkpoints").glob("warm-up_*/step-*.pt")
    path.write_bytes(path.read_bytes()[:-1])
    told, run = Told(), with_loss(tiny, "second", CE, topological(weight=0.5))
    execute(run, tmp_path, told, lambda: False)
    assert [number for _, number in told.steps] == list(range(STEPS))
    [note] = told.notes
    assert note.endswith("it is damaged, for its sha256 is not the one in its name")
    assert numbers(with_loss(tiny, "third", CE, topological(weight=0.7)), tmp_path) == [3, 4, 5]


def test_code_of_a_plugin_counts_where_it_decides_the_warm_up(tiny, tmp_path):
    run = with_loss(tiny, "first", CE, topological())
    place = Store(tmp_path).place(run.identity())

    def taken(**codes):
        plugins = {name.replace("_", " "): {"origin": "mine 1", "code": code} for name, code in codes.items()}
        return WarmUp.of(run.recipe, STEPS, run.identity(), place, plugins, torch="2")

    taken(model_unet="a", loss_topological="a").keep({})
    assert taken(model_unet="a", loss_topological="b").take()[0].step == 3
    found, [reason] = taken(model_unet="b", loss_topological="a").take()
    assert found is None and "it was trained by other code of model unet" in reason


class Counting(nn.Module):
    """Cross entropy that weighs less from call to call, and says how often it was called."""

    trains_alone = True

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, logits, target):
        self.calls += 1
        return functional.binary_cross_entropy_with_logits(logits, target) / self.calls


def test_losses_that_keep_something_share_nothing(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(registry.BUILTINS["losses"], "counting", f"{__name__}:Counting")
    counting = LossTerm(name="counting", weight=1.0)
    assert numbers(with_loss(tiny, "first", counting, topological()), tmp_path) == list(range(STEPS))
    assert numbers(with_loss(tiny, "second", counting, topological(weight=0.5)), tmp_path) == list(range(STEPS))


def test_a_longer_one_takes_the_place_of_a_shorter_and_never_the_other_way_round(tiny, tmp_path):
    def steps(name, start):
        return numbers(with_loss(tiny, name, CE, topological(start=start)), tmp_path)

    assert steps("half", 0.5) == [0, 1, 2, 3, 4, 5]
    assert steps("late", 0.8) == [3, 4, 5]
    assert steps("early", 0.2) == [0, 1, 2, 3, 4, 5]
    assert steps("later", 0.9) == [5]
    [kept] = (tmp_path / "checkpoints").glob("warm-up_*/*.pt")
    assert kept.name.startswith("step-00000006")  # that is all there are: its term never joins


def test_what_torch_and_settings_decide_is_part_of_it(tiny, tmp_path):
    def key(**more):
        return WarmUp.of(tiny.recipe, STEPS, tiny.identity(), Store(tmp_path).place(tiny.identity()), {}, **more).place

    assert key(torch="2.13", deterministic=False) == key(torch="2.13", deterministic=False)
    assert (
        len(
            {
                key(torch="2.13", deterministic=False).name,
                key(torch="2.14", deterministic=False).name,
                key(torch="2.13", deterministic=True).name,
            }
        )
        == 3
    )


def test_peaks_of_memory_are_not_those_of_another_recipes_terms(warm):
    kept = [*(warm[1] / "checkpoints").glob("warm-up_*/*.pt")]
    assert kept and all(torch.load(path, weights_only=True)["peaks"] == {} for path in kept)


def test_seconds_share_nothing(tiny, tmp_path):
    budget = tiny.budget.model_copy(update={"steps": None, "seconds": 0.01, "validation": None})
    assert executed(replace(with_loss(tiny, "first", CE, topological()), budget=budget), tmp_path).finished
    assert not list((tmp_path / "checkpoints").glob("warm-up_*"))
