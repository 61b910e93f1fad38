"""Figures: cases worked by hand, peers, and what must not change them."""

import math
import warnings

import numpy as np
import pytest

from tests.metrics.cases import case, lines
from topobench import list_names, registry
from topobench.errors import ArgumentError, UnknownNameError
from topobench.metrics import FIGURES, load_protocol, score
from topobench.metrics.betti import betti_errors
from topobench.metrics.clustering import filled, plain
from topobench.metrics.overlap import pixel_overlap
from topobench.topology import label_components


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
