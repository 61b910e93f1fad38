"""What needs a CUDA device: mixed precision trains, and losses and models agree with the CPU."""

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch

import topobench
from tests.offline import untrained
from tests.run.test_train import training_samples, training_set
from topobench.cards import Budget, LossTerm, ModelChoice, load_recipe
from topobench.losses import TopologicalLoss
from topobench.losses.conformance import RULES, check_loss
from topobench.models import build_model
from topobench.models import conformance as models
from topobench.run.batches import TrainingSet
from topobench.run.checkpoint import Checkpoints
from topobench.run.device import choose_device
from topobench.run.evaluate import model_predictor
from topobench.run.settings import Settings
from topobench.run.train import Trainer

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def test_auto_takes_cuda_and_mixed_precision():
    device = choose_device()
    assert device.kind == "cuda"
    assert device.autocast_dtype in (torch.bfloat16, torch.float16)


@pytest.mark.parametrize("name", topobench.list_names("losses"))
def test_losses_agree_with_the_cpu(name):
    [devices] = [rule for rule in RULES if rule.name == "cpu = cuda"]
    [check] = check_loss(topobench.load_loss(name, **untrained("losses", name)), name, [devices]).checks
    assert check.status == "passed", check.reason


@pytest.mark.parametrize("name", topobench.list_names("models"))
def test_models_agree_with_the_cpu(name):
    [devices] = [rule for rule in models.RULES if rule.name == "cpu = cuda"]
    make = functools.partial(build_model, name, options=untrained("models", name))
    found = models.check_model(make, name, [devices])
    assert {check.case: check.status for check in found.checks}["cuda"] == "passed", str(found)


@pytest.mark.parametrize("matching", ["persistence", "wasserstein"])
def test_topological_loss_and_gradient_agree_with_the_cpu(matching):
    logits = torch.randn(2, 1, 80, 90, generator=torch.Generator().manual_seed(0))
    target = (torch.rand(2, 1, 80, 90, generator=torch.Generator().manual_seed(1)) < 0.3).float()
    found = []
    for device in ("cpu", "cuda"):
        here = logits.to(device).detach().requires_grad_()
        loss = TopologicalLoss(patch_size=33, dimensions=(0, 1), matching=matching)(here, target.to(device))
        loss.backward()
        found.append((loss.item(), here.grad.cpu()))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-6)


def test_training_in_mixed_precision_learns_and_resumes(tmp_path):
    budget, device = Budget(steps=40, batch=4, crop=32), choose_device("cuda")
    seen = []
    checkpoints = Checkpoints(tmp_path, "0" * 64)
    trainer = Trainer(load_recipe("unet-topo"), budget, 0, device, training_set(), checkpoints)
    trainer.run(lambda step: seen.append(step.losses["cross-entropy"]), lambda: len(seen) == 20)
    trainer = Trainer(load_recipe("unet-topo"), budget, 0, device, training_set(), checkpoints)
    assert trainer.step == 20
    assert trainer.run(lambda step: seen.append(step.losses["cross-entropy"]), lambda: False)
    assert sum(seen[-5:]) < 0.8 * sum(seen[:5])
    sample = training_samples()[0]
    assert model_predictor(trainer.model, "cuda")(sample).shape == sample.truth.shape


def test_masks_and_tiles_on_cuda(tmp_path):
    valid = np.ones((40, 44), bool)
    valid[:, 30:] = False
    data = TrainingSet.of([replace(sample, valid=valid) for sample in training_samples()])
    budget, device = Budget(steps=4, batch=4, crop=32), choose_device("cuda")
    trainer = Trainer(load_recipe("unet-topo"), budget, 0, device, data, Checkpoints(tmp_path, "0" * 64))
    assert trainer.run(lambda *_: None, lambda: False)
    likelihood = model_predictor(trainer.model, "cuda", tile=32)(training_samples()[0])
    assert likelihood.shape == (40, 44)


@pytest.mark.parametrize("name", topobench.list_names("recipes"))
@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_every_recipe_takes_its_last_steps(tmp_path, name, precision):
    """Where all terms count; what wants pretrained weights begins with random ones."""
    device = choose_device("cuda", precision)
    trainer = Trainer(
        without_weights(load_recipe(name)), Budget(steps=4, batch=2, crop=32), 0, device, training_set(),
        Checkpoints(tmp_path, "0" * 64),
    )  # fmt: skip
    steps = []
    assert trainer.run(steps.append, lambda: False)
    assert all(np.isfinite(list(step.losses.values())).all() for step in steps)
    assert min(min(step.seconds.values()) for step in steps) > 0
    assert torch.cuda.max_memory_allocated() > 0


def without_weights(recipe):
    model = ModelChoice(name=recipe.model.name, **recipe.model.options | untrained("models", recipe.model.name))
    terms = tuple(LossTerm.model_validate(term.model_dump() | untrained("losses", term.name)) for term in recipe.loss)
    return recipe.model_copy(update={"model": model, "loss": terms})


def test_deterministic_trainings_end_bit_equal(tmp_path):
    device, ends = choose_device("cuda"), []
    try:
        for name in "ab":
            trainer = Trainer(
                load_recipe("enhanced-topo"), Budget(steps=6, batch=2, crop=32), 0, device, training_set(),
                Checkpoints(tmp_path / name, "0" * 64), settings=Settings(deterministic=True),
            )  # fmt: skip
            trainer.run(lambda _: None, lambda: False)
            ends.append(torch.cat([value.double().ravel() for value in trainer.model.state_dict().values()]))
    finally:
        torch.use_deterministic_algorithms(False)
    assert torch.equal(*ends)


def test_threads_are_no_part_of_a_run_on_cuda():
    assert choose_device("cuda", jobs=1) == choose_device("cuda", jobs=8)
