"""Loading a plugin: whatever it does, its user alone gets to hear of it, and whose it is."""

import pickle
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

import topobench
from tests.distribution import offer, write_distribution
from topobench.errors import ArgumentError
from topobench.plugins import code_of, find, load_plugin, toml_of
from topobench.registry import check

MODULES = {
    "odd_raises": "1 / 0\n",
    "odd_exits": "import sys\nsys.exit(0)\n",
    "odd_leaves": "class Odd(BaseException): pass\nraise Odd('off')\n",
    "odd_lacks": "import no_such_module_at_all\n",
    "odd_empty": "",
    "odd_new": "class Net:\n    api_version = 2\n",
    "odd_old": "class Net:\n    api_version = 0\n",
    "odd_number": "net = 7\n",
    "odd_asserts": "assert False\n",
    "odd_mute": "class Mute(Exception):\n    def __str__(self): raise ValueError('mute')\nraise Mute\n",
    "odd_many": "class Net:\n    class api_version:\n        __ne__ = __eq__ = lambda self, other: 1 / 0\n"
    "    api_version = api_version()\n",
    "odd_goes": "import os\nos.chdir('/')\nclass Net: pass\n",
    "odd_clears": "import sys\nsys.path[:] = ['mine']\nclass Net: pass\n",
    "odd_prints": "print('by the way')\nclass Net: pass\n",
    "odd_hangs": "while True:\n    try:\n        import time; time.sleep(0.01)\n    except Exception: pass\n",
}
POINTS = "[topobench.models]\n" + "".join(f"{name[4:]} = {name}:Net\n" for name in MODULES if name != "odd_number")
POINTS += "number = odd_number:net\ngone = odd_never_there:Net\n"


@pytest.fixture(autouse=True)
def odd(tmp_path, monkeypatch):
    write_distribution(tmp_path, "odd-models", POINTS, about="Author-email: odd@example.org\n", **MODULES)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raises", "ZeroDivisionError: division by zero. Mend or uninstall odd-models, or tell its makers: odd@"),
        ("exits", "SystemExit: 0"), ("leaves", "Odd: off"),
        ("lacks", "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("gone", "ModuleNotFoundError: No module named 'odd_never_there'"),
        ("empty", "AttributeError: odd_empty has no 'Net'"),
        ("asserts", "AssertionError. Mend"), ("mute", "Mute. Mend"), ("many", "ZeroDivisionError: division by zero."),
    ],
)  # fmt: skip
def test_what_does_not_load_is_an_error_with_whose_it_is(name, said):
    module = "odd_never_there" if name == "gone" else f"odd_{name}"
    with pytest.raises(ArgumentError) as error:
        topobench.load_model(name)
    assert str(error.value).startswith(f"the plugin '{name}' ({module}:Net, from odd-models 1.0) does not load: {said}")


@pytest.mark.parametrize(
    ("name", "said"),
    [("new", "has api_version 2; this topobench takes 1. Upgrade topobench."),
     ("old", "has api_version 0; this topobench takes 1. Mend or uninstall odd-models")],
)  # fmt: skip
def test_another_version_of_the_contract_is_refused(name, said):
    with pytest.raises(ArgumentError) as error:
        topobench.load_model(name)
    assert said in str(error.value)


def test_what_is_no_maker_is_named():
    with pytest.raises(
        ArgumentError, match=r"'number' \(odd_number:net, from odd-models 1\.0\) is a int; it must be a c"
    ):
        topobench.load_model("number")


def test_a_limit_that_is_none_is_no_fault_of_the_plugin(monkeypatch):
    monkeypatch.setenv("TOPOBENCH_PLUGIN_SECONDS", "long")
    with pytest.raises(ArgumentError, match=r"^TOPOBENCH_PLUGIN_SECONDS is 'long'"):
        load_plugin(find("models", "prints"))


def test_one_that_hangs_is_stopped_once(monkeypatch):
    monkeypatch.setenv("TOPOBENCH_PLUGIN_SECONDS", "0.2")
    for least, most in ((0.2, 5.0), (0.0, 0.15)):
        started = time.monotonic()
        with pytest.raises(
            ArgumentError, match=r"from odd-models 1\.0\) does not load: it takes longer than 0\.2 seconds"
        ):
            topobench.load_model("hangs")
        assert least <= time.monotonic() - started < most


