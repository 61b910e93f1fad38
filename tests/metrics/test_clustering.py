"""The Rand family and VOI: pairs counted one by one, peers, CREMI's formula, and what must not change a figure."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from skimage.metrics import adapted_rand_error, variation_of_information
from sklearn.metrics import adjusted_rand_score

from topobench.errors import ArgumentError
from topobench.metrics import score_labels
from topobench.metrics.contingency import as_labels, tabulate
from topobench.registry import PARTITION

labels = npst.arrays(np.int32, (6, 7), elements=st.integers(0, 4))
truths = labels.filter(lambda truth: truth.any())


@given(labels, truths)
def test_rand_f_counts_pairs_of_pixels(prediction, truth):
    """Every pair of counted pixels, each with itself too: together in both, in the truth, in the prediction."""
    counted = truth > 0
    in_truth, in_prediction = (np.equal.outer(part[counted], part[counted]) for part in (truth, prediction))
    both = (in_truth & in_prediction).sum()
    ours = score_labels(prediction, truth)
    assert ours["arand_f"] == pytest.approx(2 * both / (in_truth.sum() + in_prediction.sum()))
    assert ours["arand_error"] == pytest.approx(1 - ours["arand_f"])


def test_rand_f_agrees_with_scikit_image_but_for_self_pairs():
    random = np.random.default_rng(0)
    truth, prediction = random.integers(0, 5, (60, 60)), random.integers(0, 5, (60, 60))
    ours = score_labels(prediction, truth)
    assert ours["arand_error"] == pytest.approx(adapted_rand_error(truth, prediction)[0], abs=2e-3)


@given(labels, truths)
def test_voi_agrees_with_scikit_image(prediction, truth):
    ours = score_labels(prediction, truth)
    # for (image0=prediction, image1=truth) scikit-image returns H(truth | prediction) first
    merge, split = variation_of_information(prediction[truth > 0], truth[truth > 0])
    assert (ours["voi_merge"], ours["voi_split"]) == pytest.approx((merge, split), abs=1e-9)
    assert ours["voi"] == pytest.approx(merge + split, abs=1e-9)
    merge, split = variation_of_information(prediction, truth)
    assert (ours["voi_merge_all"], ours["voi_split_all"]) == pytest.approx((merge, split), abs=1e-9)


@given(labels, truths)
def test_ari_agrees_with_scikit_learn(prediction, truth):
    ours = score_labels(prediction, truth)
    assert ours["ari"] == pytest.approx(adjusted_rand_score(truth[truth > 0], prediction[truth > 0]), abs=1e-12)
    assert ours["ari_all"] == pytest.approx(adjusted_rand_score(truth.ravel(), prediction.ravel()), abs=1e-12)


def cremi_adapted_rand(segmentation, truth):
    """CREMI's adapted Rand error with dense matrices, as its evaluation defines it (and SNEMI3D's before it)."""
    pixels = truth.size
    table = np.zeros((truth.max() + 1, segmentation.max() + 1))
    np.add.at(table, (truth.ravel(), segmentation.ravel()), 1)
    regions = table[1:]  # without the truth's 0
    both = regions[:, 1:]  # and without the segmentation's 0,
    alone = regions[:, 0].sum() / pixels  # whose pixels stand alone
    sum_truth = (regions.sum(axis=1) ** 2).sum()
    sum_segmentation = (both.sum(axis=0) ** 2).sum() + alone
    sum_both = (both**2).sum() + alone
    precision, recall = sum_both / sum_segmentation, sum_both / sum_truth
    return 1 - 2 * precision * recall / (precision + recall)


@given(labels, truths)
def test_cremi_formula(prediction, truth):
    ours = score_labels(prediction, truth)["arand_error_cremi"]
    assert ours == pytest.approx(cremi_adapted_rand(prediction, truth), abs=1e-12)


def test_cremi_error_is_another_number_where_the_prediction_leaves_pixels_out():
    truth = np.ones((10, 10), int)
    prediction = truth.copy()
    prediction[:, 5:] = 0
    ours = score_labels(prediction, truth)
    # plain: two segments of 50 of 100. CREMI: one of 50, and 50 pixels alone, which count as 0.5
    assert ours["arand_f"] == pytest.approx(2 * 5000 / (10000 + 5000))
    precision, recall = 1, (2500 + 0.5) / 10000
    assert ours["arand_error_cremi"] == pytest.approx(1 - 2 * precision * recall / (precision + recall))


def test_merge_and_split_by_hand():
    # two true regions of 8 pixels; the prediction sees one: one bit is lost, by merging
    truth = np.array([[1] * 8, [2] * 8])
    merged = score_labels(np.ones_like(truth), truth)
    assert (merged["voi_split"], merged["voi_merge"]) == (0, 1)
    assert merged["arand_f"] == pytest.approx(2 * (2 * 0.25) / (1 + 0.5))  # sum p^2 = sum t^2 = 1/2, sum s^2 = 1
    assert merged["ari"] == 0  # one segment for all is what chance gives
    split = score_labels(truth, np.ones_like(truth))
    assert (split["voi_split"], split["voi_merge"]) == (1, 0)


@given(labels, truths, st.permutations(range(1, 5)))
def test_names_of_labels_do_not_count(prediction, truth, order):
    renamed = np.array([0, *order])
    ours, theirs = score_labels(prediction, truth), score_labels(renamed[prediction], renamed[truth])
    assert dict(ours) == pytest.approx(dict(theirs), abs=1e-12)


@given(labels.map(lambda found: found + 1), labels.map(lambda found: found + 1))
def test_swapped_arguments(prediction, truth):
    one, two = score_labels(prediction, truth), score_labels(truth, prediction)
    for name in ("arand_f", "ari", "voi"):
        assert one[name] == pytest.approx(two[name], abs=1e-12)
    assert (one["voi_split"], one["voi_merge"]) == pytest.approx((two["voi_merge"], two["voi_split"]), abs=1e-12)


@given(labels, truths)
def test_a_tiled_image_with_new_labels_each_time(prediction, truth):
    """Twice the image side by side, no label shared: shares of pairs halve in all sums, entropies gain one bit each."""
    twice = [np.hstack([part, np.where(part > 0, part + 10, 0)]) for part in (prediction, truth)]
    one = score_labels(np.where(truth > 0, prediction + 1, 0), truth)
    prediction_twice = np.hstack([np.where(truth > 0, prediction + 1, 0), np.where(truth > 0, prediction + 21, 0)])
    two = score_labels(prediction_twice, twice[1])
    for name in ("arand_f", "voi_split", "voi_merge", "voi"):
        assert two[name] == pytest.approx(one[name], abs=1e-9)


BIG = [2**40, 7, 2**63 - 1, -(2**40), -1]


@pytest.mark.parametrize(
    "rename",
    [
        lambda found: np.array([0, *BIG])[found],
        lambda found: np.array([0, 2**63, 2**64 - 1, 1, 2, 3], np.uint64)[found],
        lambda found: found.astype(float),
        lambda found: found.astype(np.float16),
        lambda found: found.tolist(),
        lambda found: found.astype(np.int8),
        lambda found: np.asfortranarray(found),
        lambda found: found[::-1][::-1],
    ],
    ids=["2^40 and negative", "uint64", "float64", "float16", "lists", "int8", "fortran", "strides"],
)
def test_labels_of_any_size_and_type(rename):
    random = np.random.default_rng(3)
    prediction, truth = random.integers(0, 6, (2, 40, 30))
    wanted = dict(score_labels(prediction, truth))
    assert dict(score_labels(rename(prediction), rename(truth))) == pytest.approx(wanted, abs=1e-12)
    assert dict(score_labels(rename(prediction), truth)) == pytest.approx(wanted, abs=1e-12)


def test_bool_labels_and_volumes():
    random = np.random.default_rng(4)
    mask, truth = random.random((4, 9, 9)) < 0.5, random.integers(0, 3, (4, 9, 9))
    assert dict(score_labels(mask, truth)) == dict(score_labels(mask.astype(int), truth))
    bytes_of_opencv = np.where(mask, np.array([1, 255] * 162, np.uint8).reshape(mask.shape), 0).astype(np.uint8)
    assert dict(score_labels(bytes_of_opencv.view(bool), truth)) == dict(score_labels(mask, truth))
    flat = score_labels(mask.reshape(4, 81), truth.reshape(4, 81))
    assert dict(flat) == dict(score_labels(mask, truth))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([[0.5, 1]], r"prediction is float64 of shape \(1, 2\) with the value 0.5; labels are whole numbers"),
        ([[math.nan, 1]], "with the value nan"),
        ([[math.inf, 1]], "with the value inf"),
        ([["a", "b"]], "prediction is <U1"),
        ([[1j, 2]], "prediction is complex128"),
        ([[1], [1, 2]], "its rows must be equally long"),
        ([[2**70, 1]], "prediction is object"),
        (np.empty((0, 2)), r"prediction has shape \(0, 2\); there is no pixel"),
        ([[1, 2, 3]], r"prediction has shape \(1, 3\), the truth \(1, 2\)"),
    ],
)
def test_what_is_no_label(wrong, message):
    with pytest.raises(ArgumentError, match=message):
        score_labels(wrong, [[1, 2]])


def test_validity_mask_of_labels():
    random = np.random.default_rng(5)
    prediction, truth = random.integers(0, 5, (2, 20, 20))
    valid = random.random((20, 20)) < 0.7
    assert dict(score_labels(prediction, truth, valid)) == pytest.approx(
        dict(score_labels(prediction[valid], truth[valid])), abs=1e-12
    )
    with pytest.raises(ArgumentError, match=r"validity mask has shape \(2, 2\), the truth \(20, 20\)"):
        score_labels(prediction, truth, np.ones((2, 2), bool))


def test_no_labelled_pixel_is_undefined_with_a_reason_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = score_labels([[1, 2]], [[0, 0]])
    for name in (*PARTITION, "arand_error_cremi"):
        assert math.isnan(figures[name])
        assert figures.reasons[name] == "the truth has no labelled pixel"
    assert figures["voi_all"] == 1  # there the 0 is a region, which the prediction cuts in two
    assert figures.undefined == 7


@pytest.mark.parametrize("truth", [[[1, 1]], [[1, 2]], [[3]]])
def test_equal_partitions_are_perfect_however_trivial(truth):
    figures = score_labels(truth, truth)
    assert (figures["arand_f"], figures["ari"], figures["voi"], figures["arand_error_cremi"]) == (1, 1, 0, 0)


@given(st.integers(2, 400), st.integers(0, 2**32 - 1))
def test_table_counts_every_pixel_once(kinds, seed):
    random = np.random.default_rng(seed)
    prediction, truth = random.integers(0, kinds, (2, 90, 80)).astype(np.int32)
    table = tabulate(prediction, truth)
    dense = np.zeros((kinds, kinds), int)
    np.add.at(dense, (prediction, truth), 1)
    assert np.array_equal(dense[table.segment, table.region], table.pixels)
    assert table.total == 7200
    assert len(table.pixels) == np.count_nonzero(dense)


def test_as_labels_keeps_zero_and_order_of_nothing_else():
    found = as_labels([[5, 0, -3], [2**40, 5, 0]], "prediction")
    assert found.dtype == np.int32
    assert (found == 0).tolist() == [[False, True, False], [False, False, True]]
    assert len(np.unique(found)) == 4
