"""Every model: any height, width and channels; repeatable in eval; every parameter learns."""

import pytest
import torch

import topobench
from topobench.errors import ArgumentError

MODELS = topobench.list_names("models")


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (2, 3), (65, 65), (33, 50)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_gives_a_logit_per_pixel(name, shape, channels):
    model = topobench.load_model(name, channels).eval()
    with torch.inference_mode():
        image = torch.randn(2, channels, *shape, generator=torch.Generator().manual_seed(0))
        logits = model(image)
        assert logits.shape == (2, 1, *shape)
        assert torch.isfinite(logits).all()
        assert torch.equal(logits, model(image))


@pytest.mark.parametrize("name", MODELS)
def test_gradient_reaches_every_parameter_and_three_steps_help(name):
    torch.manual_seed(0)
    model = topobench.load_model(name).train()
    image = torch.randn(2, 1, 40, 40)
    target = (image > 0).float()
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    losses = []
    for _ in range(4):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(image), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert all(weights.grad is not None and weights.grad.abs().sum() > 0 for weights in model.parameters())


def test_published_widths():
    def convolutions(name):
        trunk = topobench.load_model(name).trunk
        return [m.out_channels for m in trunk.modules() if isinstance(m, torch.nn.Conv2d)]

    assert convolutions("base") == [32, 64, 128, 256]
    assert convolutions("enhanced") == [32, 64, 128, 256, 512]
    enhanced = topobench.load_model("enhanced")
    assert [m.p for m in enhanced.modules() if isinstance(m, torch.nn.Dropout2d)] == [0.5]
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in topobench.load_model("base").modules())


@pytest.mark.parametrize(("name", "pools"), [("base", 3), ("enhanced", 4)])
def test_pools_after_the_published_convolutions(name, pools):
    model = topobench.load_model(name).eval()
    features = model.trunk(torch.zeros(1, 1, 64, 64))
    assert [feature.shape[-1] for feature in features] == [64 // 2**pool for pool in range(pools + 1)]


def test_wrong_options():
    with pytest.raises(ArgumentError, match="depth 0; a U-Net needs"):
        topobench.load_model("unet", depth=0)
    with pytest.raises(ArgumentError, match="in_channels is 0"):
        topobench.load_model("unet", 0)
