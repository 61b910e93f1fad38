"""Losses called as MONAI and others call them: by position, with targets of any dtype and subclass, level by level."""

import pytest
import torch

from tests.frameworks import DeepSupervisionLoss, DiceLoss, MetaTensor
from topobench import load_loss
from topobench.registry import BUILTINS

OPTIONS = {"mosinska": {"pretrained": False}}


def pair(side=48):
    """Logits that need a gradient, and a target: (2, 1, side, side)."""
    target = torch.zeros(2, 1, side, side)
    target[:, :, ::12] = target[:, :, :, ::16] = 1
    random = torch.Generator().manual_seed(0)
    logits = 2 * target - 1 + torch.randn(target.shape, generator=random)
    return logits.requires_grad_(), target


def value_and_gradient(name, logits, target):
    value = load_loss(name, **OPTIONS.get(name, {}))(logits, target)
    [gradient] = torch.autograd.grad(value, logits)
    return float(value.detach()), gradient.as_subclass(torch.Tensor)


@pytest.mark.parametrize("name", sorted(BUILTINS["losses"]))
def test_a_target_may_be_of_a_subclass_and_of_whole_numbers(name):
    logits, target = pair()
    wanted, gradient = value_and_gradient(name, logits, target)
    assert wanted > 0
    for dtype in (torch.float32, torch.bool, torch.uint8):
        found = value_and_gradient(name, logits, target.to(dtype).as_subclass(MetaTensor))
        assert found[0] == wanted
        assert torch.equal(found[1], gradient)
    of_subclass = logits.detach().as_subclass(MetaTensor).requires_grad_()
    found = value_and_gradient(name, of_subclass, target.as_subclass(MetaTensor))
    assert found[0] == wanted
    assert torch.equal(found[1], gradient)


@pytest.mark.parametrize("name", sorted(set(BUILTINS["losses"]) - {"mosinska"}))
def test_deep_supervision_and_a_sum_with_anothers_loss(name):
    """Each level has its own target, its own weight, and a gradient."""
    loss = load_loss(name)
    logits, target = pair()
    levels = [logits, logits.detach()[:, :, ::2, ::2].clone().requires_grad_()]
    total = DeepSupervisionLoss(lambda input, target: DiceLoss(sigmoid=True)(input, target) + loss(input, target))(
        levels, target
    )
    total.backward()
    alone = load_loss(name)  # its patches lie where they lay
    coarse = target[:, :, 1::2, 1::2]
    dice = DiceLoss(sigmoid=True)
    wanted = dice(logits, target) + alone(logits, target)
    wanted = wanted + 0.5 * (dice(levels[1], coarse) + alone(levels[1], coarse))
    assert float(total.detach()) == pytest.approx(float(wanted.detach()), rel=1e-5)
    assert all(level.grad.isfinite().all() and level.grad.any() for level in levels)


def test_a_softmax_of_two_channels_has_the_difference_for_its_logit():
    _, target = pair()
    out = torch.randn(2, 2, 48, 48, generator=torch.Generator().manual_seed(1), requires_grad=True)
    logits = out[:, 1:] - out[:, :1]
    torch.testing.assert_close(torch.sigmoid(logits), out.softmax(1)[:, 1:])
    load_loss("topological")(logits, target).backward()
    assert out.grad.any()
    torch.testing.assert_close(out.grad[:, 0], -out.grad[:, 1])
