"""`topobench check loss`: tables, reasons, exit codes, JSON, and a plugin's loss."""

import json
import re

import pytest

import topobench
from tests.cli.here import topobench_here
from tests.distribution import write_distribution
from topobench import cards


def test_a_good_loss_passes_and_says_so():
    result = topobench_here("check", "loss", "dice", "cross-entropy")
    assert result.returncode == 0
    assert f"loss dice, from topobench {topobench.__version__}\n" in result.stdout
    assert re.search(r"^dice: all \d{3} checks passed\.$", result.stdout, re.MULTILINE)
    assert re.search(r"^cross-entropy: all \d{3} checks passed\.$", result.stdout, re.MULTILINE)
    assert "\nnot claimed:\n  right sign, step lowers the loss: the likelihood is flat" in result.stdout


def test_a_bad_loss_fails_with_its_reasons():
    result = topobench_here("check", "loss", "topoloss-2021")
    assert result.returncode == 1
    assert "right sign: the first step moves the wrong pixel towards its truth\n" in result.stdout
    assert "false-bridge: pixel (6, 5) is to lower, but the first step moves it the other way" in result.stdout
    assert "more reasons (--all shows all)" in result.stdout
    assert "(known: its faults are its purpose: docs/losses.md lists them" in result.stdout
    assert "\x1b" not in result.stdout
    everything = topobench_here("check", "loss", "topoloss-2021", "--all").stdout
    assert "--all" not in everything
    assert len(everything) > len(result.stdout)


def test_json_has_every_check():
    result = topobench_here("check", "loss", "dice", "--json")
    [report] = json.loads(result.stdout)
    assert report["subject"] == "dice"
    assert {check["status"] for check in report["checks"]} == {"passed", "not claimed"}
    assert {"rule", "case", "status", "reason"} == {*report["checks"][0]}


def test_options_reach_the_loss():
    found = topobench_here("check", "loss", "wasserstein", "--option", "dimensions=[1]", "--json")
    [report] = json.loads(found.stdout)
    blind = [check for check in report["checks"] if check["case"] == "island" and check["rule"] == "right sign"]
    assert blind[0]["status"] == "not claimed"


def test_true_false_and_none_as_python_shows_them():
    """So that an option can be copied from where it is shown."""
    told = ("--option", "frame=False", "--option", "patch_size=None", "--json")
    result = topobench_here("check", "loss", "topological", *told)
    [report] = json.loads(result.stdout)
    [island] = [check for check in report["checks"] if (check["rule"], check["case"]) == ("right sign", "gap")]
    assert island["status"] == "not claimed"  # the gap is one of holes in a frame only


def test_wrong_usage():
    for arguments, words in (
        (["topologcal"], "did you mean 'topological'?"),
        (["dice", "--option", "smoth=1"], "did you mean 'smooth'?"),
        (["dice", "--option", "smooth=-1"], "smooth is -1; it must be a number above 0"),
        (["dice", "--option", "smooth"], "write KEY=VALUE"),
        (["dice", "--option", "smooth=low"], "smooth is 'low'; it must be a number above 0"),
        (["topological", "--option", "min_persistence=low"], "cannot be made with the options"),
        (["topological", "--option", "frame=no"], "frame is 'no'; it must be True or False"),
        (["topological", "--option", "patch_size=9"], "a patch_size of at least 17"),
        ([], "Missing argument 'NAME...'"),
    ):
        result = topobench_here("check", "loss", *arguments)
        assert result.returncode == 2
        assert words in result.stderr
        assert "Traceback" not in result.stderr


