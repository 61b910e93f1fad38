"""Every choice moves the figures it should: masks on which another choice gives another number, worked by hand."""

import math

import numpy as np
import pytest

from tests.metrics.cases import case
from topobench.cards import folder, load_protocol
from topobench.errors import ArgumentError, UnknownNameError
from topobench.metrics import score, score_labels
from topobench.metrics.betti import betti_errors, whole_betti_errors
from topobench.metrics.case import Undefined
from topobench.metrics.clustering import filled, nothing_ignored, of_raw_masks, of_regions, of_structure, plain
from topobench.metrics.matching import betti_matching_errors, diu_errors
from topobench.metrics.truth import artefacts


def changed(**choices):
    """hu2019 with other choices, for `score`."""
    return load_protocol("hu2019").changed(**choices)


def wall(height=40, width=40, gap=False):
    """A horizontal membrane of one pixel through the middle."""
    mask = np.zeros((height, width), bool)
    mask[height // 2] = True
    mask[height // 2, 5] = not gap
    return mask


def ring(mask, y, x):
    """Draw a square of 5 x 5 with a hole into a mask."""
    mask[y : y + 5, x : x + 5] = True
    mask[y + 1 : y + 4, x + 1 : x + 4] = False


def test_errors_of_patches_are_averaged_without_their_sign():
    prediction, truth = np.zeros((2, 64, 128), bool)
    prediction[5, 5] = truth[5, 100] = True  # one too many in one tile, one too few in the other
    found = betti_errors(case(prediction, truth, sampling="grid", patch_size=64, frame=False, dimensions=(0,)))
    assert found["betti_error"] == 1


def test_a_framed_grid_fills_what_is_beyond_with_structure():
    prediction, truth = np.zeros((2, 65, 70), bool)
    prediction[:, 69] = True  # the last column: with background beyond it would part two cells
    found = betti_errors(case(prediction, truth, sampling="grid"))
    assert found["betti1_error"] == 0


def test_a_tile_that_is_exactly_half_valid_counts():
    prediction, truth = np.zeros((2, 64, 64), bool)
    prediction[1, 1] = True
    valid = np.zeros_like(truth)
    valid[:32] = True
    choices = {"sampling": "grid", "patch_size": 64, "frame": False, "dimensions": (0,)}
    assert betti_errors(case(prediction, truth, valid=valid, **choices))["betti_error"] == 1
    valid[31, 0] = False
    assert isinstance(betti_errors(case(prediction, truth, valid=valid, **choices))["betti_error"], Undefined)


def test_the_frame_counts_on_whole_images_too():
    prediction, truth = wall(gap=True), wall()
    framed, open_ = (case(prediction, truth, frame=frame, dimensions=(0, 1)) for frame in (True, False))
    assert whole_betti_errors(framed) == {
        "betti_error_whole": 1, "betti0_error_whole": 0, "betti1_error_whole": 1, "euler_error": 1,
    }  # fmt: skip
    assert whole_betti_errors(open_) == {
        "betti_error_whole": 1, "betti0_error_whole": 1, "betti1_error_whole": 0, "euler_error": 1,
    }  # fmt: skip
    for errors, name in ((betti_matching_errors, "betti{}_matching_error"), (diu_errors, "diu{}_error")):
        assert [errors(framed)[name.format(d)] for d in (0, 1)] == [0, 1]
        assert [errors(open_)[name.format(d)] for d in (0, 1)] == [1, 0]


def test_sums_take_the_dimensions_of_the_protocol_alone():
    prediction, truth = np.zeros((2, 40, 40), bool)
    prediction[3, 3] = True
    ring(prediction, 10, 10)
    ring(prediction, 20, 20)
    for errors, total in (
        (betti_matching_errors, "betti_matching_error"), (diu_errors, "diu_error"),
        (whole_betti_errors, "betti_error_whole"), (betti_errors, "betti_error"),
    ):  # fmt: skip
        of = {
            dims: errors(case(prediction, truth, frame=False, dimensions=dims))[total] for dims in ((0,), (1,), (0, 1))
        }
        assert of == {(0,): 3, (1,): 2, (0, 1): 5}, total


def test_connectivity_reaches_every_topological_figure():
    prediction, truth = np.zeros((40, 40), bool), np.eye(40, dtype=bool)
    for errors, name in (
        (betti_matching_errors, "betti0_matching_error"), (diu_errors, "diu0_error"),
        (whole_betti_errors, "betti0_error_whole"), (betti_errors, "betti0_error"),
    ):  # fmt: skip
        of = [errors(case(prediction, truth, connectivity=c, frame=False))[name] for c in (8, 4)]
        assert of == [1, 40], name


def test_euler_error_sees_what_cancels():
    prediction, truth = np.zeros((2, 40, 40), bool)
    ring(prediction, 5, 5)  # one component and one hole: 0
    assert whole_betti_errors(case(prediction, truth, frame=False))["euler_error"] == 0
    prediction[30, 30] = True
    assert whole_betti_errors(case(prediction, truth, frame=False))["euler_error"] == 1


def test_valid_pixels_alone_count_in_every_form_without_a_frame():
    """Two regions of 8 valid pixels seen as one: 1 bit, whatever lies in the 64 that are not valid."""
    truth = np.zeros((9, 9), bool)
    truth[4] = True
    valid = np.zeros_like(truth)
    valid[2:7, :2] = True
    this = case(np.zeros_like(truth), truth, valid=valid, frame=False)
    assert plain(this)["voi_merge"] == filled(this)["voi_merge_filled"] == of_regions(this)["voi_merge_regions"] == 1
    shares = np.array([4, 4, 2]) / 10
    assert nothing_ignored(this)["voi_all"] == pytest.approx(-np.sum(shares * np.log2(shares)))
    raw = of_raw_masks(case(~truth, truth, valid=valid, frame=False))
    assert raw["voi_raw_mask"] == 0  # a swapped mask bears the same information
    shares = np.array([8, 2]) / 10
    assert of_raw_masks(this)["voi_merge_raw_mask"] == pytest.approx(-np.sum(shares * np.log2(shares)))  # 0 counts too
    assert of_raw_masks(this)["arand_f_raw_mask"] == 1  # among the 2 pixels of structure, which got one label


def test_phases_by_name_and_by_choice():
    prediction, truth = wall(gap=True), wall()
    regions, structure = (case(prediction, truth, phase=phase, frame=False) for phase in ("regions", "structure"))
    assert plain(regions)["voi_merge"] > 0.9
    assert plain(regions)["voi_split"] == 0
    assert plain(structure)["voi_merge"] == 0
    assert plain(structure)["voi_split"] > 0.5  # the line of 40 in 5, 34, and the gap's label 0
    for this in (regions, structure):
        assert of_regions(this)["voi_regions"] == plain(regions)["voi"]
        assert of_structure(this)["voi_structure"] == plain(structure)["voi"]


def test_artefacts_of_the_truth_by_hand():
    truth = np.zeros((12, 12), bool)
    truth[1, 1] = truth[10, 1] = True  # isolated
    truth[5:8, 5:8] = True
    truth[6, 6] = False  # a pinhole
    assert artefacts(case(~truth, truth)) == {"truth_isolated_pixels": 2, "truth_pinholes": 1}
    valid = np.zeros_like(truth)
    valid[:3] = True
    assert artefacts(case(~truth, truth, valid=valid)) == {"truth_isolated_pixels": 1, "truth_pinholes": 0}


def test_the_threshold_is_the_protocols():
    truth = np.ones((66, 66), bool)
    for threshold, accuracy in ((0.5, 0), (0.3, 1)):
        assert score(np.full((66, 66), 0.4), truth, changed(threshold=threshold))["accuracy"] == accuracy


def test_what_is_not_valid_is_structure_where_the_protocol_frames_and_background_where_not():
    truth = np.zeros((70, 70), bool)
    valid = np.ones_like(truth)
    valid[:, 30:40] = False  # a blind stripe parts the image only if it counts as structure
    prediction = truth.copy()
    prediction[35] = True  # across it; the cells are four, or with a stripe of background two
    framed = score(prediction, truth, changed(patch_size=70), valid=valid)
    assert framed["betti1_error"] == 2
    open_ = score(prediction, truth, changed(patch_size=70, frame=False, dimensions=(0, 1)), valid=valid)
    assert (open_["betti_error"], open_.settings["valid_pixels"]) == (2, 70 * 60)  # the line is cut in two


def test_the_protocol_goes_before_the_argument_and_the_argument_before_the_default():
    mask = wall()
    for given, fixed, wanted in ((None, None, 8), (4, None, 4), (4, 8, 8), (8, 4, 4)):
        assert score(mask, mask, changed(connectivity=fixed), connectivity=given).settings["connectivity"] == wanted
    for given, fixed, wanted in (
        (None, None, "regions"), ("structure", None, "structure"), ("structure", "regions", "regions"),
    ):  # fmt: skip
        assert score(mask, mask, changed(phase=fixed), phase=given).settings["phase"] == wanted


@pytest.mark.parametrize("protocol", ["cldice64", "pitfalls", "topomortar"])
def test_masks_of_opencv_and_masks_that_cannot_be_written(protocol):
    random = np.random.default_rng(0)
    prediction, truth = random.random((2, 40, 50)) < 0.4
    wanted = score(prediction, truth, protocol)
    bytes_255 = [np.where(mask, 255, 0).astype(np.uint8).view(bool) for mask in (prediction, truth)]
    assert score(*bytes_255, protocol) == wanted
    for mask in (prediction, truth):
        mask.flags.writeable = False
    assert score(prediction, truth, protocol) == wanted
    assert score(np.asfortranarray(prediction), truth[::-1][::-1], protocol) == wanted
    assert score(prediction, truth, protocol, valid=np.full((40, 50), 255, np.uint8).view(bool)) == wanted


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prediction": [[1], [1, 0]]}, "prediction is no array of numbers"),
        ({"prediction": np.ma.masked_array(np.zeros((2, 2)), np.eye(2))}, "prediction is a masked array with 2 masked"),
        ({"truth": [[1], [1, 0]]}, "truth is no array of numbers"),
        ({"valid": [[1], [1, 0]]}, "validity mask is no array of numbers"),
        ({"valid": np.full((2, 2), 0.3)}, "validity mask is float64 with the values 0.3"),
        ({"seed": 1.7}, "seed is 1.7"),
        ({"seed": None}, "seed is None"),
        ({"seed": -1}, "seed is -1"),
        ({"image_id": 3}, "image_id is 3"),
    ],
)
def test_arguments_that_are_none(change, message):
    arguments = {"prediction": np.zeros((2, 2)), "truth": np.zeros((2, 2), bool)} | change
    with pytest.raises(ArgumentError, match=message):
        score(**arguments)


def test_labels_that_are_none():
    with pytest.raises(ArgumentError, match="prediction is a masked array"):
        score_labels(np.ma.masked_array([1, 2], [True, False]), [1, 1])
    for wrong in ([0.3, 1], [255, 0], [math.nan, 1]):
        with pytest.raises(ArgumentError, match="validity mask is"):
            score_labels([1, 2], [1, 1], valid=wrong)


def test_a_protocol_by_its_path(tmp_path):
    path = tmp_path / "mine.toml"
    text = (folder("protocols") / "hu2019.toml").read_text(encoding="utf-8")
    path.write_text(text.replace('"hu2019"', '"mine"'), encoding="utf-8")
    assert score(wall(), wall(), path).settings["name"] == "mine"
    with pytest.raises(UnknownNameError, match="no protocol is named 'None'"):
        score(wall(), wall(), None)


def test_figures_that_come_together_are_computed_once(monkeypatch):
    calls = []
    monkeypatch.setattr("topobench.metrics.clustering.plain", lambda case: calls.append(case) or plain(case))
    figures = score(wall(), wall())
    assert {"arand_f", "ari", "voi"} <= set(figures)
    assert len(calls) == 1
