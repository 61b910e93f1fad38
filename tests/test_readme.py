"""The README: its examples run and print what it says, its commands are those that CI runs, its picture is there."""

import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from topobench.cards import load_suite

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_examples_run_and_print_what_the_readme_says(code, tmp_path):
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    said = re.search(re.escape(code) + r"```\n\n```text\n(.*?)```", README, re.DOTALL)
    assert result.stdout == (said.group(1) if said else "")


def test_both_commands_stand_there_and_ci_finds_the_second():
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert len(lines) == 2
    assert lines[0].endswith("&& .venv/bin/topobench run")
    pattern = re.search(r"grep -m 1 -E '(.*?)' README", (ROOT / ".ci" / "run").read_text()).group(1)
    assert re.search(pattern, lines[1])
    assert lines[1].split(" && ")[-1] == ".venv/bin/pytest -n 2 --dist loadfile"


def test_pictures_and_table_are_there():
    for path in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / path).stat().st_size > 10_000
    rows = re.findall(r"^\| \d \| (\S+)", README, re.MULTILINE)
    suite = load_suite("quick")
    assert sorted(rows) == sorted([*suite.recipes, *suite.nulls])