def test_a_plugins_loss_is_checked(tmp_path, monkeypatch):
    """A distribution on the path with an entry point, whose loss has the sign of everything wrong."""
    write_distribution(
        tmp_path, "upside-down", "[topobench.losses]\nupside-down = upside_down:UpsideDown\n",
        upside_down="import torch\n"
        "class UpsideDown(torch.nn.Module):\n"
        "    def forward(self, logits, target):\n"
        "        print('what a plugin prints')\n"
        "        return ((torch.sigmoid(logits) - (1 - target)) ** 2).mean()\n",
    )  # fmt: skip
    monkeypatch.syspath_prepend(tmp_path)
    result = topobench_here("check", "loss", "upside-down")
    assert result.returncode == 1
    assert result.stdout.startswith("loss upside-down, from upside-down 1.0\n")
    assert "the loss of the truth itself is 1, not 0" in result.stdout
    assert "moves it the other way" in result.stdout
    assert "what a plugin prints" in result.stderr
    assert "what a plugin prints" not in result.stdout


def test_a_plugin_that_exits_is_a_failure_and_no_success(tmp_path, monkeypatch):
    write_distribution(
        tmp_path, "leaver", "[topobench.losses]\nleaver = leaver:Leaver\n",
        leaver="import sys, torch\n"
        "class Leaver(torch.nn.Module):\n"
        "    def forward(self, logits, target):\n"
        "        sys.exit(0)\n",
    )  # fmt: skip
    monkeypatch.syspath_prepend(tmp_path)
    result = topobench_here("check", "loss", "leaver")
    assert result.returncode == 1
    assert "raises SystemExit: 0" in result.stdout
    result = topobench_here("explain", "leaver", "--toy", "gap", cwd=tmp_path)
    assert result.returncode == 2
    assert "loss 'leaver' cannot be explained: it raises SystemExit: 0" in result.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def mine(logits, target): ...", "'logits' and 'target'. It must be a class or function that makes one."),
        (
            "def mine(sharpness): ...",
            "positional argument: 'sharpness'. It must be a class or function that makes one.",
        ),
        ("def mine(): return 0 + ''", "'int' and 'str'."),  # it is one
    ],
)
def test_a_loss_where_what_makes_it_should_be(tmp_path, monkeypatch, text, words):
    monkeypatch.setenv("TOPOBENCH_PLUGINS", "")
    (tmp_path / "mine.py").write_text(f"PLUGINS = {{'losses': {{'mine': 'mine'}}}}\n{text}\n")
    result = topobench_here("check", "loss", "mine", "--plugin", "mine.py", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.endswith(f"{words}\n")


def test_a_model_that_takes_no_channels_is_told_how_it_is_called(tmp_path, monkeypatch):
    monkeypatch.setenv("TOPOBENCH_PLUGINS", "")
    (tmp_path / "mine.py").write_text(CROPS.replace("in_channels", "channels"))
    result = topobench_here("check", "model", "crops", "--plugin", "mine.py", cwd=tmp_path)
    assert result.returncode == 1
    assert "takes no in_channels, which topobench gives it by that name; it takes channels, width." in result.stdout


CROPS = """
from torch import nn
PLUGINS = {"models": {"crops": "Crops"}}
class Crops(nn.Module):
    def __init__(self, in_channels, width=2):
        super().__init__()
        self.layer = nn.Conv2d(in_channels, 1, 3)
    def forward(self, images):
        return self.layer(images)
"""


def test_a_bad_model_of_a_file_is_told_what_to_mend(tmp_path, monkeypatch):
    monkeypatch.setenv("TOPOBENCH_PLUGINS", "")  # so that it is as it was afterwards
    (tmp_path / "mine.py").write_text(CROPS)
    result = topobench_here("check", "model", "crops", "--plugin", "mine.py", "--option", "width=3", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stdout.startswith(f"model crops, from {tmp_path / 'mine.py'}\n")
    assert "pad" in result.stdout  # what to mend
    found = topobench_here("check", "model", "crops", "--plugin", "mine.py", "--json", cwd=tmp_path)
    [report] = json.loads(found.stdout)
    assert (report["kind"], report["subject"], report["origin"]) == ("model", "crops", str(tmp_path / "mine.py"))
    assert any(check["status"] == "failed" for check in report["checks"])
    wrong = topobench_here("check", "model", "crops", "--plugin", "mine.py", "--option", "widht=3", cwd=tmp_path)
    assert "has no option 'widht' (did you mean 'width'?)" in wrong.stderr
    assert wrong.returncode == 2


def test_an_adapter_is_checked_by_cards_that_have_data(tmp_path):
    result = topobench_here("check", "adapter", "synthetic-roads")
    assert result.returncode == 0
    assert result.stdout.startswith("adapter synthetic-roads, from synthetic of topobench ")
    all_of_it = topobench_here("check", "adapter", "synthetic", "--json")
    assert {report["subject"] for report in json.loads(all_of_it.stdout)} == {
        "synthetic-cracks", "synthetic-membranes", "synthetic-roads", "synthetic-vessels",
    }  # fmt: skip
    for name, words in (
        ("hdf5_volume", "nothing is there for the adapter 'hdf5_volume' to read: no data are there of cremi"),
        ("isbi2012", "Get train-volume.tif and train-labels.tif"),
        ("isbi202", "no data set is named 'isbi202' (did you mean 'isbi2012'?)"),
    ):
        result = topobench_here("check", "adapter", name, "--data-dir", tmp_path)
        assert result.returncode in (1, 2)
        assert words in result.stderr


def test_a_recipe_is_checked_by_name_or_file(tmp_path):
    text = (
        cards.text_of("recipes", "unet-ce")
        .replace("width = 16", "width = 2")
        .replace('name = "unet-ce"', 'name = "mine"')
    )
    (tmp_path / "mine.toml").write_text(text)
    result = topobench_here("check", "recipe", "mine.toml", cwd=tmp_path)
    assert result.returncode == 0, result.stdout
    assert result.stdout.startswith("recipe mine, from mine.toml\n")
    (tmp_path / "mine.toml").write_text(text.replace('name = "unet"', 'name = "unett"'))
    result = topobench_here("check", "recipe", "mine.toml", cwd=tmp_path)
    assert result.returncode == 1
    assert "no model is named 'unett' (did you mean 'unet'?)" in result.stdout
    assert topobench_here("check", "recipe", "unet-c", cwd=tmp_path).returncode == 2


def test_what_a_plugin_prints_is_no_part_of_the_answer(tmp_path, capfd):
    """While it is loaded, made and asked, in Python and below it."""
    (tmp_path / "loud.py").write_text(
        "PLUGINS = {'losses': {'loud': 'Loud'}}\nimport os\nfrom topobench.losses import build_loss\n"
        "def say(): print('loud'); os.write(1, b'louder')\nsay()\n"
        "def Loud(): say(); return build_loss('dice', {})\n"
    )
    result = topobench_here("check", "loss", "loud", "--plugin", "loud.py", "--json", cwd=tmp_path)
    [report] = json.loads(result.stdout)
    assert report["subject"] == "loud"
    assert result.stderr.count("loud") == 2
    assert capfd.readouterr() == ("", "louderlouder")  # of the process, as it wrote them


def test_what_cannot_be_called_is_shown(tmp_path):
    (tmp_path / "odd.py").write_text("PLUGINS = {'models': {'odd': 'odd'}}\nclass Odd: __doc__ = 5\nodd = Odd()\n")
    result = topobench_here("show", "odd", "--plugin", "odd.py", cwd=tmp_path)
    assert result.returncode == 0
    assert result.stdout.endswith("odd\n\nIt says nothing of itself.\n")


def test_an_adapter_is_checked_whoever_else_has_a_card_that_is_none(tmp_path):
    (tmp_path / "torn.toml").write_text("x = = 3")
    (tmp_path / "torn.py").write_text("PLUGINS = {'cards': {'torn': 'torn.toml', 'lost': 'lost.toml'}}\n")
    result = topobench_here("check", "adapter", "hdf5_volume", "--plugin", "torn.py", "--data-dir", ".", cwd=tmp_path)
    assert "nothing is there for the adapter 'hdf5_volume' to read: no data are there of cremi" in result.stderr
