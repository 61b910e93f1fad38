"""Training: repeatable bit for bit, resumed or not; what is not finite stops it."""

import copy
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from tests.offline import untrained
from tests.run.kills import same
from topobench import registry
from topobench.cards import Budget, LossTerm, Validation, load_recipe
from topobench.errors import ArgumentError, RunError
from topobench.losses import CrossEntropyLoss
from topobench.run import clock, recipes, train
from topobench.run.batches import TrainingSet
from topobench.run.checkpoint import Checkpoints
from topobench.run.device import choose_device
from topobench.run.settings import Settings
from topobench.run.train import Trainer
from topobench.run.validation import Validated
from topobench.seeds import seed_of
from topobench.types import Sample

STEPS = 5
BUDGET = Budget(steps=STEPS, batch=2, crop=32)


def training_samples(scale=1.0):
    random = np.random.default_rng(0)
    samples = []
    for index in range(2):
        truth = np.zeros((40, 44), bool)
        truth[10 + index], truth[:, 22] = True, True
        image = (0.7 - 0.4 * truth + 0.1 * random.normal(size=truth.shape)).astype(np.float32)
        samples.append(Sample(str(index), scale * image[None], truth))
    return samples


def training_set(scale=1.0):
    return TrainingSet.of(training_samples(scale))


def trainer(folder, name="enhanced-topo", data=None, budget=BUDGET, **options):
    recipe, checkpoints = load_recipe(name), Checkpoints(folder, "0" * 64)
    return Trainer(recipe, budget, 0, choose_device("cpu"), data or training_set(), checkpoints, **options)


def weights(found):
    return torch.cat([value.double().ravel() for value in found.model.state_dict().values()])


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    found = trainer(tmp_path_factory.mktemp("straight"))
    assert found.run(lambda *_: None, lambda: False)
    return found


@pytest.mark.parametrize("stop", range(1, STEPS))
def test_resumed_training_ends_bit_equal(straight, tmp_path, stop):
    """With dropout, Adam's moments, the schedule and the topological patches all on their way."""
    steps = []
    assert not trainer(tmp_path).run(steps.append, lambda: len(steps) == stop)
    again = trainer(tmp_path)
    assert again.step == stop
    assert again.run(lambda *_: None, lambda: False)
    assert torch.equal(weights(again), weights(straight))
    assert again.report() == straight.report()


def test_the_report_has_the_losses_of_every_step(tmp_path):
    """As the steps themselves said, to six digits: the topological term joins at half of five steps."""
    steps, found = [], trainer(tmp_path)
    found.run(steps.append, lambda: False)
    report = found.report()
    assert (report["steps"], report["scored"], report["losses"]["steps"]) == (STEPS, "last", [1, 2, 3, 4, 5])
    terms = report["losses"]["terms"]
    assert list(terms) == ["cross-entropy", "topological"]
    assert terms["topological"][:3] == [None] * 3
    for name, values in terms.items():
        said = [step.losses.get(name) for step in steps]
        assert values == [None if value is None else float(f"{value:.6g}") for value in said]


def test_a_checkpoint_of_before_there_were_curves_is_gone_on_with(straight, tmp_path):
    steps = []
    stopped = trainer(tmp_path)
    stopped.run(steps.append, lambda: len(steps) == 3)
    step, state, _ = stopped.checkpoints.latest()
    del state["curve"]
    stopped.checkpoints.save(step, state)
    for path in sorted(tmp_path.glob("*.pt"), key=lambda path: path.stat().st_mtime_ns)[:-1]:
        path.unlink()
    again = trainer(tmp_path)
    assert again.run(lambda *_: None, lambda: False)
    assert torch.equal(weights(again), weights(straight))
    whole, part = straight.report()["losses"], again.report()["losses"]
    assert part["steps"] == whole["steps"][3:]
    assert part["terms"] == {name: values[3:] for name, values in whole["terms"].items()}


