"""FAULTS row 33: what a plugin breaks, its user alone gets to hear of; lists, other names and other runs go on."""

import json

import pytest

from tests.cli.here import topobench_here
from tests.conftest import write_suite
from tests.distribution import recipe_text, write_distribution
from topobench.cli import names
from topobench.plugins.single import named_files

GOOD = """
from torch import nn
class Net(nn.Conv2d):
    def __init__(self, in_channels):
        super().__init__(in_channels, 1, 3, padding=1)
"""
MODULES = {
    "bad_raises": "raise RuntimeError('not today')\n",
    "bad_exits": "import sys\nsys.exit(0)\n",
    "bad_stale": GOOD.replace("Net", "Other"),
    "bad_hangs": "import time\nwhile True: time.sleep(0.01)\n",
    "bad_wrong": "class Net:\n    def __init__(self, in_channels): pass\n",
    "bad_version": GOOD + "    api_version = 3\n",
    "bad_options": GOOD.replace("in_channels)", "in_channels, *, must)"),
    "bad_forward": GOOD + "    def forward(self, images):\n        import sys\n        sys.exit(0)\n",
    "bad_none": GOOD + "    def forward(self, images):\n        return None\n",
}
SAID = {
    "raises": "does not load: RuntimeError: not today", "exits": "does not load: SystemExit: 0",
    "stale": "does not load: AttributeError: bad_stale has no 'Net'", "hangs": "does not load: it takes longer than 1",
    "wrong": "makes a Net; it must make a torch Module", "version": "has api_version 3; this topobench takes 1",
    "options": "missing 1 required keyword-only argument: 'must'",
}  # fmt: skip


@pytest.fixture(autouse=True)
def plugins(tmp_path, monkeypatch):
    """A distribution of plugins that are bad in every way, one that is good, and in each kind one that is lost."""
    points = "".join(f"{name[4:]} = {name}:Net\n" for name in MODULES)
    points = f"[topobench.models]\n{points}unet = good_net:Net\ngood = good_net:Net\n"
    points += "".join(f"[topobench.{kind}]\nlost = lost:X\n" for kind in ("losses", "adapters", "metrics", "backends"))
    points += "[topobench.cards]\nlost = lost\n[topobench.recipes]\nlost = lost\n"
    write_distribution(tmp_path, "bad-plugins", points, "6.6", good_net=GOOD, **MODULES)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "kind",
    ["models", "losses", "adapters", "metrics", "backends", "datasets", "recipes", "suites", "protocols", "nulls"],
)
def test_33_lists_name_all_and_load_none(kind):
    result = topobench_here("list", kind, "--origin")
    assert result.returncode == 0, result.stderr
    if kind in ("suites", "protocols", "nulls"):
        assert "bad-plugins" not in result.stdout
    else:
        name = "raises" if kind == "models" else "lost"
        [line] = [line for line in result.stdout.splitlines() if line.startswith(f"{name} ")]
        assert line.split()[1:3] == ["bad-plugins", "6.6"]


def test_33_without_a_kind_all_names_are_listed():
    result = topobench_here("list", "--origin")
    assert result.returncode == 0, result.stderr
    parts = [part.splitlines() for part in result.stdout.split("# ")[1:]]
    assert [part[0] for part in parts] == list(names.KINDS)
    [lost] = [line for part in parts if part[0] == "losses" for line in part if line.startswith("lost ")]
    assert lost.split() == ["lost", "bad-plugins", "6.6"]


@pytest.mark.parametrize(("name", "said"), SAID.items())
def test_33_who_asks_for_it_is_told_whose_it_is(name, said, monkeypatch):
    if name == "hangs":
        monkeypatch.setenv("TOPOBENCH_PLUGIN_SECONDS", "1")
    result = topobench_here("check", "model", name)
    heard = result.stdout + result.stderr
    assert result.returncode in (1, 2)
    assert f"bad_{name}:Net, from bad-plugins 6.6" in heard
    assert said in heard


def test_33_who_does_not_use_it_hears_nothing(tmp_path):
    for command in (["show", "unet"], ["check", "recipe", "unet-ce"], ["data", "status", "synthetic-roads"]):
        result = topobench_here(*command)
        assert result.returncode == 0, result.stderr
        assert "bad-plugins" not in result.stdout + result.stderr
    assert "one of the models, from" not in topobench_here("show", "unet").stdout  # ours
    status = topobench_here("data", "status", "--data-dir", tmp_path)
    assert status.returncode == 1  # a card that is lost
    assert "synthetic-roads" in status.stdout


def test_33_its_run_fails_and_the_others_go_on(tmp_path, monkeypatch):
    monkeypatch.setenv("TOPOBENCH_PLUGIN_SECONDS", "1")
    offered = ["hangs", "forward", "none", "options", "good"]
    for name in offered:
        (tmp_path / f"{name}.toml").write_text(recipe_text(name, name))
    recipes = [text for name in offered for text in ("--recipe", f"{name}.toml")]
    suite = write_suite(tmp_path, nulls=["null-background"])
    result = topobench_here("run", "--suite", suite, *recipes, "-o", "out")
    assert result.returncode == 1, result.stderr
    found = [json.loads(path.read_text()) for path in (tmp_path / "out" / "records").glob("*.json")]
    status = {record["recipe"]["name"]: record["status"] for record in found}
    assert status.pop("good") == status.pop("null-background") == "finished"
    assert status["hangs"].startswith(
        "failed: the plugin 'hangs' (bad_hangs:Net, from bad-plugins 6.6) does not load: it"
    )
    assert status["options"].startswith(
        "failed: model 'options' (bad_options:Net, from bad-plugins 6.6) cannot be made"
    )
    assert status["forward"] == "failed: SystemExit: 0 (in a run with the plugin model forward of bad-plugins 6.6)"
    assert "in evaluation the model gives a NoneType for an image" in status["none"]
    board = (tmp_path / "out" / "leaderboard.md").read_text()
    assert "| good |" in board
    assert "bad-plugins 6.6" in board


def test_33_a_file_that_takes_a_built_ins_name_is_refused_at_once(tmp_path):
    (tmp_path / "mine.py").write_text("PLUGINS = {'models': {'unet': 'Net'}}\n")
    result = topobench_here("list", "models", "--plugin", "mine.py")
    assert result.returncode == 2
    assert "mine.py) cannot be used: a built-in of this name comes before it; give it another" in result.stderr
    result = topobench_here("list", "models", "--plugin", "gone.py")
    assert result.returncode == 2
    assert "gone.py cannot be read: No such file or directory" in result.stderr
    assert not {"mine.py", "gone.py"} & {
        path.name for path in named_files()
    }  # nothing of it is left in the environment
