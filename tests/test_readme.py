"""The README: its examples run and print what it says, its commands are those that CI runs, its picture is there."""

import re
import subprocess
import sys
import tomllib

import pytest

import topobench
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


def test_what_is_cited_is_this_version():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    fields = dict(re.findall(r"^([\w-]+): (.+)$", text, re.MULTILINE))
    assert fields["cff-version"] == "1.2.0"
    assert fields["version"] == topobench.__version__
    assert fields["title"].strip('"').startswith("topobench: ")
    assert f'- name: "{re.search(r"Copyright .*? (The .*)", (ROOT / "LICENSE").read_text())[1]}"' in text
    assert f"license: {tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']['license']}\n" in text
    assert "CITATION.cff" in README


def test_both_pages_install_and_check_alike():
    """What CONTRIBUTING says to type is what the README and .ci/run do."""
    page, ci = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), (ROOT / ".ci" / "run").read_text()
    [install, test] = re.search(r"^(python3 -m venv .*\[test\]') && (.*)$", README, re.MULTILINE).groups()
    assert f"\n{install}\n" in page
    assert f"\n{test}\n" in page
    for check in re.search(r"^for check in (.*); do", ci, re.MULTILINE)[1].strip('"').split('" "'):
        assert f".venv/bin/{check}" in page
    order = re.compile(r"`(errors, types < .*?)`", re.DOTALL)
    assert order.search(page)[1].split() == order.search(README)[1].split()
