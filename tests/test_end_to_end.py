"""From a card to a leaderboard: a few steps on real sections, and the claims of the README on synthetic ones."""

import json

import pytest

from tests.cli.here import topobench_here
from tests.cli.test_cli import topobench_command
from topobench import list_names
from topobench.scores import read_records


def test_a_few_steps_on_real_isbi_sections(real_data, tmp_path, suite_file):
    suite = suite_file(datasets=["isbi2012"], recipes=["unet-ce", "unet-topo"], folds=[2])
    result = topobench_here("run", "--suite", suite, "--data-dir", real_data, "-o", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    records, skipped = read_records([tmp_path / "out" / "records"])
    assert skipped == []
    assert {record.recipe["name"] for record in records} == {"null-threshold", "unet-ce", "unet-topo"}
    for record in records:
        assert record.finished
        assert [row.image for row in record.rows] == [f"section-{page}" for page in range(20, 30)]
        assert {row.unit for row in record.rows} == {"block-04", "block-05"}
        assert all(value is not None for row in record.rows for value in row.figures.values())
        assert record.protocols["hu2019"]["connectivity"] == 8
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "isbi2012" in page


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The README's first command, after its install."""
    out = tmp_path_factory.mktemp("quick")
    result = topobench_command("run", "-o", out)
    assert result.returncode == 0, result.stderr
    return out, result


def means(out, figure):
    found = {}
    for path in out.glob("records/*.json"):
        record = json.loads(path.read_text())
        values = [row["figures"][figure] for row in record["rows"]]
        found[record["recipe"]["name"]] = sum(values) / len(values)
    return found


def test_every_model_of_quick_beats_every_null_row(quick):
    errors = means(quick[0], "betti_error")
    nulls = {name: errors.pop(name) for name in list_names("nulls")}
    assert set(errors) == {"base-topo", "enhanced-topo", "enhanced-ce", "unet-topo"}
    assert max(errors.values()) < min(nulls.values())


def test_unet_topo_of_quick_has_a_small_betti_error(quick):
    assert means(quick[0], "betti1_error")["unet-topo"] <= 2


def test_quick_prints_and_writes_its_leaderboard_within_its_memory(quick):
    out, result = quick
    assert "unet-topo" in result.stdout
    assert (out / "leaderboard.md").is_file()
    assert (out / "index.html").is_file()
    peaks = [json.loads(path.read_text())["cost"]["peak_memory_mib"] for path in out.glob("records/*.json")]
    assert max(peaks) < 3 * 1024
