"""Weights of VGG-19: from a file, from a cache, from their address; the official ones and no others."""

import dataclasses
import hashlib
import io
import pickle
from pathlib import Path

import pytest
import torch

from tests.data.fetch.server import page, sends
from topobench.data.fetch import WEIGHTS, find_weights, weights, weights_file
from topobench.errors import ArgumentError, DataError
from topobench.models.pretrained import VGG19_CONVOLUTIONS, vgg19_features

NAME = "vgg19-imagenet"


def features(width=1.0):
    """Tensors of the names and shapes of torchvision's VGG-19, and one of its classifier, which is left out."""
    state = {"classifier.6.bias": torch.zeros(1000)}
    for number, (before, after) in VGG19_CONVOLUTIONS.items():
        state[f"features.{number}.weight"] = torch.full((after, before, 3, 3), width * number)
        state[f"features.{number}.bias"] = torch.full((after,), -width * number)
    return state


def saved(state, **options):
    stream = io.BytesIO()
    torch.save(state, stream, **options)
    return stream.getvalue()


@pytest.fixture(scope="module")
def content():
    return saved(features())


@pytest.fixture
def official(server, content, monkeypatch, tmp_path):
    """Serve weights of our own under the official name, and return a function that changes what is known of them."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("TOPOBENCH_WEIGHTS", raising=False)

    def change(served):
        known = dataclasses.replace(
            WEIGHTS[NAME], url=f"{server.url}/models/vgg19-dcbb9e9d.pth", bytes=len(served),
            sha256=hashlib.sha256(served).hexdigest(),
        )  # fmt: skip
        monkeypatch.setitem(weights.WEIGHTS, NAME, known)
        server.routes["/models/vgg19-dcbb9e9d.pth"] = sends(served)

    change(content)
    return change


def test_the_official_file_is_the_one_that_torchvision_names():
    """The first eight digits of its sha256 stand in the name of the file, for torch.hub checks them."""
    assert WEIGHTS[NAME].file == f"vgg19-{WEIGHTS[NAME].sha256[:8]}.pth"
    assert WEIGHTS[NAME].url.startswith("https://download.pytorch.org/models/")


def test_convolutions_have_the_numbers_of_torchvision():
    """Simonyan and Zisserman, column E; numbers as `torchvision.models.vgg19().features` prints them."""
    assert list(VGG19_CONVOLUTIONS) == [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    assert sum(9 * before * after + after for before, after in VGG19_CONVOLUTIONS.values()) == 20_024_384


def test_they_are_downloaded_once_and_then_found(official, server, tmp_path):
    found = vgg19_features(data_dir=tmp_path)
    assert set(found) == {name for name in features() if name.startswith("features.")}
    assert torch.equal(found["features.34.bias"], torch.full((512,), -34.0))
    assert find_weights(NAME, tmp_path) == tmp_path / "weights" / "vgg19-dcbb9e9d.pth"
    vgg19_features(data_dir=tmp_path)
    assert len(server.asked) == 1
    left = [path.name for path in (tmp_path / "weights").iterdir() if not path.name.startswith(".")]
    assert left == ["vgg19-dcbb9e9d.pth"]


def test_those_of_torch_hub_are_found(official, server, content, tmp_path):
    place = tmp_path / "torch" / "hub" / "checkpoints" / "vgg19-dcbb9e9d.pth"
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    assert weights_file(NAME, data_dir=tmp_path) == place
    assert server.asked == []


def test_a_file_of_another_size_is_none(official, server, content, tmp_path):
    """That of torch.hub is passed over; that in our own place is said to be in the way, for it is never changed."""
    for place in (tmp_path / "torch" / "hub" / "checkpoints", tmp_path / "weights"):
        place.mkdir(parents=True)
        (place / "vgg19-dcbb9e9d.pth").write_bytes(b"hello")
    assert find_weights(NAME, tmp_path) is None
    with pytest.raises(
        DataError, match=r"weights/vgg19-dcbb9e9d\.pth has 5 bytes .* Remove it, then: topobench data fetch v"
    ):
        weights_file(NAME, data_dir=tmp_path)
    (tmp_path / "weights" / "vgg19-dcbb9e9d.pth").unlink()
    assert weights_file(NAME, data_dir=tmp_path).read_bytes() == content


def test_a_file_of_ones_own_is_taken_if_it_is_the_official_one(official, server, content, tmp_path):
    path = tmp_path / "mine.pth"
    path.write_bytes(content)
    assert weights_file(NAME, path) == path
    path.write_bytes(content[:-1])
    with pytest.raises(
        DataError, match=r"mine\.pth has \d+ bytes and the sha256 \w+; the weights .* have \d+ and \w+\. Get"
    ):
        weights_file(NAME, path)
    with pytest.raises(
        ArgumentError, match=r"nowhere\.pth is no file; wanted are the weights vgg19-dcbb9e9d\.pth, from"
    ):
        weights_file(NAME, tmp_path / "nowhere.pth")
    assert server.asked == []


def test_a_file_that_the_environment_names_comes_before_caches(official, server, content, tmp_path, monkeypatch):
    path, cached = tmp_path / "mine.pth", tmp_path / "weights" / "vgg19-dcbb9e9d.pth"
    cached.parent.mkdir()
    for place in (path, cached):
        place.write_bytes(content)
    monkeypatch.setenv("TOPOBENCH_WEIGHTS", str(path))
    assert weights_file(NAME, data_dir=tmp_path) == find_weights(NAME, tmp_path) == path
    assert weights_file(NAME, cached, tmp_path) == cached  # an argument comes before both
    path.write_bytes(b"x" * len(content))
    with pytest.raises(DataError, match=r"mine\.pth has .* Get it from .*, or unset TOPOBENCH_WEIGHTS\."):
        vgg19_features(data_dir=tmp_path)
    path.unlink()
    assert find_weights(NAME, tmp_path) is None
    with pytest.raises(ArgumentError, match=r"mine\.pth is no file; wanted are the weights vgg19-dcbb9e9d\.pth, from"):
        weights_file(NAME, data_dir=tmp_path)
    monkeypatch.setenv("TOPOBENCH_WEIGHTS", "")
    assert weights_file(NAME, data_dir=tmp_path) == cached
    assert server.asked == []


@pytest.mark.parametrize("route", [page(), sends(b"x" * 1000)])
def test_what_comes_instead_is_not_kept(official, server, tmp_path, route):
    server.routes["/models/vgg19-dcbb9e9d.pth"] = route
    with pytest.raises(
        DataError, match=r"/models/vgg19-dcbb9e9d\.pth .* get .* \(sha256 \w{64}\), and put it into .*/wei"
    ):
        weights_file(NAME, data_dir=tmp_path)
    assert find_weights(NAME, tmp_path) is None


class Payload:
    """What a pickle may do."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("new", [True, False])
