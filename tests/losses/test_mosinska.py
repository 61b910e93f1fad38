"""The loss on features of VGG-19: its formula by hand, what it leaves alone, and that it is no part of what trains."""

import copy
import io

import pytest
import torch
from torch.nn import functional

from topobench import load_loss
from topobench.errors import ArgumentError, DataError
from topobench.losses import CrossEntropyLoss, MosinskaLoss, WeightedLoss
from topobench.losses.weighted import Term
from topobench.models.pretrained import random_features


def maps(*shape, seed=0):
    random = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(*shape, generator=random), (torch.rand(*shape, generator=random) < 0.4).float()


def by_hand(logits, target, weights):
    """The formula of the docstring, layer by layer, map by map, of one image (H, W)."""
    features = []
    for image in (torch.sigmoid(logits), target):
        seen = torch.stack([(image - mean) / std for mean, std in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))])
        found = []
        for stage in ((0, 2), (5, 7), (10, 12, 14, 16)):
            for layer in stage:
                weight, bias = (weights[f"features.{layer}.{kind}"].double() for kind in ("weight", "bias"))
                seen = functional.conv2d(seen[None], weight, bias, padding=1)[0].clamp(min=0)
            found.append(seen)
            seen = functional.max_pool2d(seen[None], 2, ceil_mode=True)[0]
        features.append(found)
    total = 0.0
    for ours, true in zip(*features, strict=True):
        count, height, width = ours.shape
        total += sum(((a - b) ** 2).sum().item() for a, b in zip(ours, true, strict=True)) / (count * height * width)
    return total


@pytest.mark.parametrize("shape", [(1, 1), (5, 4), (9, 13)])
def test_formula_by_hand(shape):
    logits, target = maps(2, 1, *shape)
    found = load_loss("mosinska", pretrained=False)(logits.double(), target)
    each = [
        by_hand(*pair, random_features()) for pair in zip(logits[:, 0].double(), target[:, 0].double(), strict=True)
    ]
    assert found.item() == pytest.approx(sum(each) / 2, rel=1e-9)


def test_nothing_where_prediction_and_truth_are_equal():
    _, target = maps(2, 1, 16, 20)
    assert load_loss("mosinska", pretrained=False)(100 * (2 * target - 1), target).item() == 0


def test_gradient_comes_through_the_prediction_alone():
    logits, target = maps(1, 1, 12, 12)
    logits.requires_grad_()
    target.requires_grad_()
    loss = load_loss("mosinska", pretrained=False)
    loss(logits, target).backward()
    assert logits.grad.abs().sum() > 0
    assert target.grad is None
    assert not any(buffer.requires_grad for buffer in loss.buffers())


def test_features_are_neither_trained_nor_saved_but_move_with_the_loss():
    loss = WeightedLoss([Term("a", CrossEntropyLoss(), 1.0), Term("b", load_loss("mosinska", pretrained=False), 1.0)])
    assert list(loss.parameters()) == []
    assert loss.state_dict() == {}
    moved = loss.to("meta")
    assert {buffer.device.type for buffer in moved.buffers()} == {"meta"}
    assert len(list(moved.buffers())) == 16


def test_pretrained_is_true_or_false():
    with pytest.raises(ArgumentError, match="pretrained is 'no'; it must be True or False"):
        load_loss("mosinska", pretrained="no")


def test_maps_lie_channels_last_whatever_the_loss_is_moved_to():
    """Channels first, or with gradients that lie otherwise than the maps, it takes a quarter longer on the CPU."""
    _, target = maps(2, 1, 12, 10)
    loss = load_loss("mosinska", pretrained=False)
    for moved, dtype in ((loss, torch.float32), (copy.deepcopy(loss).double(), torch.float64)):
        found = moved.features(target[:, 0].to(dtype))
        assert [tuple(each.shape) for each in found] == [(2, 12, 10, 64), (2, 6, 5, 128), (2, 3, 3, 256)]
        assert all(each.is_contiguous() for each in found)


def test_with_the_weights_that_are_asked_for(fake_weights):
    logits, target = maps(1, 1, 8, 9)
    found = load_loss("mosinska")(logits.double(), target).item()
    assert found == pytest.approx(by_hand(logits[0, 0].double(), target[0, 0].double(), random_features(seed=1)))
    assert found != pytest.approx(load_loss("mosinska", pretrained=False)(logits, target).item(), rel=1e-3)


def test_weights_that_are_not_official_are_refused_when_it_is_made(fake_weights, monkeypatch, tmp_path):
    other = tmp_path / "other.pth"
    stream = io.BytesIO()
    torch.save({}, stream)
    other.write_bytes(stream.getvalue())
    monkeypatch.setenv("TOPOBENCH_WEIGHTS", str(other))
    with pytest.raises(
        DataError, match=r"other\.pth has .* the weights 'vgg19-imagenet' have .* Get it from .* pretrained = false"
    ):
        load_loss("mosinska")


def test_it_says_what_it_is_made_of():
    assert MosinskaLoss.pretrained_weights == "vgg19-imagenet"
    assert not MosinskaLoss.trains_alone
    assert "pretrained=False (random features)" in repr(MosinskaLoss(pretrained=False))
