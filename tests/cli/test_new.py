"""`topobench new model`: what is made, under which names, what is refused. A page of the docs installs and runs it."""

import ast
import subprocess
import sys
import tomllib

import pytest

from tests.cli.here import topobench_here
from topobench.cards import read
from topobench.cards.recipes import Recipe
from topobench.errors import ArgumentError
from topobench.scaffold import Names, model_files, write_new


def test_all_is_there_and_the_next_commands_are_said(tmp_path):
    result = topobench_here("new", "model", "my-own.net2", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    made, *_, last = result.stdout.partition("\n\n")
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == {*made.split()}
    assert last.splitlines()[1:] == [
        "  pip install -e my-own.net2", "  topobench check model my-own.net2", "  topobench check recipe my-own.net2",
        "  topobench run --recipe my-own.net2 --recipe unet-ce",
    ]  # fmt: skip


def test_the_files_agree_with_each_other(tmp_path):
    names = Names.of("my-own.net2")
    assert (names.module, names.class_name) == ("my_own_net2", "MyOwnNet2")
    write_new(model_files(names), tmp_path / "made")
    project = tomllib.loads((tmp_path / "made" / "pyproject.toml").read_text())
    points = project["project"]["entry-points"]
    assert points == {
        "topobench.models": {"my-own.net2": "my_own_net2:MyOwnNet2"},
        "topobench.recipes": {"my-own.net2": "my_own_net2"},
    }
    recipe = read(tmp_path / "made" / "my_own_net2" / "my-own.net2.toml", Recipe)
    assert (recipe.name, recipe.model.name) == ("my-own.net2", "my-own.net2")
    for file in (tmp_path / "made").rglob("*.py"):
        ast.parse(file.read_text())
    lint = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--select",
        "E,F,W",
        "--line-length=120",
        tmp_path / "made",
    ]
    assert subprocess.run(lint, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("My-Net", "wanted are small letters and digits, a letter first"), ("2d-net", "a letter first"),
        ("a--b", "single - _ . between them"), ("../up", "wanted are"), ("", "wanted are"),
        ("unet", "topobench has a model or recipe 'unet', which comes before yours"),
        ("unet-ce", "topobench has a model or recipe 'unet-ce'"),
        ("torch", "Python has a module or word 'torch'"), ("class", "Python has a module or word 'class'"),
    ],
)  # fmt: skip
def test_names_that_are_taken_or_none(name, said):
    with pytest.raises(ArgumentError) as error:
        Names.of(name)
    assert said in str(error.value)


def test_nothing_that_is_there_is_overwritten(tmp_path):
    (tmp_path / "my-net").mkdir()
    (tmp_path / "my-net" / "mine.txt").write_text("mine")
    result = topobench_here("new", "model", "my-net", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == "Error: my-net exists; remove it, or name another folder (-o).\n"
    assert [path.name for path in (tmp_path / "my-net").iterdir()] == ["mine.txt"]
    assert topobench_here("new", "model", "my-net", "-o", "deep/other", cwd=tmp_path).returncode == 0
    assert (tmp_path / "deep" / "other" / "my_net" / "model.py").is_file()


def test_interrupted_half_way_it_leaves_nothing(tmp_path):
    class Files(dict):
        def items(self):
            yield "first.txt", "text"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_new(Files(), tmp_path / "made")
    assert list(tmp_path.iterdir()) == []
