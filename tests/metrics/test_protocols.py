"""Every protocol: perfect is best, validity, shapes, and cases worked by hand in both connectivities and phases.

What holds of each figure by itself, `test_conformance.py` asks; here are the protocols' own choices.
"""

import math
import warnings

import numpy as np
import pytest

from tests.metrics.cases import lines
from topobench import cards, list_names
from topobench.metrics import FIGURES, load_protocol, score

PROTOCOLS = list_names("protocols")


@pytest.mark.parametrize("phase", ["regions", "structure"])
@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_perfect_prediction_of_noise_gives_the_best_of_every_figure(protocol, connectivity, phase):
    truth, fixed = np.random.default_rng(0).random((80, 70)) < 0.4, load_protocol(protocol)
    figures = score(truth, truth, protocol, fixed.phase or phase, fixed.connectivity or connectivity)
    assert not figures.reasons
    for name, value in figures.items():
        if FIGURES[name].best is not None:
            assert value == FIGURES[name].best, name


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_settings_say_every_choice(protocol):
    random = np.random.default_rng(1)
    truth, prediction = lines(90, 3), random.random((90, 90))
    figures = score(prediction, truth, protocol, image_id="x", seed=4)
    assert set(figures) == set(load_protocol(protocol).figures)
    declared = {
        "name", "version", "connectivity", "phase", "frame", "patch_size", "patches", "sampling", "dimensions", "seed",
        "threshold", "log_base", "ignored_labels", "valid_pixels", "image_id",
    }  # fmt: skip
    assert declared <= set(figures.settings)
    assert (figures.settings["valid_pixels"], figures.settings["seed"]) == (8100, 4)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_lies_outside_the_validity_mask_counts_in_no_figure(protocol):
    random = np.random.default_rng(2)
    truth, prediction = random.random((90, 140)) < 0.3, random.random((90, 140))
    valid = np.zeros(truth.shape, bool)
    valid[:, :80] = True
    spoiled_truth, spoiled = truth.copy(), prediction.copy()
    spoiled[~valid], spoiled_truth[~valid] = 1 - spoiled[~valid], True
    assert score(spoiled, spoiled_truth, protocol, valid=valid) == score(prediction, truth, protocol, valid=valid)
    nothing = score(prediction, truth, protocol, valid=np.zeros_like(valid))
    assert all(math.isnan(value) for value in nothing.values())
    assert nothing.reasons == dict.fromkeys(nothing, "no pixel is valid")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("shape", [(1, 1), (200, 3)])
def test_tiny_and_long_images_and_masks_without_any_structure(protocol, shape):
    random = np.random.default_rng(3)
    some = random.random(shape) < 0.5
    nothing, everything = np.zeros(shape, bool), np.ones(shape, bool)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for prediction in (nothing, everything, some):
            for truth in (nothing, everything, some):
                figures = score(prediction, truth, protocol)
                assert {name for name, value in figures.items() if math.isnan(value)} == set(figures.reasons)


def test_structure_that_is_empty_has_no_centreline_and_no_distance():
    line, nothing = lines(), np.zeros((65, 65), bool)
    for prediction, truth, reason in (
        (line, nothing, "the truth has no structure"),
        (nothing, line, "the prediction has no structure"),
        (nothing, nothing, "neither prediction nor truth has structure"),
    ):
        figures = score(prediction, truth, "topomortar")
        assert (figures.reasons["cldice"], figures.reasons["hd95"]) == (reason, reason)
        assert figures["dice"] == (1 if prediction is truth else 0)


def test_a_diagonal_line_in_both_connectivities():
    """Of 20 pixels: 1 component with 8 and 20 with 4; with 8 it parts two regions."""
    diagonal, nothing = np.eye(20, dtype=bool), np.zeros((20, 20), bool)
    found = {c: score(nothing, diagonal, "pitfalls", connectivity=c) for c in (4, 8)}
    assert [found[c]["betti0_error_whole"] for c in (4, 8)] == [20, 1]
    assert [found[c]["betti0_matching_error"] for c in (4, 8)] == [20, 1]
    assert found[8]["voi_regions"] == pytest.approx(1)  # two halves seen as one
    assert found[4]["voi_regions"] == 0
    assert found[8]["voi_structure"] == found[8]["voi_structure"] == 0  # all of the structure is one segment, 0
    assert found[4]["voi_structure"] == pytest.approx(math.log2(20))
    assert [found[c]["truth_isolated_pixels"] for c in (4, 8)] == [0, 0]


