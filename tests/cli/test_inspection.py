"""`topobench data inspect`: the table, the file, the picture and the sentence."""

import csv
import io
import math
import re

import numpy as np
import pytest

from tests.cli.here import topobench_here
from topobench.cli.inspection import connectivity_sentence, csv_of, print_table
from topobench.metrics.truth import inspect_truth


@pytest.fixture
def reports():
    """Three truths: a diagonal, a ring, nothing."""
    ring = np.zeros((9, 9), bool)
    ring[2:7, 2:7] = True
    ring[3:6, 3:6] = False
    masks = {"diagonal": np.eye(9, dtype=bool), "ring": ring, "nothing": np.zeros((9, 9), bool)}
    return {name: inspect_truth(mask) for name, mask in masks.items()}


def test_isbi(real_data, tmp_path):
    result = topobench_here("data", "inspect", "isbi2012", "--data-dir", real_data, "-o", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    lines = list(csv.DictReader((tmp_path / "out" / "inspect-isbi2012.csv").read_text().splitlines()))
    assert [line["image"] for line in lines] == [f"section-{number:02d}" for number in range(30)]
    assert sum(int(line["diagonal_contacts"]) for line in lines) == 24
    changed = [sum(line[f"{name}_8"] != line[f"{name}_4"] for line in lines) for name in ("b0", "b1")]
    said = re.search(r"(\d+) of 30 images change their b0 .*? and (\d+) their b1", result.stdout)
    assert list(map(int, said.groups())) == changed == [4, 14]
    assert re.search(r"^b0, components, under 4 +1 +3\.5 +12 +section-26 *$", result.stdout, re.MULTILINE)
    assert max(len(line) for line in result.stdout.splitlines() if line.startswith(("b0", "width,"))) <= 80
    assert (tmp_path / "out" / "inspect-isbi2012.png").read_bytes().startswith(b"\x89PNG")


def test_synthetic_membranes_need_no_files(tmp_path):
    results = [topobench_here("data", "inspect", "synthetic-membranes", "-o", tmp_path / name) for name in "ab"]
    assert [result.returncode for result in results] == [0, 0]
    assert "give every one of 24 truths the same b0 and b1" in results[0].stdout
    for kind in ("csv", "png"):
        first, second = ((tmp_path / name / f"inspect-synthetic-membranes.{kind}").read_bytes() for name in "ab")
        assert first == second


def test_csv_holds_all_numbers_and_nan_for_the_undefined(reports):
    lines = {line["image"]: line for line in csv.DictReader(io.StringIO(csv_of(reports)))}
    assert (lines["diagonal"]["b0_8"], lines["diagonal"]["b0_4"]) == ("1", "9")
    assert (lines["ring"]["b1_8"], lines["ring"]["cells_8"], lines["ring"]["closed_by_frame_8"]) == ("1", "2", "1")
    assert float(lines["ring"]["structure_share"]) == 16 / 81
    assert math.isnan(float(lines["nothing"]["width_max"]))
    assert len(lines["ring"]) == 1 + 20 + 2


def test_few_images_get_a_line_each(reports, capsys):
    print_table(reports, "By hand")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines if line.startswith(("diagonal", "ring", "nothing"))] == [
        ["diagonal", "0.111", "1/9", "0/0", "2/1", "0", "0", "8", "1/1/1/1"],
        ["ring", "0.198", "1/1", "1/1", "2/2", "0", "0", "0", "1/1/1/1"],
        ["nothing", "0.000", "0/0", "0/0", "1/1", "0", "0", "0", "nan/nan/nan/nan"],
    ]


def test_many_images_get_a_summary_that_names_the_highest(reports, capsys):
    many = {f"{name}-{number}": report for number in range(5) for name, report in reports.items()}
    print_table(many, "By hand")
    out = capsys.readouterr().out
    assert re.search(r"^b0, components, under 4 +0 +1 +9 +diagonal-0 and 4 more *$", out, re.MULTILINE)
    assert re.search(r"^isolated pixels +0 +0 +0 *$", out, re.MULTILINE)
    assert re.search(r"^width, median +1\.0 +1\.0 +1\.0 *$", out, re.MULTILINE)  # of those that have one


def test_the_sentence_says_what_connectivity_changes(reports):
    apart = connectivity_sentence([reports["diagonal"], reports["ring"]], 8)
    assert "1 of 2 images change their b0 (by up to 8) and 0 their b1 (by up to 0), at 8 diagonal contacts" in apart
    assert "falls apart under 4: only 8 makes sense. The card says 8." in apart
    same = connectivity_sentence([reports["ring"]], 4)
    assert "the choice is free" in same
    assert same.endswith("The card says 4.")
    joined = np.zeros((9, 9), bool)
    joined[2, 2], joined[3, 3], joined[0], joined[5], joined[7] = True, True, True, True, True
    few = connectivity_sentence([inspect_truth(joined)], 8)
    assert "1 of 1 images change their b0 (by up to 1)" in few
    assert "not comparable" in few


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["isbi-2012"], 2, "no data set is named 'isbi-2012' (did you mean 'isbi2012'?)"),
        ([], 2, "Missing argument 'NAME'"),
        (["isbi2012", "--data-dir", "nowhere"], 1, "lacks train-volume.tif, train-labels.tif in"),
        (["synthetic-membranes", "-o", "/dev/null/x"], 1, "Error: /dev/null/x"),
    ],
)
def test_wrong_arguments_get_a_sentence(tmp_path, arguments, code, part):
    result = topobench_here("data", "inspect", *arguments, cwd=tmp_path)
    assert result.returncode == code
    assert part in result.stderr
    assert not list(tmp_path.iterdir())
