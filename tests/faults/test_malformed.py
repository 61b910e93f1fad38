"""FAULTS rows 15 to 19, wholesale: damaged files through every reader, in a process whose peak of memory is known."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.damaged import KINDS, damaged_files
from tests.faults.sound import sound_files

SEED, EACH = 0, 1
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """What a process found that put every damaged file through every reader."""
    top = tmp_path_factory.mktemp("malformed")
    folder = top / "work"
    for path in (folder, top / "home", top / "temporary"):
        path.mkdir()
    places = {"HOME": str(top / "home"), "TMPDIR": str(top / "temporary"), "PYTHONPATH": str(ROOT)}
    environment = {**os.environ, **places, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("TOPOBENCH_MAX_IMAGE_MIB", None)
    command = [sys.executable, "-m", "tests.faults.malformed", str(folder), str(SEED), str(EACH)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    last = {name: (folder / name).read_text() for name in ("current.txt", "crash.txt", "printed.txt")}
    assert done.returncode == 0, f"ended with {done.returncode} at {last}; {done.stderr}"
    assert not list((top / "home").iterdir()) + list((top / "temporary").iterdir())
    return json.loads((folder / "report.json").read_text())


def test_damaged_files_are_made_anew_alike():
    first, second = ([*damaged_files(SEED, EACH)] for _ in range(2))
    assert [file.content for file in first] == [file.content for file in second]
    assert len({file.name for file in first}) == len(first) >= 500


def test_each_is_refused_in_a_sentence_or_read(report):
    """No other exception, nothing printed or written, no other file opened, nothing unpickled, nothing slow."""
    assert report["faults"] == []


def test_memory_stays_below_a_gibibyte(report):
    assert report["peak"] < 1024


def test_most_are_refused_of_every_format_and_of_every_kind_of_damage(report):
    formats, kinds, tried, refused = Counter(), Counter(), 0, 0
    for suffix, kind, number, refusals in report["tried"]:
        tried, refused = tried + number, refused + refusals
        formats[suffix] += refusals
        kinds[kind] += refusals
    assert tried >= 500
    assert 0.7 * tried <= refused < tried
    assert set(kinds) == {*KINDS, "renamed", "disguised", "bomb"}
    assert {name.partition(".")[2] for name in sound_files()} <= set(formats)
    assert min(*kinds.values(), *formats.values()) > 0


def test_sound_files_are_read(report):
    """But for the one with a palette: what is refused above is refused because it is damaged."""
    assert report["unread"] == ["palette.png"]
