"""Tidy CSV that pandas reads in a line, and LaTeX."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.leaderboard.made import runs
from topobench.leaderboard import make_board, render


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    board = make_board([*runs("a_b&c%", 1.0), *runs("b", 2.0), *runs("b", 2.5, seeds=(0,), dataset="other")])
    return board, render(board, tmp_path_factory.mktemp("sheets"))


def test_the_csv_has_a_line_a_figure_and_equals_the_tables(files):
    board, made = files
    found = pd.read_csv(io.BytesIO(made["leaderboard.csv"]))
    assert len(found) == 9  # 3 methods on data sets, 3 figures
    for table in board.tables:
        for entry in table.entries:
            lines = found[(found.dataset == table.dataset) & (found.method == entry.method)].set_index("figure")
            assert lines["mean"].to_dict() == pytest.approx(entry.means)
            assert lines.low.to_dict() == pytest.approx({name: ends[0] for name, ends in entry.intervals.items()})
            assert set(lines["rank"]) == {entry.rank}
            assert set(lines.provisional) == {entry.provisional}
    assert found.better.tolist()[:3] == ["low", "high", "low"]
    assert set(found.protocol) == {"hu2019"}


def test_comparisons_have_a_line_a_pair(files):
    board, made = files
    found = pd.read_csv(io.BytesIO(made["comparisons.csv"]))
    [pair] = [pair for table in board.tables for pair in table.pairs]
    assert found[["first", "second"]].to_numpy().tolist() == [["a_b&c%", "b"]]
    assert found.p[0] == pytest.approx(pair.p)
    assert found.differ[0] == pair.differ
    assert np.isclose(found.difference[0], -1, atol=0.1)


def test_sheets_without_a_line_have_their_columns(files, tmp_path):
    alone = render(make_board([replace(one, status="failed: no luck", rows=()) for one in runs("a", 1.0)]), tmp_path)
    for name in ("leaderboard.csv", "comparisons.csv"):
        empty, full = (pd.read_csv(io.BytesIO(made[name])) for made in (alone, files[1]))
        assert len(empty) == 0
        assert list(empty) == list(full)


def test_latex_keeps_back_the_tables_of_one_data_set_at_most(files):
    """It stops with an error at about fifty that it has found no page for."""
    assert files[1]["leaderboard.tex"].count(b"\\clearpage") == 2


def test_latex_has_what_it_reads_as_commands_made_plain(files):
    text = files[1]["leaderboard.tex"].decode()
    assert r"a\_b\&c\%" in text
    assert text.count(r"\begin{tabular}") == text.count(r"\bottomrule") == 2
    rows = [line for line in text.splitlines() if line.endswith(r"\\") and "method" not in line]
    assert {line.replace(r"\&", "").count("&") for line in rows} == {6}  # rank, method, group, 3 figures, seeds
    assert r"\textbf{" in rows[0]
