"""Every model of ours before the suite, and for each rule a mutant that the suite must catch, and say why."""

import random
import time

import numpy as np
import pytest
import torch
from torch.nn import functional

import topobench
from tests.models.mutants import GOOD, MUTANTS, Net, NoiseOfNumpy
from tests.offline import untrained
from topobench.errors import ArgumentError
from topobench.models import vgg
from topobench.models.conformance import RULES, check_model
from topobench.models.pretrained import VGG19_STAGES
from topobench.models.unet import UNet

SMALL = {  # which takes a tenth of the time
    "dive": {"widths": (6, 8, 10), "hidden": 7},
    "mosinska": {"width": 4},
    "unet": {"width": 8},
}
NARROW = tuple(tuple(width // 16 for width in stage) for stage in VGG19_STAGES)


def failures(report):
    """Rule -> case -> reason of what failed."""
    found = {}
    for check in report.failed:
        found.setdefault(check.rule, {})[check.case] = check.reason
    return found


@pytest.mark.parametrize("name", topobench.list_names("models"))
def test_our_models_keep_every_rule(name, monkeypatch):
    monkeypatch.setattr(vgg, "VGG19_STAGES", NARROW)  # all 16 convolutions: the whole one takes seven seconds
    options = {**untrained("models", name), **SMALL.get(name, {})}
    report = check_model(lambda channels: topobench.load_model(name, channels, **options), name)
    assert report.failed == ()
    unasked = {check.rule for check in report.checks if check.status == "not claimed"}
    assert unasked <= {"cpu = cuda"}
    assert list(report.counts()) == [rule.name for rule in RULES]


@pytest.mark.parametrize("norm", ["group", "instance"])
def test_a_norm_over_the_image_looks_further_than_any_reach(norm):
    found = failures(check_model(lambda channels: UNet(channels, width=4, depth=2, norm=norm)))
    assert {*found} == {"looks no further"}
    assert {*found["looks no further"].values()} == {
        "a logit depends on all of an image, as a norm or mean over it does; leave out its reach (11)."
    }


@pytest.mark.parametrize("make", GOOD, ids=lambda make: make.__name__)
def test_what_is_allowed_passes(make):
    assert check_model(make).failed == ()


def test_what_is_not_said_is_not_claimed():
    class Silent(Net):
        reach = None

        def __init__(self, in_channels):
            super().__init__(in_channels)
            self.first.weight.requires_grad_(False)

    report = check_model(Silent)
    assert report.failed == ()
    said = {check.rule: check.reason for check in report.checks if check.status == "not claimed"}
    assert "tiles whose outer 96 pixels do not count" in said["looks no further"]
    assert said["gradient everywhere"] == "requires_grad is False of first.weight."


@pytest.mark.parametrize("make", MUTANTS, ids=lambda make: make.__name__)
def test_mutants_are_caught(make):
    found, wanted = failures(check_model(make)), MUTANTS[make]
    assert {rule: {*cases} for rule, cases in found.items()} == {rule: {*cases} for rule, cases in wanted.items()}
    for rule, cases in wanted.items():
        for case, words in cases.items():
            assert words in found[rule][case]


def test_each_rule_has_a_mutant():
    caught = {rule for rules in MUTANTS.values() for rule in rules}
    assert caught | {"any channels", "cpu = cuda"} == {rule.name for rule in RULES}


def test_a_tensor_that_stays_on_the_cpu_is_found_without_a_gpu():
    class Places(Net):
        reach = None

        def __init__(self, in_channels):
            super().__init__(in_channels)
            self.register_buffer("scale", torch.tensor(2.0))

        def between(self, features):
            rows = torch.linspace(-1, 1, features.shape[2], device=self.device_of(features))[:, None]
            return functional.relu(features * self.scale + rows)

        def device_of(self, features):
            return features.device

    class Forgets(Places):
        def device_of(self, features):
            return None

    class ReadsValues(Places):
        def between(self, features):
            return super().between(features) * (1 if float(features.detach().mean()) < 1e9 else 2)

    for sound in (Places, ReadsValues):
        assert check_model(sound).failed == ()
    found = failures(check_model(Forgets))
    assert {*found} == {"cpu = cuda"}
    assert (
        "make it with device=images.device, or keep it by register_buffer." in found["cpu = cuda"]["tensors of its own"]
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda channels: 3, "it makes a int; it must make a torch.nn.Module."),
        (lambda: Net(1), "raises TypeError"),
    ],
)
def test_what_cannot_be_made_is_said_once(make, words):
    report = check_model(make, "odd")
    assert report.subject == "odd"
    [failed] = report.failed
    assert (failed.rule, failed.case) == ("is made", "1 channel")
    assert words in failed.reason
    others = [check for check in report.checks if check is not failed]
    assert {check.reason for check in others} == {"it cannot be made for images of one channel."}
    assert [check.rule for check in others] == [rule.name for rule in RULES[1:]]


def test_a_model_that_hangs_is_stopped_once(monkeypatch):
    class Hangs(Net):
        def forward(self, image):
            time.sleep(30)

    monkeypatch.setenv("TOPOBENCH_PLUGIN_SECONDS", "0.3")
    started = time.monotonic()
    assert failures(check_model(Hangs)) == {
        "gives logits": {"64x64": "it takes longer than 0.3 seconds ($TOPOBENCH_PLUGIN_SECONDS)."}
    }
    assert time.monotonic() - started < 10


def test_one_object_is_no_new_model():
    model = Net(1)
    found = failures(check_model(lambda channels: model, rules=[RULES[1]]))
    assert "the same object" in found["weights follow the seed"]["made twice"]


def test_generators_and_threads_are_left_as_they_were():
    def state():
        generators = torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate()  # noqa: NPY002
        return *generators, torch.get_num_threads()

    before = state()
    check_model(NoiseOfNumpy)
    assert state() == before


@pytest.mark.parametrize("make", [Net(1), "unet", None])
def test_what_makes_no_models_is_refused(make):
    with pytest.raises(ArgumentError, match="give something that takes the number of channels and returns a new model"):
        check_model(make)
