"""What is particular to our models; what holds for any is asked in test_conformance.py."""

import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional

import topobench
from tests.offline import untrained
from topobench.data.fetch import WEIGHTS, download, weights
from topobench.errors import ArgumentError, DataError
from topobench.models import vgg
from topobench.models.pretrained import VGG19_CONVOLUTIONS, VGG19_STAGES, random_features, vgg19_features

MODELS = topobench.list_names("models")
SMALL = {"dive": {"widths": (6, 8, 10), "hidden": 7}}  # every layer of it is at full resolution


def load(name, channels=1, **options):
    return topobench.load_model(name, channels, **untrained("models", name), **SMALL.get(name, {}), **options)


def test_published_widths():
    def convolutions(name):
        model = load(name) if name == "vgg19" else topobench.load_model(name)
        trunk = {"dive": "layers", "vgg19": "features"}.get(name, "trunk")
        return [m.out_channels for m in getattr(model, trunk).modules() if isinstance(m, torch.nn.Conv2d)]

    assert convolutions("base") == [32, 64, 128, 256]
    assert convolutions("enhanced") == [32, 64, 128, 256, 512]
    # Simonyan, Zisserman 2015, table 1, column E
    assert convolutions("vgg19") == [64] * 2 + [128] * 2 + [256] * 4 + [512] * 8
    assert convolutions("dive") == [48, 128, 128, 256, 256, 256, 100, 1]
    enhanced = topobench.load_model("enhanced")
    assert [m.p for m in enhanced.modules() if isinstance(m, torch.nn.Dropout2d)] == [0.5]
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in topobench.load_model("base").modules())


