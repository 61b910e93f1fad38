"""Records that come in any order, or as nobody expects: the pages are made all the same, and are the same."""

import csv
import io
import random
import re
from dataclasses import replace

import pytest

from tests.leaderboard.made import protocol, runs, whole_board
from topobench.leaderboard import make_board, make_tables, render


def pages(made, folder):
    """The files of a leaderboard, by name, as text."""
    return {name: content.decode() for name, content in render(make_board(made), folder).items()}


def test_the_order_of_records_changes_no_byte(tmp_path):
    made = whole_board()
    made += [replace(one, precision="bfloat16", run_id=f"8{one.run_id[1:]}") for one in runs("unet-ce", 3.0)]
    made += [replace(one, card={"name": "toy", "version": 2}, run_id=f"9{one.run_id[1:]}") for one in runs("b", 3.0)]
    grown = {"hu2019": protocol(figures=["betti_error", "accuracy", "voi", "dice"], columns=["betti_error", "dice"])}
    made += runs("later", 3.0, "toy", protocols=grown, seeds=(0,))
    made += runs("twin", 3.0, recipe={"name": "twin", "version": 1}) + runs("twin", 3.0, recipe={"name": "twin"})
    wanted = pages(made, tmp_path)
    for seed in range(3):
        random.Random(seed).shuffle(made)
        assert pages(made, tmp_path) == wanted


def test_data_that_changed_without_their_card_are_told_apart():
    other = [replace(one, data_hash="f" * 64, run_id=f"f{one.run_id[1:]}") for one in runs("a", 1.0)]
    tables = make_tables([*runs("a", 1.0), *other])
    assert [table.version for table in tables] == [
        f"card version 1, data {letter * 6} of 2" for letter in "0f"
    ]  # not the same section of a page twice
    assert all(section.settings[0].views is None for section in make_board([*runs("a", 1.0), *other]).sections)


CURVE = {"losses": {"steps": [1, 2], "terms": {"cross-entropy": [2.0, 1.0]}}}
VARIANT = {"hu2019": protocol(), "hu2019:129": protocol("hu2019:129", patch_size=129)}


@pytest.mark.parametrize(
    "made",
    [
        [replace(one, status="failed: no luck", rows=()) for one in runs("a", 1.0, protocols=VARIANT)],
        [replace(one, rows=(), training=CURVE) for one in runs("a", 1.0)] + runs("b", 1.0),
        runs("a", 1.0, recipe={"name": "a", "model": {"depth": None}, "loss": [{"weight": None}]}),
        [replace(one, cost={"train_seconds": 0.0}) for name in "ab" for one in runs(name, 1.0)],
        [
            replace(one, rows=tuple(replace(row, figures=dict.fromkeys(row.figures)) for row in one.rows))
            for one in runs("a", 1.0)
        ],
    ],
    ids=["only failed", "no rows", "null in a recipe", "no time", "all undefined"],
)  # fmt: skip
def test_a_page_is_made_of(tmp_path, made):
    for name, text in pages(made, tmp_path).items():
        assert "nan" not in re.findall(r"[\w-]+", text.lower()), name


def test_what_a_run_does_not_say_of_its_memory_is_not_said(tmp_path):
    made = [replace(one, cost={"peak_memory_mib": 5.0} if one.seed == 1 else {}) for one in runs("a", 1.0)]
    assert make_tables(made)[0].entries[0].peak_memory_mib == 5.0
    [without] = make_tables([replace(one, cost={}) for one in runs("a", 1.0)])
    assert without.entries[0].peak_memory_mib is None


@pytest.mark.parametrize(
    ("name", "markdown", "latex"),
    [
        ("a\\|b", r"a\\\|b", r"a\textbackslash{}\textbar{}b"),
        ("<!-- a", r"\<!-- a", r"\textless{}!-- a"),
        ("a\n\nb", "a b", "a b"),  # a paragraph ends a table, in either
        ("__init__ a_b", r"\_\_init\_\_ a_b", r"\_\_init\_\_ a\_b"),
        ("*a* &lt; `b` [c](d) & e", r"\*a\* \&lt; \`b\` \[c](d) & e", r"*a* \&lt; `b` [c](d) \& e"),
    ],
)
def test_names_are_text_whatever_is_in_them(tmp_path, name, markdown, latex):
    made = [*runs("a", 1.0, recipe={"name": name, "version": 1}), *runs("b", 2.0)]
    failed = replace(made[0], seed=9, status=f"failed: {name}", rows=(), run_id="9" * 64)
    found = pages([*made, failed], tmp_path)
    assert f"| {markdown} |" in found["leaderboard.md"]
    assert f"Failed, not ranked: {markdown}, fold 0, seed 9: {markdown}\n" in found["leaderboard.md"]
    assert f"& {latex} &" in found["leaderboard.tex"]
    assert next(csv.DictReader(io.StringIO(found["leaderboard.csv"])))["method"] == name