def test_finished_training_is_not_repeated(straight):
    again = trainer(straight.checkpoints.folder)
    assert again.run(lambda *_: pytest.fail("a step was taken"), lambda: False)
    assert torch.equal(weights(again), weights(straight))


def test_terms_join_when_the_recipe_says(tmp_path):
    seen = []
    trainer(tmp_path).run(lambda step: seen.append(set(step.losses)), lambda: False)
    assert seen[0] == {"cross-entropy"}
    assert seen[-1] == {"cross-entropy", "topological"}


def test_training_lowers_the_loss(tmp_path):
    seen = []
    budget = Budget(steps=30, batch=2, crop=32)
    trainer(tmp_path, "unet-ce", budget=budget).run(
        lambda step: seen.append(step.losses["cross-entropy"]), lambda: False
    )
    assert np.mean(seen[-5:]) < 0.8 * np.mean(seen[:5])


def test_what_is_not_finite_stops_with_the_step(tmp_path):
    with pytest.raises(RunError, match="NaN or infinite logits at step 0"):
        trainer(tmp_path, data=training_set(np.nan)).run(lambda *_: None, lambda: False)


@pytest.mark.parametrize("step", [2, STEPS - 1])  # in the middle, and at the end
def test_08_no_checkpoint_has_weights_that_are_not_finite(tmp_path, monkeypatch, step):
    """The gradient of a loss that is finite itself may not be: the last good checkpoint is the one to go on from."""
    found = trainer(tmp_path, settings=Settings(checkpoint_seconds=0))
    sound = found.loss.forward

    def root(logits, target, part, valid=None):
        total, values = sound(logits, target, part, valid)
        return total + (torch.sqrt((logits - logits).sum()) if found.step == step else 0), values

    monkeypatch.setattr(found.loss, "forward", root)
    with pytest.raises(RunError, match=f"NaN or infinite weights after {step + 1} steps"):
        found.run(lambda *_: None, lambda: False)
    again = trainer(tmp_path)
    assert again.step == step
    assert torch.isfinite(weights(again)).all()


def test_models_start_from_the_same_weights_whatever_the_loss(tmp_path):
    topological, plain = trainer(tmp_path / "a"), trainer(tmp_path / "b", "enhanced-ce")
    assert torch.equal(weights(topological), weights(plain))


@pytest.mark.parametrize("loss", registry.names("losses"))
def test_08_no_loss_goes_on_from_logits_that_are_not_finite(tmp_path, monkeypatch, loss):
    """The run stops with the step, and what was good before it is kept."""
    terms = LossTerm(name="cross-entropy", weight=1.0), LossTerm(name=loss, weight=1.0, **untrained("losses", loss))
    recipe = load_recipe("unet-ce").model_copy(update={"loss": terms[loss == "cross-entropy" :]})
    monkeypatch.setattr("tests.run.test_train.load_recipe", lambda name: recipe)
    for number, value in enumerate((np.nan, np.inf, -np.inf)):
        found = trainer(tmp_path / str(number), settings=Settings(checkpoint_seconds=0))
        sound = found.model.forward

        def broken(images, found=found, sound=sound, value=value):
            logits = sound(images)
            return torch.full_like(logits, value) if found.step == 2 else logits

        monkeypatch.setattr(found.model, "forward", broken)
        with pytest.raises(RunError, match="NaN or infinite logits at step 2"):
            found.run(lambda *_: None, lambda: False)
        again = trainer(tmp_path / str(number))
        assert again.step == 2
        assert torch.isfinite(weights(again)).all()


ON_THE_COMMON_UNET = ["topo", "betti-matching", "cldice", "skeleton-recall", "cbdice", "warping", "topograph", "malis"]


