"""Old records still read, and the predictions that they were made from still score to the same figures."""

import pytest

from tests.conftest import ROOT
from topobench.data.folders import FolderOfMasks, FolderOfPredictions
from topobench.leaderboard import make_tables
from topobench.scores import read_record, score_samples

GOLDEN = ROOT / "tests" / "golden" / "hu2019-v1"


def test_a_record_of_version_1_is_read_and_shown_as_it_was():
    record = read_record(GOLDEN / "record.json")
    assert record.rows[0].valid_pixels is None
    [table] = make_tables([record])
    assert table.title == "truth (a folder of truth masks, 976cc4), protocol hu2019 v1"
    assert table.conditions.startswith("500 seeded random patches of 65x65 an image, framed, b1, structure 8-connected")
    assert table.columns == ("betti_error", "arand_f_filled", "voi_filled", "accuracy", "arand_f", "voi")
    [entry] = table.entries
    assert entry.rank == 1
    assert entry.means["betti_error"] == 1  # one of four cells is lost in either image


def test_its_predictions_score_to_the_same_figures():
    """Version 2 moves only pixels that are equally far from two regions."""
    record = read_record(GOLDEN / "record.json")
    truth = FolderOfMasks(GOLDEN / "truth")
    predict = FolderOfPredictions(GOLDEN / "mine", truth.image_ids)
    samples = (truth.read(image_id) for image_id in truth.image_ids)
    again = [row for rows in score_samples(samples, predict, ["hu2019"], "regions", 8) for row in rows]
    for old, new in zip(record.rows, again, strict=True):
        figures = {name: new.figures[name] for name in old.figures}
        assert figures == pytest.approx(old.figures, abs=2e-2)
        plain = {name for name in old.figures if "filled" not in name}
        assert {name: figures[name] for name in plain} == pytest.approx({name: old.figures[name] for name in plain})
