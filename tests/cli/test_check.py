"""`topobench check loss`: tables, reasons, exit codes, JSON, and a plugin's loss."""

import json
import re

from tests.cli.here import topobench_here


def test_a_good_loss_passes_and_says_so():
    result = topobench_here("check", "loss", "dice", "cross-entropy")
    assert result.returncode == 0
    assert "loss dice\n" in result.stdout
    assert re.search(r"^dice: all \d{3} checks passed\.$", result.stdout, re.MULTILINE)
    assert re.search(r"^cross-entropy: all \d{3} checks passed\.$", result.stdout, re.MULTILINE)


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
    (tmp_path / "upside_down.py").write_text(
        "import torch\n"
        "class UpsideDown(torch.nn.Module):\n"
        "    def forward(self, logits, target):\n"
        "        return ((torch.sigmoid(logits) - (1 - target)) ** 2).mean()\n"
    )
    info = tmp_path / "upside_down-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: upside-down\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[topobench.losses]\nupside-down = upside_down:UpsideDown\n")
    monkeypatch.syspath_prepend(tmp_path)
    result = topobench_here("check", "loss", "upside-down")
    assert result.returncode == 1
    assert "the loss of the truth itself is 1, not 0" in result.stdout
    assert "moves it the other way" in result.stdout


def test_a_plugin_that_exits_is_a_failure_and_no_success(tmp_path, monkeypatch):
    (tmp_path / "leaver.py").write_text(
        "import sys, torch\n"
        "class Leaver(torch.nn.Module):\n"
        "    def forward(self, logits, target):\n"
        "        sys.exit(0)\n"
    )
    info = tmp_path / "leaver-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: leaver\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[topobench.losses]\nleaver = leaver:Leaver\n")
    monkeypatch.syspath_prepend(tmp_path)
    result = topobench_here("check", "loss", "leaver")
    assert result.returncode == 1
    assert "raises SystemExit: 0" in result.stdout
    result = topobench_here("explain", "leaver", "--toy", "gap", cwd=tmp_path)
    assert result.returncode == 2
    assert "loss 'leaver' cannot be explained: it raises SystemExit: 0" in result.stderr
