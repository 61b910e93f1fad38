"""Stand-ins of what docs/frameworks.md takes from MONAI and Lightning, called as those call: no test needs them."""

import sys
from types import ModuleType

import torch
from torch import nn
from torch.nn import functional


class MetaTensor(torch.Tensor):
    """A subclass of tensors, as MONAI's is one: what is computed with it is of its class, too."""


class DiceLoss(nn.Module):
    """Soft Dice of a batch of logits."""

    def __init__(self, sigmoid=False):
        super().__init__()
        assert sigmoid, "this one takes logits"

    def forward(self, input, target):
        likelihood = torch.sigmoid(input)
        return 1 - (2 * (likelihood * target).sum() + 1e-5) / (likelihood.sum() + target.sum() + 1e-5)


class DeepSupervisionLoss(nn.Module):
    """The sum over outputs of 1, 1/2, 1/4 ... times the loss, by position, with the target scaled down to each."""

    def __init__(self, loss):
        super().__init__()
        self.loss = loss

    def forward(self, input, target):
        total = torch.tensor(0, dtype=torch.float, device=target.device)
        for level, output in enumerate(input):
            scaled = target
            if output.shape != target.shape:
                scaled = functional.interpolate(target, size=output.shape[2:], mode="nearest-exact")
            total += 0.5**level * self.loss(output.float(), scaled)
        return total


class LightningModule(nn.Module):
    """What `Trainer` calls, with nothing done."""

    def log_dict(self, values):
        self.logged = {**getattr(self, "logged", {}), **values}


class Trainer:
    """Trains for so many steps, and validates before and after, as Lightning does."""

    def __init__(self, max_steps, **_):
        self.max_steps = max_steps

    def fit(self, module, training, validation):
        module.trainer, module.global_step = self, 0
        optimiser = module.configure_optimizers()
        self.validate(module, validation)
        while module.global_step < self.max_steps:
            for index, batch in zip(range(self.max_steps - module.global_step), training, strict=False):
                optimiser.zero_grad()
                module.training_step(batch, index).backward()
                optimiser.step()
                module.global_step += 1
        self.validate(module, validation)

    def validate(self, module, batches):
        module.on_validation_epoch_start()
        with torch.no_grad():
            for index, batch in enumerate(batches):
                module.validation_step(batch, index)
        module.on_validation_epoch_end()


def install(monkeypatch):
    """Let the stand-ins be what ``import monai.losses`` and ``import lightning`` find."""
    for name, found in {
        "monai": (),
        "monai.losses": (DeepSupervisionLoss, DiceLoss),
        "lightning": (LightningModule, Trainer),
    }.items():
        module = ModuleType(name)
        for entry in found:
            setattr(module, entry.__name__, entry)
        monkeypatch.setitem(sys.modules, name, module)