def test_a_one_pixel_gap_in_both_phases():
    """The regions merge, which VOI of the regions sees; the structure falls in two only where nothing else holds it."""
    truth = np.zeros((64, 64), bool)
    truth[32] = True
    prediction = truth.copy()
    prediction[32, 31] = False  # left 31 pixels, right 32
    figures = score(prediction, truth, "pitfalls")
    assert figures["voi_regions"] == pytest.approx(-(31 * math.log2(31 / 63) + 32 * math.log2(32 / 63)) / 63, abs=0.02)
    shares = np.array([1, 31, 32]) / 64  # of the true line: label 0, left, right
    assert figures["voi_structure"] == pytest.approx(-np.sum(shares * np.log2(shares)))
    assert (figures["betti0_error_whole"], figures["betti0_matching_error"], figures["diu0_error"]) == (1, 1, 1)
    assert (figures["betti1_error_whole"], figures["betti1_matching_error"], figures["diu1_error"]) == (0, 0, 0)
    assert score(prediction, truth, "hu2019")["betti_error"] == 1  # in the framed patch a cell is lost


def test_a_component_in_the_wrong_place():
    """Counts agree, places do not: Betti error 0, Betti matching error 2."""
    truth, prediction = np.zeros((2, 60, 60), bool)
    truth[10, 10:20] = prediction[40, 30:40] = True
    for name in ("stucki2023", "pitfalls"):
        figures = score(prediction, truth, name)
        assert figures["betti_error_whole"] == 0
        assert (figures["betti_matching_error"], figures["betti0_matching_error"]) == (2, 2)


def test_thinner_and_thicker_in_every_form():
    """Same topology; width alone costs much in the plain form where cells are small, nothing in the Betti figures."""
    thin, thick = lines(width=1), lines(width=5)
    for prediction, truth in ((thin, thick), (thick, thin)):
        for protocol in PROTOCOLS:
            figures = score(prediction, truth, protocol)
            for name, value in figures.items():
                if name.startswith(("betti", "diu", "euler")):
                    assert value == 0, (protocol, name)
        figures = score(prediction, truth)
        assert figures["arand_f_filled"] == pytest.approx(1, abs=2e-3)
        assert figures["voi_filled"] == pytest.approx(0, abs=0.02)
        assert figures["ari_filled"] == pytest.approx(1, abs=2e-3)
    assert (
        score(thin, thick)["voi"] == 0
    )  # truth label 0 is ignored: what the thin one adds to the cells does not count
    assert score(thick, thin)["voi"] > 0.5


def test_euler_error_by_hand():
    truth = np.zeros((30, 30), bool)
    truth[5:10, 5:10] = True
    prediction = truth.copy()
    prediction[7, 7] = False  # b0 - b1 = 0 in place of 1
    prediction[20, 20] = prediction[25, 25] = True  # and two islands: 2
    assert score(prediction, truth, "cldice64")["euler_error"] == 1


def test_a_grid_counts_every_tile_and_the_rest_of_one():
    truth = np.zeros((130, 100), bool)  # 65-grid: two rows of tiles, one column whole, one of 35
    prediction = truth.copy()
    prediction[3, 3] = prediction[70, 70] = prediction[72, 90] = True  # one island in one tile, two in another
    figures = score(prediction, truth, "dconn65")
    assert figures["betti0_error"] == 3 / 4
    # a ring that tiles cut is no hole in any of them, though one in the whole
    ring = np.zeros((130, 100), bool)
    ring[60:70, 10:20] = True
    ring[62:68, 12:18] = False
    assert score(ring, truth, "dconn65")["betti1_error"] == 0
    whole = score(ring, truth, "topomortar")
    assert (whole["betti1_error_whole"], whole["betti1_error"]) == (1, 1 / 2)  # the first of two tiles of 128 holds it


def test_a_grid_of_one_tile_is_the_whole_image():
    random = np.random.default_rng(5)
    prediction, truth = random.random((2, 100, 120)) < 0.4
    figures = score(prediction, truth, "topomortar")
    for name in ("betti_error", "betti0_error", "betti1_error"):
        assert figures[name] == figures[f"{name}_whole"]


def test_tiles_that_are_less_than_half_valid_do_not_count():
    truth = np.zeros((130, 65), bool)
    prediction = truth.copy()
    prediction[10, 10] = prediction[100, 10] = True
    valid = np.ones_like(truth)
    valid[80:] = False
    assert score(prediction, truth, "dconn65", valid=valid)["betti0_error"] == 1
    valid[20:] = False
    nothing = score(prediction, truth, "dconn65", valid=valid)
    assert nothing.reasons["betti0_error"] == "no 65x65 patch is half valid"


def test_a_protocol_may_be_given_as_an_object_or_a_file(tmp_path):
    few = load_protocol("hu2019").changed(patches=7)
    assert score(lines(), lines(), few).settings["patches"] == 7
    text = (cards.folder("protocols") / "hu2019.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(text.replace('"hu2019"', '"mine"').replace("patches = 500", "patches = 9"))
    assert score(lines(), lines(), str(tmp_path / "mine.toml")).settings["patches"] == 9


def test_raw_masks_are_blind_to_a_gap_that_components_see():
    truth, prediction = lines(), lines()
    prediction[32, 10] = False
    figures = score(prediction, truth, "stucki2023", connectivity=4)
    assert figures["arand_f_raw_mask"] > 0.99
    assert figures["voi_raw_mask"] < 0.01
    assert figures["arand_f"] < 0.95
    assert figures["voi"] > 0.25