@pytest.mark.parametrize("name", ["enhanced-topo", *(f"unet-{name}" for name in ON_THE_COMMON_UNET)])
def test_what_is_not_valid_changes_no_weight(tmp_path, name):
    valid = np.ones((40, 44), bool)
    valid[:, 30:] = False
    found = []
    for content in (0.5, 0.0):
        samples = [replace(sample, valid=valid) for sample in training_samples()]
        for sample in samples:
            sample.image[:, ~valid], sample.truth[~valid] = content, content > 0
        again = trainer(tmp_path / str(content), name, TrainingSet.of(samples))
        assert again.run(lambda *_: None, lambda: False)
        found.append(weights(again))
    assert torch.equal(*found)
    plain = trainer(tmp_path / "plain", name)
    plain.run(lambda *_: None, lambda: False)
    assert not torch.equal(weights(plain), found[0])


@pytest.mark.parametrize("stop", range(1, STEPS))
def test_optimiser_and_dropout_go_on_bit_equal(straight, tmp_path, stop):
    done = []
    assert not trainer(tmp_path).run(done.append, lambda: len(done) == stop)
    again = trainer(tmp_path)
    again.run(lambda *_: None, lambda: False)
    assert same(again.optimiser.state_dict(), straight.optimiser.state_dict())


def test_two_losses_with_one_seed_see_the_same_crops_and_dropout(tmp_path, monkeypatch):
    seen = {}
    for name in ("enhanced-topo", "enhanced-ce"):
        found = trainer(tmp_path / name, name)
        batch, crops = found._batch, seen.setdefault(name, [])
        monkeypatch.setattr(found, "_batch", lambda batch=batch, crops=crops: crops.append(batch()) or crops[-1])
        found.run(lambda *_: None, lambda: False)
    for first, second in zip(*seen.values(), strict=True):
        assert torch.equal(first.images, second.images)
        assert torch.equal(first.target, second.target)
    assert len(seen["enhanced-ce"]) == STEPS


def test_patches_are_others_at_each_step_and_the_same_for_all_losses(tmp_path, monkeypatch):
    seeds = {}
    for name in ("enhanced-topo", "enhanced-ce"):
        found, of_it = trainer(tmp_path / name, name), seeds.setdefault(name, [])
        monkeypatch.setattr(found.loss, "reseed", of_it.append)
        found.run(lambda *_: None, lambda: False)
    first, second = seeds.values()
    assert first == second
    assert len(set(first)) == STEPS


def test_the_learning_rate_falls_along_half_a_cosine_or_is_constant(tmp_path):
    for schedule, wanted in (("cosine", [1e-3 * (1 + np.cos(np.pi * k / STEPS)) / 2 for k in range(STEPS)]),
                             ("constant", [1e-3] * STEPS)):  # fmt: skip
        found, rates = trainer(tmp_path / schedule), []
        found.recipe = found.recipe.model_copy(update={"schedule": schedule})
        found.run(lambda step, rates=rates: rates.append(step.learning_rate), lambda: False)
        assert rates == pytest.approx(wanted)
        assert found.optimiser.param_groups[0]["lr"] == rates[-1]


def clocks(monkeypatch):
    """Let all that looks at the clock look at one that each look moves."""
    fake = FakeTime()
    for module in (train, clock):
        monkeypatch.setattr(module, "time", fake)