@pytest.mark.parametrize(("name", "pools"), [("base", 3), ("enhanced", 4)])
def test_pools_after_the_published_convolutions(name, pools):
    model = topobench.load_model(name).eval()
    features = model.trunk(torch.zeros(1, 1, 64, 64))
    assert [feature.shape[-1] for feature in features] == [64 // 2**pool for pool in range(pools + 1)]


def average(model):
    """Make every convolution a mean: no ReLU is ever at rest, and no gradient is lost but in pools."""
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight.fill_(1 / layer.weight[0].numel())
                if layer.bias is not None:
                    layer.bias.zero_()
    return model.double().eval()


@pytest.mark.parametrize(
    ("name", "options"),
    [*((name, {}) for name in MODELS), ("unet", {"depth": 1}), ("unet", {"depth": 5}), ("mosinska", {"iterations": 2})],
)
@pytest.mark.parametrize("spare", [0, 21])
def test_no_model_looks_further_than_it_says(name, options, spare, monkeypatch):
    torch.manual_seed(0)
    monkeypatch.setattr(vgg, "VGG19_STAGES", tuple((4,) * len(stage) for stage in VGG19_STAGES))
    narrow = {"width": 2} if name in ("unet", "mosinska") else {}
    model = average(load(name, **narrow, **options))
    image = torch.rand(1, 1, 1, 2 * model.reach + 40 + spare, dtype=torch.float64).requires_grad_()
    logits, furthest = model(image)[0, 0, 0], 0
    for column in (model.reach, model.reach + 15, model.reach + 38):
        [gradient] = torch.autograd.grad(logits[column], image, retain_graph=True)
        away = (gradient[0, 0, 0].nonzero()[:, 0] - column).abs().max()
        furthest = max(furthest, int(away))
    assert model.reach / 2 < furthest <= model.reach


def test_reach_by_hand():
    """A level of two convolutions looks 2 pixels far; a second one, behind a pool, adds to that."""
    assert load("unet", depth=1).reach == 2
    # Up: 2 for the convolutions, then the coarse neighbours; there 2 convolutions, of pixels twice as large; down: 2.
    assert load("unet", depth=2).reach == 11
    assert load("mosinska", iterations=4).reach == 4 * load("unet").reach
    assert load("dive").reach == (95 - 1) / 2


@pytest.mark.parametrize("norm", ["group", "instance", "none"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (33, 50)])
def test_norms_of_the_unet(norm, shape):
    torch.manual_seed(0)
    model = topobench.load_model("unet", width=4, norm=norm)
    image = torch.randn(1, 1, *shape)
    logits = model.train()(image)
    assert torch.isfinite(logits).all()
    assert torch.equal(logits, model.eval()(image))  # no statistics are kept
    kinds = {type(layer).__name__ for layer in model.modules()}
    assert "BatchNorm2d" not in kinds
    assert ("_GroupNorm" in kinds) == (norm != "none")


def test_instance_norm_is_that_of_torch():
    torch.manual_seed(0)
    ours = topobench.load_model("unet", width=4, depth=1, norm="instance").down[0][1]
    features = torch.randn(2, 4, 9, 8)
    assert torch.allclose(ours(features), nn.InstanceNorm2d(4)(features), atol=1e-6)


def test_batch_norm_is_the_default_and_as_it_was():
    torch.manual_seed(0)
    implied = topobench.load_model("unet", width=4)
    torch.manual_seed(0)
    named = topobench.load_model("unet", width=4, norm="batch")
    assert implied.state_dict().keys() == named.state_dict().keys()
    assert all(torch.equal(one, other) for one, other in zip(implied.parameters(), named.parameters(), strict=True))
    assert [type(layer).__name__ for layer in named.down[0]] == ["Conv2d", "BatchNorm2d", "ReLU"] * 2


def test_mosinska_feeds_its_likelihood_back():
    torch.manual_seed(0)
    model = topobench.load_model("mosinska", 2, width=4, iterations=3).train()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()
    image = torch.randn(1, 2, 20, 17)
    outputs = model(image)
    assert [tuple(output.shape) for output in outputs] == [(1, 1, 20, 17)] * 3
    assert model.output_weights == pytest.approx((1 / 6, 2 / 6, 3 / 6))
    before = torch.zeros(1, 1, 20, 17)
    for output in outputs:
        assert torch.equal(output, model.unet(torch.cat([image, before], 1)))
        before = torch.sigmoid(output)
    assert torch.equal(model.eval()(image), outputs[-1])
    assert len({*map(id, model.parameters())}) == len({*map(id, model.unet.parameters())})


def test_dive_is_the_window_classifier_at_every_pixel():
    """Dilated, it gives what the network with strides gives for the window around a pixel."""
    torch.manual_seed(0)
    model = load("dive", 2).eval()
    image = torch.randn(1, 2, 30, 41)
    logits, padded = model(image), functional.pad(image, [47] * 4)
    for row, column in [(0, 0), (29, 40), (13, 22), (14, 23)]:
        seen = padded[:, :, row : row + 95, column : column + 95]
        for layer in model.layers:
            if isinstance(layer, nn.Conv2d):
                seen = functional.conv2d(seen, layer.weight, layer.bias)
            elif isinstance(layer, nn.MaxPool2d):
                seen = functional.max_pool2d(seen, 2)
            else:
                seen = layer(seen)
        assert seen.shape == (1, 1, 1, 1)
        assert seen.item() == pytest.approx(logits[0, 0, row, column].item(), abs=1e-5)


@pytest.mark.usefixtures("fake_weights")
def test_pretrained_features_have_the_names_of_torchvision():
    found = {name: value for name, value in topobench.load_model("vgg19", 3).state_dict().items() if "features" in name}
    official = vgg19_features()
    assert found.keys() == official.keys()
    assert all(torch.equal(found[name], official[name]) for name in official)
    model = load("vgg19", 3)
    assert [number for number, layer in enumerate(model.features) if isinstance(layer, nn.Conv2d)] == [
        *VGG19_CONVOLUTIONS
    ]
    assert [number for number, layer in enumerate(model.features) if isinstance(layer, nn.MaxPool2d)] == [
        4, 9, 18, 27, 36,
    ]  # fmt: skip


@pytest.mark.usefixtures("fake_weights")
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_pretrained_features_see_a_grey_image_alike_in_any_number_of_channels(channels):
    torch.manual_seed(0)
    grey = torch.randn(1, 1, 37, 50)
    of_three, other = topobench.load_model("vgg19", 3).eval(), topobench.load_model("vgg19", channels).eval()
    other.decoder.load_state_dict(of_three.decoder.state_dict())
    with torch.inference_mode():
        wanted, found = of_three(grey.expand(1, 3, 37, 50)), other(grey.expand(1, channels, 37, 50))
    assert wanted.std() > 1e-3
    assert torch.allclose(found, wanted, atol=1e-4 * float(wanted.abs().max()))


def test_missing_weights_say_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(download, "PAUSE", 0.01)
    nowhere = dataclasses.replace(WEIGHTS["vgg19-imagenet"], url="http://127.0.0.1:9/vgg19-dcbb9e9d.pth")
    monkeypatch.setitem(weights.WEIGHTS, "vgg19-imagenet", nowhere)
    monkeypatch.setenv("TOPOBENCH_DATA", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("TOPOBENCH_WEIGHTS", raising=False)
    with pytest.raises(DataError, match=r"Where there is a network, get .* and put it into .*/weights"):
        topobench.load_model("vgg19")
    assert topobench.load_model("vgg19", pretrained=False).features[0].in_channels == 1


def test_random_features_depend_on_their_seed_alone():
    state = torch.random.get_rng_state()
    one, again, other = random_features(1), random_features(1), random_features(2)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["features.0.weight"], other["features.0.weight"])


def test_wrong_options():
    with pytest.raises(ArgumentError, match="depth 0; a U-Net needs"):
        topobench.load_model("unet", depth=0)
    with pytest.raises(ArgumentError, match="norm is 'layer'; a U-Net has one of 'batch', 'group', 'instance', 'none'"):
        topobench.load_model("unet", norm="layer")
    with pytest.raises(ArgumentError, match="iterations is 0; the network must be applied at least once"):
        topobench.load_model("mosinska", iterations=0)
    for options in ({"widths": (4, 5)}, {"widths": (4, 5, 0)}, {"hidden": 0}):
        with pytest.raises(ArgumentError, match="DIVE has three widths, and all must be at least 1"):
            topobench.load_model("dive", **options)
    with pytest.raises(ArgumentError, match="in_channels is 0"):
        topobench.load_model("unet", 0)