def test_a_payload_is_not_run(official, tmp_path, new):
    mark = tmp_path / "mark"
    served = saved({"features.0.weight": Payload(mark)}, _use_new_zipfile_serialization=new)
    official(served)
    with pytest.raises(DataError, match="is damaged, or holds something else than tensors, which is not loaded"):
        vgg19_features(data_dir=tmp_path)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("served", "sentence"),
    [
        (b"no weights", "cannot be read as weights"),
        (pickle.dumps([1, 2], 2), "cannot be read as weights|features.0.weight has no such tensor"),
        (saved([1, 2]), r"features\.0\.weight has no such tensor; VGG-19 has \(64, 3, 3, 3\) there"),
        (
            saved({**features(), "features.5.bias": torch.zeros(3)}),
            r"features\.5\.bias has the shape \(3,\); VGG-19 has",
        ),
    ],
    ids=["text", "pickle", "list", "another network"],
)
def test_weights_of_something_else_are_named(official, tmp_path, served, sentence):
    official(served)
    with pytest.raises(DataError, match=sentence):
        vgg19_features(data_dir=tmp_path)


def test_the_old_format_of_torch_is_read(official, tmp_path):
    """The official file may be of it: it was published in 2017."""
    official(saved(features(2.0), _use_new_zipfile_serialization=False))
    assert vgg19_features(data_dir=tmp_path)["features.2.bias"][0] == -4.0
