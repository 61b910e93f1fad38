"""Training: repeatable bit for bit, resumed or not; what is not finite stops it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from topobench.cards import Budget, load_recipe
from topobench.errors import RunError
from topobench.run.batches import TrainingSet
from topobench.run.checkpoint import Checkpoints
from topobench.run.device import choose_device
from topobench.run.train import Trainer
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


def test_models_start_from_the_same_weights_whatever_the_loss(tmp_path):
    topological, plain = trainer(tmp_path / "a"), trainer(tmp_path / "b", "enhanced-ce")
    assert torch.equal(weights(topological), weights(plain))


@pytest.mark.parametrize("name", ["enhanced-topo", "unet-topo", "unet-betti-matching", "unet-cldice"])
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
