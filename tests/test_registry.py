"""Names: every built-in loads, plugins are found and kept apart."""

import pytest

import topobench
from tests.distribution import write_distribution
from topobench import registry
from topobench.errors import ArgumentError, UnknownNameError

BUILTINS = [(kind, name) for kind, found in registry.BUILTINS.items() for name in found]


@pytest.mark.parametrize(("kind", "name"), BUILTINS)
def test_every_builtin_loads(kind, name):
    assert registry.load(kind, name) is not None


def test_unknown_names_say_what_there_is():
    with pytest.raises(UnknownNameError, match=r"no model is named 'unett' \(did you mean 'unet'\?\)\. Known: base, "):
        topobench.load_model("unett")
    with pytest.raises(UnknownNameError, match=r"no kind is named 'model' .*did you mean 'models'"):
        topobench.list_names("model")


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """A distribution that offers a good model, one that raises, one that exits, and one named like a built-in."""
    write_distribution(
        tmp_path, "strange-models",
        "[topobench.models]\ngood = strange_models:Good\nraises = strange_raises:X\n"
        "exits = strange_exits:X\nunet = strange_models:Good\nnot-a-module = strange_models:nothing\n",
        strange_models="from torch import nn\n\nclass Good(nn.Conv2d):\n    def __init__(self, in_channels, size=3):\n"
        "        super().__init__(in_channels, 1, size, padding=size // 2)\n\n"
        "def nothing(in_channels):\n    return 7\n",
        strange_raises="1 / 0\n", strange_exits="import sys\nsys.exit(3)\n",
    )  # fmt: skip
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("plugins")
def test_plugins():
    import sys

    assert {"good", "raises", "exits", "unet"} <= set(topobench.list_names("models"))
    assert "strange_models" not in sys.modules  # listing imports nobody's code
    assert topobench.load_model("good", 2, size=5).kernel_size == (5, 5)
    assert type(topobench.load_model("unet")).__module__ == "topobench.models.unet"
    with pytest.raises(
        ArgumentError, match=r"'raises' \(strange_raises:X, from strange-models 1\.0\) does not load: ZeroDivisionError"
    ):
        topobench.load_model("raises")
    with pytest.raises(ArgumentError, match="SystemExit: 3"):
        topobench.load_model("exits")
    said = (
        r"'not-a-module' \(strange_models:nothing, from strange-models 1\.0\) makes a int; it must make a torch Module"
    )
    with pytest.raises(ArgumentError, match=said):
        topobench.load_model("not-a-module")
