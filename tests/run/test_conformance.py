"""Recipes of ours before the suite, and mutants that the suite must catch."""

import numpy as np
import pytest
import torch
from torch import nn

from topobench import registry
from topobench.cards import Recipe, load_recipe, names
from topobench.losses import CrossEntropyLoss
from topobench.run.conformance import RULES, check_recipe

TRAINED = {"trains three steps", "resumes to the bit", "gives likelihoods"}
UNTRAINED = [rule for rule in RULES if rule.name not in TRAINED]


@pytest.mark.parametrize("name", ["enhanced-topo", "unet-ce-dice"])
def test_recipes_of_ours_keep_every_rule(name):
    """With dropout, patches and a term that joins later; with two terms from the first step on."""
    before = torch.get_num_threads(), torch.random.get_rng_state()
    report = check_recipe(load_recipe(name))
    assert report.failed == (), report
    assert list(report.counts()) == [rule.name for rule in RULES]
    assert {check.rule for check in report.checks if check.status == "not claimed"} <= {"published figures"}
    assert torch.get_num_threads() == before[0]
    assert torch.equal(torch.random.get_rng_state(), before[1])


@pytest.mark.usefixtures("fake_weights")
@pytest.mark.parametrize("name", names("recipes"))
def test_every_recipe_keeps_the_rules_that_train_nothing(name):
    report = check_recipe(load_recipe(name), UNTRAINED)
    assert report.failed == (), report
    counts = report.counts()
    assert (counts["model is made"]["passed"], counts["losses are made"]["passed"]) == (
        2,
        len(load_recipe(name).loss) + 1,
    )


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("vgg19-topo", {"model is made", *TRAINED}),
        ("unet-mosinska-loss", {"losses are made", *TRAINED, "published figures"}),
    ],
)
def test_nothing_is_downloaded(name, rules, tmp_path, monkeypatch):
    for variable in ("TOPOBENCH_DATA", "XDG_CACHE_HOME", "TORCH_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.delenv("TOPOBENCH_WEIGHTS", raising=False)
    report = check_recipe(load_recipe(name))
    assert report.failed == (), report
    left = [check for check in report.checks if check.status == "not claimed"]
    assert {check.rule for check in left} == rules
    assert "`topobench data fetch vgg19-imagenet`" in next(c.reason for c in left if c.rule == "trains three steps")


class Sound(nn.Module):
    """A model of one convolution, which takes options that it does not use; what mutants are made of."""

    def __init__(self, in_channels=1, widths=None):
        super().__init__()
        self.layer = nn.Conv2d(in_channels, 1, 3, padding=1)

    def forward(self, image):
        return self.layer(image)


class Grey(Sound):
    def __init__(self, in_channels=1):
        super().__init__(1)


class Twofold(Sound):
    def forward(self, image):
        return super().forward(image).repeat(1, 2, 1, 1)


class OfNobody(Sound):
    pretrained_weights = "mine"


class Frozen(Sound):
    def __init__(self, in_channels=1):
        super().__init__(in_channels)
        self.norm = nn.BatchNorm2d(1)  # whose statistics move, and are no weights

    def forward(self, image):
        return self.norm(super().forward(image)).detach() + 0 * self.layer.bias.sum()


class DrawsItself(Sound):
    """Dropout by a generator that nobody seeds."""

    def forward(self, image):
        return super().forward(image) * (float(np.random.default_rng().random()) if self.training else 1)


class CountsCalls(Sound):
    """Keeps how often it was trained in an attribute that is in no state_dict."""

    calls = 0

    def forward(self, image):
        self.calls += self.training
        return super().forward(image) / (1 + self.calls)


class Reflects(Sound):
    """Pads by reflection, which an image of one pixel does not allow."""

    def __init__(self, in_channels=1):
        super().__init__(in_channels)
        self.layer = nn.Conv2d(in_channels, 1, 3, padding=1, padding_mode="reflect")


class Normalises(Sound):
    """Divides by a deviation, which is 0 where there is one pixel."""

    def forward(self, image):
        logits = super().forward(image)
        return (logits - logits.mean((2, 3), keepdim=True)) / logits.std((2, 3), keepdim=True, correction=0)


class NotANumber(CrossEntropyLoss):
    def of_maps(self, logits, target):
        return super().of_maps(logits, target) * float("nan")


class NoSlope(CrossEntropyLoss):
    """Finite, but for its gradient."""

    def of_maps(self, logits, target):
        return super().of_maps(logits, target) + torch.sqrt((logits - logits).sum())


CE = {"name": "cross-entropy", "weight": 1.0}


def of_model(model, **options):
    return {"model": {"name": "odd", **options}, "made": model}


def of_losses(*terms, loss=CrossEntropyLoss):
    return {"loss": terms, "made": loss}


@pytest.fixture
def checked(monkeypatch):
    """Return a function that checks a small recipe with changes; a class that is `made` bears the name `odd`."""

    def check(made=Sound, rules=RULES, **changes):
        monkeypatch.setitem(registry.BUILTINS["models"], "odd", f"{__name__}:Sound")
        kind = "models" if not issubclass(made, CrossEntropyLoss) else "losses"
        monkeypatch.setitem(registry.BUILTINS[kind], "odd", f"{__name__}:{made.__name__}")
        keys = {
            "schema": 1, "name": "odd", "version": 1, "title": "odd", "source": "ours", "learning_rate": 0.01,
            "model": {"name": "odd"}, "loss": (CE,), "budget": {"steps": 10, "batch": 4, "crop": 48}, **changes,
        }  # fmt: skip
        return check_recipe(Recipe.model_validate(keys), rules)

    return check


ENTRY = {"source": "x", "table": "2", "row": "y", "dataset": "drive", "figures": {"voi": (0.9, 1.2)}}


def test_a_sound_recipe_keeps_every_rule(checked):
    plain = of_losses(CE, {**CE, "name": "odd", "start": 0.9})
    report = checked(**plain, published=(ENTRY, {**ENTRY, "dataset": "not stated", "protocol": "hu2019"}))
    assert report.failed == (), report
    assert {check.status for check in report.checks} == {"passed"}
    assert [check.case for check in report.checks if check.rule == "trains three steps"] == [
        "three steps", "cross-entropy at full weight", "odd at full weight"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "rule", "reason"),
    [
        (of_model(Sound, widths=(4, 8)), "text and back", "model is {'name': 'odd', 'widths': [4, 8]} and no longer"),
        (of_model(Sound, widths=None), "text and back", "and no None or tuple."),
        (of_model(Sound, widht=4), "model is made", "model 'odd' has no option 'widht' (did you mean 'widths'?)"),
        ({"model": {"name": "odds"}}, "model is made", "no model is named 'odds' (did you mean 'odd'?)"),
        (of_model(Grey), "model is made", "expected input[1, 3, 40, 40] to have 1 channels"),
        (of_model(Twofold), "model is made", "in evaluation the model gives the shape (1, 2, 40, 40)"),
        (
            of_model(OfNobody),
            "model is made",
            "'odd' has pretrained_weights 'mine'; topobench gets vgg19-imagenet alone",
        ),
        (of_losses({**CE, "patch": 3}), "losses are made", "loss 'cross-entropy' has no option 'patch'"),
        (of_losses({"name": "cldice", "weight": 1.0}), "losses are made", "and be able to train alone"),
        (
            of_losses({**CE, "start": 0.1}),
            "losses are made",
            "at least one, such as cross-entropy, must count from the first",
        ),
        (
            of_losses({**CE, "name": "odd"}, loss=NotANumber),
            "trains three steps",
            "RunError: NaN or infinite loss at step 0",
        ),
        (
            of_losses({**CE, "name": "odd"}, loss=NoSlope),
            "trains three steps",
            "RunError: NaN or infinite logits at step 1",
        ),
        (
            of_losses(CE, {**CE, "name": "odd", "start": 0.9}, loss=NotANumber),
            "trains three steps",
            "it is nan for a batch (2, 1, ",
        ),
        (
            of_losses(CE, {**CE, "name": "odd", "start": 0.9}, loss=NoSlope),
            "trains three steps",
            "is NaN or infinite at 3200 of",
        ),
        (
            {"learning_rate": 1e-30},
            "trains three steps",
            "no weight has moved: no gradient reaches the model, or its learning_rate",
        ),
        (of_model(Frozen), "trains three steps", "no weight has moved: no gradient reaches the model"),
        (of_model(DrawsItself), "resumes to the bit", "two trainings of one seed end with another weight layer.weight"),
        (
            of_model(CountsCalls),
            "resumes to the bit",
            "stopped and resumed, it ends with another weight layer.weight than in one",
        ),
        (of_model(Reflects), "gives likelihoods", "raises RuntimeError"),
        (of_model(Normalises), "gives likelihoods", "the likelihood is NaN or infinite at 1 of 1 pixels"),
    ],
)
def test_mutants_get_a_sentence(checked, changes, rule, reason):
    report = checked(**changes)
    assert any(reason in sentence for sentence in report.reasons(rule)), report
    assert {check.rule for check in report.failed} == {rule}  # what builds on it is not claimed


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"figures": {"acuracy": 0.9}}, "no figure is named 'acuracy' (did you mean 'accuracy'?)"),
        ({"figures": {"accuracy": 96.3}}, "accuracy is 96.3; its values lie in [0, 1] (a share, not percent)"),
        ({"figures": {"voi": (1.2, 0.9)}}, "voi is (1.2, 0.9); its values lie in [0, inf]"),
        (
            {"dataset": "drvie"},
            "no data set is named 'drvie' (did you mean 'drive'?); where the source names none, write",
        ),
        ({"protocol": "hu2018"}, "no protocol is named 'hu2018' (did you mean 'hu2019'?)"),
        ({"table": " "}, "'table' is empty; it must say where the figures stand."),
    ],
)
def test_published_figures_that_nobody_can_place(checked, changes, reason):
    report = checked(rules=UNTRAINED, published=(ENTRY, {**ENTRY, **changes}))
    assert [(check.rule, check.case) for check in report.failed] == [
        ("published figures", f"1: {changes.get('dataset', 'drive')}")
    ]
    assert reason in report.failed[0].reason