def test_the_code_of_a_plugin_is_that_of_its_files_when_it_was_taken_up(tmp_path, monkeypatch):
    package = tmp_path / "coded"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "deep" / "net.py").write_text("Net = int\n")
    (package / "notes.txt").write_text("notes")
    entry_points = "[topobench.models]\ncoded{0} = coded.deep.net:Net\n[topobench.losses]\ncoded{0} = coded:Net\n"
    write_distribution(tmp_path, "coded", entry_points.format(1))
    assert sys.path[0] == str(tmp_path)
    first = code_of(find("models", "coded1"))
    assert len(first) == 64
    assert code_of(find("losses", "coded1")) == first  # whichever object it is, the package is one
    (package / "notes.txt").write_text("other notes")
    (package / "deep" / "net.py").write_text("Net = float\n")
    assert code_of(find("models", "coded1")) == first  # as it was taken up
    write_distribution(tmp_path, "coded2", entry_points.format(2))
    assert code_of(find("models", "coded2")) != first


def test_what_a_file_makes_can_be_handed_to_other_processes(tmp_path, monkeypatch):
    file = tmp_path / "my-own.py"
    file.write_text("class Thing:\n    size = 3\nPLUGINS = {'adapters': {'thing': 'Thing'}}\n")
    monkeypatch.setenv("TOPOBENCH_PLUGINS", str(file))
    thing = load_plugin(find("adapters", "thing"))()
    (tmp_path / "thing.pickle").write_bytes(pickle.dumps(thing))
    script = "import pickle, sys, topobench.plugins; print(pickle.load(open(sys.argv[1], 'rb')).size)"
    result = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "thing.pickle"], capture_output=True, text=True, check=True
    )
    assert result.stdout == "3\n"


def test_what_is_printed_while_it_loads_is_no_answer_of_a_command(capsys):
    load_plugin(find("models", "prints"))
    assert capsys.readouterr() == ("", "by the way\n")


def test_one_that_goes_elsewhere_takes_nobody_along(tmp_path, monkeypatch):
    """Else -o and all that is named from here would be written there."""
    monkeypatch.chdir(tmp_path)
    load_plugin(find("models", "goes"))
    assert Path.cwd() == tmp_path


def test_one_that_clears_the_path_hides_no_other():
    before = list(sys.path)
    load_plugin(find("models", "clears"))
    assert sys.path == ["mine", *dict.fromkeys(before)]
    assert load_plugin(find("models", "goes"))


def test_what_does_not_say_what_it_takes_is_called_all_the_same(monkeypatch):
    offer(monkeypatch, "models", "compiled", dict)  # of which inspect knows no signature
    check("models", "compiled", {"width": 3})
    with pytest.raises(ArgumentError, match="makes a dict; it must make a torch Module"):
        topobench.load_model("compiled")
    offer(monkeypatch, "models", "compiled", range)
    with pytest.raises(ArgumentError, match="cannot be made with the options"):
        topobench.load_model("compiled")


def test_links_that_an_editor_left_are_no_code(tmp_path, monkeypatch):
    package = tmp_path / "edited"
    package.mkdir()
    (package / "__init__.py").write_text("")
    entry_points = "[topobench.models]\nedited{0} = edited:Net\n"
    write_distribution(tmp_path, "edited", entry_points.format(1))
    before = code_of(find("models", "edited1"))
    (package / ".#net.py").symlink_to("somebody@somewhere.1234")
    (package / "folder.py").mkdir()
    write_distribution(tmp_path, "edited2", entry_points.format(2))
    assert code_of(find("models", "edited2")) == before != ""


def test_all_of_a_namespace_package_is_code_and_holds_cards(tmp_path, monkeypatch):
    for folder in ("one", "other"):
        (tmp_path / folder / "ours").mkdir(parents=True)
        (tmp_path / folder / "ours" / f"{folder}.py").write_text("Net = int\n")
        monkeypatch.syspath_prepend(tmp_path / folder)
    (tmp_path / "one" / "ours" / "spread.toml").write_text("")
    points = "[topobench.{}]\nspread = ours{}\n"
    write_distribution(tmp_path / "one", "spread", points.format("models", ".one:Net"))
    write_distribution(tmp_path / "one", "spread-too", points.format("cards", ""))
    before = code_of(find("models", "spread"))
    assert toml_of(find("cards", "spread")) == tmp_path / "one" / "ours" / "spread.toml"
    (tmp_path / "other" / "ours" / "other.py").write_text("Net = float\n")
    assert code_of(replace(find("models", "spread"), version="2")) != before
