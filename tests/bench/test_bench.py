"""The contest: distinct patches, every peer, sensible figures; and the command that prints them."""

import sys

import numpy as np
import pytest
from click.testing import CliRunner

import topobench.bench
from tests.conftest import ROOT
from topobench.bench import compare, patches, source, speed_up
from topobench.bench.contest import PEERS, _call
from topobench.cli.main import cli
from topobench.errors import RunError

MAPS = [np.random.default_rng(k).random((40, 50), np.float32) for k in range(3)]


def test_patches_are_distinct_seeded_and_of_all_maps():
    chosen = patches(MAPS, 16, 9)
    assert chosen.shape == (9, 16, 16) and chosen.dtype == np.float32
    assert len({patch.tobytes() for patch in chosen}) == 9
    assert np.array_equal(chosen, patches(MAPS, 16, 9))
    assert not np.array_equal(chosen, patches(MAPS, 16, 9, seed=1))
    assert all(np.isin(chosen[k], MAPS[k % 3]).all() for k in range(9))


def test_maps_smaller_than_the_patch_are_laid_side_by_side():
    (patch,) = patches(MAPS, 90, 1)
    assert np.array_equal(patch[40:80], patch[:40])
    assert np.array_equal(patch[:, 50:], patch[:, :40])


def test_sections_of_isbi_where_they_are(real_data):
    chosen = source(real_data)
    assert len(chosen.maps) == 30
    assert chosen.maps[0].shape == (512, 512)
    assert 0 < min(each.min() for each in chosen.maps) < 0.05 < 0.95 < max(each.max() for each in chosen.maps) < 1
    assert "isbi2012" in chosen.meaning


def test_every_peer_takes_part_and_the_kernel_is_the_fastest():
    found = compare(patches(MAPS, 33, 8), rounds=3)
    assert (found.size, found.patches, found.rounds) == (33, 8, 3)
    assert found.ratios.keys() == PEERS.keys()
    assert min(found.ratios["gudhi"], found.ratios["cripser"]) > 2  # twenty, when this was written
    assert 0 < found.betti < found.kernel


def test_a_peer_that_is_not_installed_takes_no_part(monkeypatch):
    monkeypatch.setitem(sys.modules, "cripser", None)
    assert "cripser" not in compare(patches(MAPS, 9, 2), rounds=1).ratios


def test_speed_up_is_a_ratio():
    kernel, sort = speed_up(patches(MAPS, 9, 4), threads=2, rounds=3)
    assert 0.01 < kernel < 100
    assert 0.01 < sort < 100


def test_a_fresh_process_that_fails_says_why(monkeypatch):
    monkeypatch.setattr("topobench.bench.contest.FIRST_CALL", "raise SystemError('no compiler')")
    with pytest.raises(RunError, match=r"fresh process: .*SystemError: no compiler"):
        _call({})


def test_the_command_prints_a_row_a_size(monkeypatch, tmp_path):
    monkeypatch.setattr(topobench.bench, "first_call", lambda: (7.25, 0.5))
    result = CliRunner().invoke(
        cli, ["bench", "--size", "17", "--size", "9", "--rounds", "1", "--data-dir", str(tmp_path)]
    )
    assert result.exit_code == 0, result.output
    rows = [line for line in result.output.splitlines() if line.startswith("| ")]
    heads = rows[0].split("|")
    assert [row.split("|")[1].strip() for row in rows] == ["patch", "17", "9"]
    assert all(len(row.split("|")) == len(heads) for row in rows)
    assert rows[0] in (ROOT / "docs" / "performance.md").read_text()
    assert "synthetic-membranes" in result.output and "7.2 s where it compiles" in result.output
    assert "Time a pixel at 17:" in result.output


@pytest.mark.parametrize("arguments", [["--size", "2"], ["--rounds", "0"], ["--size", "x"]])
def test_wrong_arguments(arguments):
    result = CliRunner().invoke(cli, ["bench", *arguments])
    assert result.exit_code == 2 and "Invalid value" in result.output