class FakeTime:
    """A clock that each look moves by a tenth of a second."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        self.now += 0.1
        return self.now

    def monotonic(self):
        return self.now


def test_a_budget_of_seconds_ends_by_the_time_of_its_steps(tmp_path, monkeypatch):
    """Each step takes four looks at the clock; so 0.4 s, and 2 s are five steps. Resumed, it counts on."""
    clocks(monkeypatch)
    budget, steps = Budget(seconds=1.9, batch=2, crop=32), []
    found = trainer(tmp_path, budget=budget)
    assert not found.run(steps.append, lambda: len(steps) == 2)
    assert found.spent == pytest.approx(0.8 / 1.9)
    again = trainer(tmp_path, budget=budget)
    assert again.run(steps.append, lambda: False)
    assert [step.number for step in steps] == [0, 1, 2, 3, 4]
    assert steps[-1].part == 1
    assert steps[2].learning_rate == pytest.approx(1e-3 * (1 + np.cos(np.pi * 0.8 / 1.9)) / 2)
    assert [("topological" in step.losses) for step in steps] == [False, False, False, True, True]
    assert again.seconds == pytest.approx({"data": 0.5, "network": 1.0, "loss": 0.5})
    assert again.report()["losses"]["steps"] == [1, 2, 3, 4, 5]
    assert {name: pytest.approx(value) for name, value in steps[0].seconds.items()} == {
        "data": 0.1, "network": 0.2, "loss": 0.1,
    }  # fmt: skip


class Given:
    """A validator of which only the steps matter at which it is asked."""

    rule, samples = Validation(times=2), ()

    def __init__(self):
        self.steps = []

    def __call__(self, model, step):
        self.steps.append(step)
        return Validated(step, 0.0, 0)

    def better(self, new, old):
        return True


def test_a_budget_of_seconds_is_parted_evenly_by_its_validations(tmp_path, monkeypatch):
    """Five steps of 0.4 s in 1.9 s: half of it is spent after the third. A stop right after it repeats none."""
    clocks(monkeypatch)
    budget, asked = Budget(seconds=1.9, batch=2, crop=32, validation=Validation(times=2)), Given()
    found = trainer(tmp_path, budget=budget, validator=asked, settings=Settings(checkpoint_seconds=0))
    assert not found.run(lambda *_: None, lambda: asked.steps == [3])
    assert trainer(tmp_path, budget=budget, validator=asked).run(lambda *_: None, lambda: False)
    assert asked.steps == [3, 5]


def test_checkpoints_are_written_as_often_as_asked(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(Checkpoints, "save", lambda self, step, state, validations: saved.append(step))
    for seconds, wanted in ((0, [1, 2, 3, 4, 5]), (3600, [5])):
        saved.clear()
        trainer(tmp_path, settings=Settings(checkpoint_seconds=seconds)).run(lambda *_: None, lambda: False)
        assert saved == wanted


class Refining(nn.Module):
    """A model that gives three outputs in training, and the last alone in eval mode."""

    output_weights = 0.2, 0.3, 0.5

    def __init__(self):
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(1, 1, 3, padding=1) for _ in range(3))

    def forward(self, image):
        outputs = tuple(convolution(image) for convolution in self.convolutions)
        return outputs if self.training else outputs[-1]


def test_a_model_that_refines_is_trained_by_all_its_outputs(tmp_path, monkeypatch):
    """One step, against plain autograd of the weighted sum."""
    torch.manual_seed(0)
    model = Refining()
    start = copy.deepcopy(model)
    monkeypatch.setattr(train, "recipe_model", lambda *_: model)
    found = trainer(tmp_path, "unet-ce")
    batch = found._batch()
    step = found._take_step()
    losses = [nn.functional.binary_cross_entropy_with_logits(output, batch.target) for output in start(batch.images)]
    (0.2 * losses[0] + 0.3 * losses[1] + 0.5 * losses[2]).backward()
    for mine, plain in zip(model.parameters(), start.parameters(), strict=True):
        assert torch.allclose(mine.grad, plain.grad, atol=1e-7)
    assert step.losses["cross-entropy"] == pytest.approx(losses[2].item())  # of the output that is scored
    model.output_weights = 0.5, 0.5
    with pytest.raises(RunError, match="gives 3 outputs in training and has 2 output_weights"):
        found._take_step()


def test_gradients_by_way_of_the_logits_are_those_of_plain_autograd(tmp_path):
    """The loss is differentiated apart from the network, to time both: the weights' gradients stay the same bits."""
    found = trainer(tmp_path, "unet-topo")
    found.step = STEPS - 1  # the topological term counts
    plain, batch = copy.deepcopy(found.model), found._batch()
    found._take_step()
    found.loss.reseed(seed_of("patches", 0, STEPS - 1))
    found.loss(plain.train()(batch.images), batch.target, (STEPS - 1) / STEPS)[0].backward()
    assert all(
        torch.equal(mine.grad, other.grad)
        for mine, other in zip(found.model.parameters(), plain.parameters(), strict=True)
    )


