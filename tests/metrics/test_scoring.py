"""Figures: cases worked by hand, peers, and what must not change them."""

import math
import warnings

import numpy as np
import pytest

from tests.metrics.cases import case
from topobench import cards, list_names, registry
from topobench.errors import ArgumentError, UnknownNameError
from topobench.metrics import FIGURES, average, load_protocol, remove_small, score
from topobench.metrics.betti import betti_errors
from topobench.metrics.clustering import filled, plain
from topobench.metrics.overlap import pixel_overlap
from topobench.topology import label_components


def lines(size=65, width=1):
    """A membrane grid: two vertical, one horizontal line; six cells."""
    mask = np.zeros((size, size), bool)
    for middle in (20, 44):
        mask[:, middle - width // 2 : middle + width // 2 + 1] = True
    mask[32 - width // 2 : 32 + width // 2 + 1] = True
    return mask


def test_a_gap_of_one_pixel():
    truth, prediction = lines(), lines()
    prediction[32, 10] = False
    figures = score(prediction, truth)
    assert figures["betti_error"] == figures["betti1_error"] == 1.0  # one place for a 65x65 patch: 6 cells or 5
    assert figures["accuracy"] == 1 - 1 / 65**2
    assert figures["voi_split"] == 0
    sizes = np.array([20 * 32] * 2 + [23 * 32] * 2 + [20 * 32] * 2) / (63 * 64)
    merged = 2 * sizes[0]
    assert figures["voi_merge"] == pytest.approx(merged)  # two equal cells in one: 1 bit for the pixels of both
    assert figures["arand_f"] == pytest.approx(
        2 * np.sum(sizes**2) / (np.sum(sizes**2) + np.sum(sizes[2:] ** 2) + merged**2)
    )


def test_width_alone_costs_almost_nothing_in_the_filled_form():
    thin, thick = lines(width=1), lines(width=3)
    for prediction, truth in ((thick, thin), (thin, thick)):
        figures = score(prediction, truth)
        assert figures["betti_error"] == 0
        assert figures["voi_filled"] < 0.02
        assert figures["arand_f_filled"] > 0.999
    plain = score(thick, thin)  # thicker: membrane where cells are is one segment more, that touches every cell
    assert plain["voi"] > 0.3
    assert plain["arand_f"] < 0.99


def test_many_small_cells_one_pixel_thicker():
    """DESIGN section 4: VOI 2.9 bits and arand_f .11 in the plain form where cells are small; 0 and 1 filled."""
    truth = np.zeros((65, 65), bool)
    truth[::4], truth[:, ::4] = True, True
    thick = truth | np.roll(truth, 1, 0) | np.roll(truth, 1, 1)
    plain = score(thick, truth)
    assert plain["betti_error"] == 0
    assert plain["voi"] > 2
    assert plain["arand_f"] < 0.2
    assert plain["voi_filled"] < 0.5


@pytest.mark.parametrize("connectivity", [4, 8])
def test_perfect_prediction_is_best(connectivity):
    truth = np.random.default_rng(0).random((80, 70)) < 0.4
    figures = score(truth, truth, connectivity=connectivity)
    for name, value in figures.items():
        assert value == (0 if FIGURES[name].better == "low" else 1), name


def test_places_depend_on_seed_and_image_alone():
    random = np.random.default_rng(1)
    truth, prediction = random.random((120, 90)) < 0.3, random.random((120, 90))
    first = score(prediction, truth, seed=1, image_id="a")
    assert first == score(prediction, truth, seed=1, image_id="a")
    others = [score(prediction, truth, seed=2, image_id="a"), score(prediction, truth, seed=1, image_id="b")]
    assert len({figures["betti_error"] for figures in [first, *others]}) == 3
    assert {figures["accuracy"] for figures in others} == {first["accuracy"]}


def test_accuracy_and_dice_by_hand():
    prediction, truth = [[1, 1, 1, 0, 0]], [[0, 1, 1, 1, 0]]
    assert pixel_overlap(case(prediction, truth)) == {"accuracy": 3 / 5, "dice": 2 * 2 / (3 + 3)}
    assert pixel_overlap(case([[0, 0]], [[0, 0]])) == {"accuracy": 1, "dice": 1}
    assert pixel_overlap(case([[0, 1]], [[1, 0]])) == {"accuracy": 0, "dice": 0}
    valid = np.array([[True, True, False, False, True]])
    assert pixel_overlap(case(prediction, truth, valid=valid)) == {"accuracy": 2 / 3, "dice": 2 / 3}


def test_betti_error_sums_the_dimensions():
    truth = np.zeros((65, 65), bool)
    truth[10:20, 10:20] = True  # one block
    prediction = truth.copy()
    prediction[14, 14] = False  # with a hole,
    prediction[40, 40] = prediction[50, 50] = prediction[60, 60] = True  # and three islands
    found = betti_errors(case(prediction, truth, dimensions=(0, 1), frame=False))
    assert found == {"betti_error": 4, "betti0_error": 3, "betti1_error": 1}


def test_betti_error_without_frame_ignores_open_cells():
    assert betti_errors(case(np.zeros((65, 65)), lines(), frame=False))["betti_error"] == 0  # no cell is closed
    assert betti_errors(case(np.zeros((65, 65)), lines()))["betti_error"] == 5  # six cells against one


def test_phase_structure_labels_the_structure():
    truth = np.zeros((20, 20), bool)
    truth[2], truth[10] = True, True  # two lines of 20 pixels
    prediction = truth.copy()
    prediction[2:11, 5] = True  # joined into one
    merged = plain(case(prediction, truth, phase="structure"))
    assert (merged["voi_split"], merged["voi_merge"]) == (0, 1)
    assert plain(case(truth, truth, phase="structure"))["arand_f"] == 1
    gone = filled(case(np.zeros_like(truth), truth, phase="structure"))
    assert gone["voi_merge_filled"] == 1  # nothing to fill from: label 0 is one segment


def test_threshold_is_inclusive():
    truth = np.ones((70, 70), bool)
    assert score(np.full((70, 70), 0.5), truth)["accuracy"] == 1
    assert score(np.full((70, 70), 0.4999), truth)["accuracy"] == 0


def test_undefined_is_nan_with_a_reason_and_no_warning():
    full = np.ones((70, 70), bool)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = score(np.zeros((70, 70)), full)
    assert math.isnan(figures["voi"])
    assert figures.reasons["voi"] == "the truth has no labelled pixel"
    assert figures["accuracy"] == 0
    assert "accuracy" not in figures.reasons


def test_one_region_in_both_is_perfect():
    empty = np.zeros((70, 70), bool)
    figures = score(empty, empty)
    assert (figures["arand_f"], figures["voi"], figures["betti_error"]) == (1, 0, 0)


def test_all_structure_predicted_has_a_value():
    figures = score(np.ones((65, 65)), lines())
    assert figures["betti_error"] == 6
    assert figures["voi_merge"] == figures["voi_merge_filled"] > 2  # all six cells are one segment


def test_validity_mask_hides_what_lies_outside():
    random = np.random.default_rng(2)
    truth, prediction = random.random((90, 140)) < 0.3, random.random((90, 140))
    valid = np.zeros(truth.shape, bool)
    valid[:, :80] = True
    spoiled = prediction.copy()
    spoiled[~valid] = 1 - spoiled[~valid]
    assert score(spoiled, truth, valid=valid) == score(prediction, truth, valid=valid)
    assert score(prediction, truth, valid=valid) != score(prediction, truth)
    nothing = score(prediction, truth, valid=np.zeros_like(valid))
    assert all(math.isnan(value) for value in nothing.values())
    assert set(nothing.reasons) == set(nothing)


def test_settings_say_what_was_chosen():
    settings = score(lines(), lines(), seed=3).settings
    assert settings["connectivity"] == 8
    assert settings["phase"] == "regions"
    assert (settings["patch_size"], settings["patches"], settings["frame"], settings["seed"]) == (65, 500, True, 3)


def test_every_figure_of_a_protocol_is_described_and_registered():
    for name in list_names("protocols"):
        for figure in load_protocol(name).figures:
            assert figure in FIGURES
            assert figure in registry.BUILTINS["metrics"]
    assert set(registry.BUILTINS["metrics"]) == set(FIGURES)


def test_wrong_input():
    truth = np.zeros((4, 5), bool)
    with pytest.raises(ArgumentError, match=r"prediction has shape \(5, 4\), the truth \(4, 5\)"):
        score(np.zeros((5, 4)), truth)
    with pytest.raises(ArgumentError, match=r"values in \[0.0, 255.0\].*Divide 8-bit maps by 255"):
        score(np.array([[0.0, 255.0]]), np.zeros((1, 2)))
    with pytest.raises(ArgumentError, match="nan"):
        score(np.full((4, 5), np.nan), truth)
    with pytest.raises(ArgumentError, match="truth is int64 with the values 0, 3"):
        score(np.zeros((1, 2)), np.array([[0, 3]]))
    with pytest.raises(ArgumentError, match="phase is 'cells'"):
        score(truth, truth, phase="cells")
    with pytest.raises(ArgumentError, match="connectivity is 6"):
        score(truth, truth, connectivity=6)
    with pytest.raises(UnknownNameError, match="did you mean 'hu2019'"):
        score(truth, truth, "hu2091")


def test_labels_of_regions_use_the_dual_connectivity():
    # an 8-connected diagonal parts two 4-connected regions; a 4-connected structure does not
    diagonal = np.eye(70, dtype=bool)
    assert label_components(~diagonal, 4).max() == 2
    assert score(np.zeros((70, 70)), diagonal)["voi_merge"] == pytest.approx(1)
    assert score(np.zeros((70, 70)), diagonal, connectivity=4)["voi_merge"] == 0


PROTOCOLS = list_names("protocols")


@pytest.mark.parametrize("phase", ["regions", "structure"])
@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_perfect_prediction_gives_the_best_of_every_figure(protocol, connectivity, phase):
    random = np.random.default_rng(0)
    for truth in (random.random((80, 70)) < 0.4, lines(), np.pad(lines(40), 20)):
        fixed = load_protocol(protocol)
        figures = score(truth, truth, protocol, fixed.phase or phase, fixed.connectivity or connectivity)
        assert not figures.reasons
        for name, value in figures.items():
            if FIGURES[name].best is not None:
                assert value == FIGURES[name].best, name


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_figure_is_no_better_than_perfect_and_says_what_it_is(protocol):
    random = np.random.default_rng(1)
    truth, prediction = lines(90, 3), random.random((90, 90))
    figures = score(prediction, truth, protocol, image_id="x", seed=4)
    assert set(figures) == set(load_protocol(protocol).figures)
    for name, value in figures.items():
        if FIGURES[name].better == "low":
            assert value >= 0, name
        if FIGURES[name].better == "high":
            assert value <= 1, name
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
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3), (200, 3)])
def test_images_of_any_shape_and_masks_without_any_structure(protocol, shape):
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
    few = load_protocol("hu2019").model_copy(update={"patches": 7})
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


def test_average_leaves_out_what_is_undefined_and_counts_it():
    found = average([{"voi": 1.0, "dice": 1.0}, {"voi": math.nan, "dice": 0.5}, {"voi": None, "dice": 0.0}])
    assert found["voi"] == (1.0, 1, 2)
    assert found["dice"] == (0.5, 3, 0)
    assert math.isnan(average([{"voi": math.nan}])["voi"].value)


def test_remove_small():
    mask = np.zeros((10, 10), bool)
    mask[0, :5] = True  # five pixels
    mask[3, 3] = mask[4, 4] = True  # two, joined at a corner
    assert remove_small(mask, 2).sum() == 7
    assert remove_small(mask, 2, connectivity=4).sum() == 5
    assert remove_small(mask, 3).sum() == 5
    assert remove_small(mask, 6).sum() == 0
    assert mask.sum() == 7
    for wrong in (0, -1, 2.5, True):
        with pytest.raises(ArgumentError, match="size is"):
            remove_small(mask, wrong)
