"""Fixtures that many tests share."""

import dataclasses
import functools
import hashlib
import json
import os
import signal
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "30000")  # as the command does: tests share the cores
if (workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))) > 1:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in what a shell runs in the background, and so in children
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ["TOPOBENCH_PICTURES"] = "none"  # which take seconds a run; their own tests ask for them

import pytest
from hypothesis import settings

settings.register_profile("shared", deadline=None)  # a shared machine may pause at any moment
settings.load_profile("shared")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def real_data():
    """The folder of the real data; without it a test skips, or fails under TOPOBENCH_REQUIRE_DATA=1."""
    folder = Path(os.environ.get("TOPOBENCH_DATA") or ROOT.parent / "shared" / "data").resolve()
    if not (folder / "isbi2012" / "train-volume.tif").is_file():
        reason = f"no real data in {folder}; set TOPOBENCH_DATA to a folder that holds isbi2012/"
        if os.environ.get("TOPOBENCH_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def _weights_of_nobody(tmp_path_factory):
    """A file of the tensors of VGG-19, drawn at random, and what is known of it; 80 MB, written once."""
    import torch

    from topobench.data.fetch import WEIGHTS
    from topobench.models.pretrained import random_features

    path = tmp_path_factory.mktemp("weights") / "vgg19-dcbb9e9d.pth"
    torch.save({**random_features(seed=1), "classifier.6.bias": torch.zeros(1000)}, path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return path, dataclasses.replace(WEIGHTS["vgg19-imagenet"], sha256=sha256, bytes=path.stat().st_size)


@pytest.fixture
def fake_weights(_weights_of_nobody, monkeypatch):
    """Random weights pass for those of ImageNet, which no test downloads; returns the path of their file."""
    from topobench.data.fetch import weights

    path, known = _weights_of_nobody
    monkeypatch.setitem(weights.WEIGHTS, known.name, known)
    monkeypatch.setenv(weights.WEIGHTS_VARIABLE, str(path))
    return path


def write_suite(folder, name="tiny", **changes):
    """Write a suite file of three training steps and return its path."""
    keys = {
        "schema": 1, "name": name, "version": 1, "title": "a tiny suite", "recipes": ["unet-topo"],
        "datasets": ["synthetic-membranes"], "folds": [0], "seeds": [0], "protocols": ["hu2019"],
        "nulls": ["null-threshold"],
    } | changes  # fmt: skip
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    path = folder / f"{name}.toml"
    path.write_text("\n".join([*lines, "[budget]", "steps = 3", "batch = 2", "crop = 72", ""]))
    return path


@pytest.fixture
def suite_file(tmp_path):
    """Return a function that writes a tiny suite file into the test's folder."""
    return functools.partial(write_suite, tmp_path)