def test_a_loss_that_cannot_take_the_crops_fails_before_the_first_step(tmp_path, monkeypatch):
    class Picky(CrossEntropyLoss):
        def of_maps(self, logits, target):
            raise ArgumentError(f"wants maps of 33 pixels, not {logits.shape[-1]}")

    monkeypatch.setitem(registry.BUILTINS["losses"], "topological", "tests.run.test_train:Picky")
    monkeypatch.setattr("tests.run.test_train.Picky", Picky, raising=False)
    recipe = load_recipe("unet-topo")
    bare = recipe.model_copy(update={"loss": (recipe.loss[0], LossTerm(name="topological", weight=1.0, start=0.9))})
    with pytest.raises(ArgumentError, match="wants maps of 33 pixels, not 32"):
        Trainer(bare, BUDGET, 0, choose_device("cpu"), training_set(), Checkpoints(tmp_path, "0" * 64))


@pytest.mark.parametrize(
    ("give", "found"),
    [
        (lambda logits: (logits, logits), "a tuple"),
        (lambda logits: logits[:, :, ::2], "the shape (1, 1, 16, 32)"),
        (lambda logits: torch.cat([logits, logits], dim=1), "the shape (1, 2, 32, 32)"),
    ],
    ids=["tuple", "low", "channels"],
)
def test_a_model_that_gives_something_else_in_evaluation_fails_at_once(tmp_path, monkeypatch, give, found):
    class Odd(nn.Module):
        def __init__(self, in_channels):
            super().__init__()
            self.layer = nn.Conv2d(in_channels, 1, 1)

        def forward(self, image):
            return self.layer(image) if self.training else give(self.layer(image))

    monkeypatch.setattr(recipes, "build_model", lambda name, channels, options: Odd(channels))
    with pytest.raises(RunError, match=re.escape(f"in evaluation the model gives {found} for an image (1, 32, 32)")):
        trainer(tmp_path)


def test_images_and_weights_lie_channels_last(tmp_path):
    colour = [replace(sample, image=np.repeat(sample.image, 3, 0)) for sample in training_samples()]
    found = trainer(tmp_path, "unet-ce", TrainingSet.of(colour))
    assert found._batch().images.is_contiguous(memory_format=torch.channels_last)
    weights = next(p for p in found.model.parameters() if p.ndim == 4 and p.shape[1] > 1 and p.shape[2] > 1)
    assert weights.is_contiguous(memory_format=torch.channels_last)


def test_deterministic_is_for_the_runs_that_ask_for_it(tmp_path):
    try:
        trainer(tmp_path / "a", "unet-ce", settings=Settings(deterministic=True))
        assert torch.are_deterministic_algorithms_enabled()
        trainer(tmp_path / "b", "unet-ce")
        assert not torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


def test_what_a_step_draws_depends_on_seed_and_step_alone(tmp_path):
    """Dropout, by torch's own seed; the patches, by what the loss is handed."""
    drawn = {}
    for name in ("enhanced-topo", "enhanced-ce"):
        for seed in (0, 1):
            found = trainer(tmp_path / f"{name}-{seed}", name)
            found.seed, handed = seed, []
            found.loss.reseed = handed.append
            for step in (0, 3):
                found.step = step
                found._seed_step()
                drawn.setdefault((seed, step), set()).add((torch.initial_seed(), handed[-1]))
    assert all(len(both) == 1 for both in drawn.values())  # whatever the recipe
    dropout, patches = zip(*(next(iter(both)) for both in drawn.values()), strict=True)
    assert len(set(dropout)) == len(set(patches)) == 4
