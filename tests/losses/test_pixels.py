"""Losses of pixels and of skeletons: values by hand, and by other libraries."""

import numpy as np
import pytest
import torch
from hypothesis import given
from scipy import ndimage
from skimage.morphology import skeletonize
from sklearn.metrics import f1_score, log_loss

from tests.strategies import distinct_images, images
from topobench.errors import ArgumentError
from topobench.losses import CrossEntropyLoss, DiceLoss, SoftClDiceLoss
from topobench.losses.cldice import soft_skeleton


def of(loss, likelihood, truth):
    """The loss of one likelihood (H, W)."""
    logits = torch.logit(torch.tensor(np.asarray(likelihood), dtype=torch.float64), eps=1e-12)
    return loss(logits[None, None], torch.tensor(np.asarray(truth), dtype=torch.float64)[None, None]).item()


def test_cross_entropy_by_hand():
    assert of(CrossEntropyLoss(), [[0.8, 0.25]], [[1, 0]]) == pytest.approx(-(np.log(0.8) + np.log(0.75)) / 2)


@given(distinct_images())
def test_cross_entropy_is_scikit_learns(image):
    truth = image > 0.4
    expected = log_loss(truth.ravel(), image.ravel(), labels=[False, True])
    assert of(CrossEntropyLoss(), image, truth) == pytest.approx(expected)


def test_dice_by_hand():
    # 2 x 0.8 + 1 over 0.8 + 0.25 + 1 + 1
    assert of(DiceLoss(), [[0.8, 0.25]], [[1, 0]]) == pytest.approx(1 - 2.6 / 3.05)
    assert of(DiceLoss(smooth=0.5), [[0.8, 0.25]], [[1, 0]]) == pytest.approx(1 - 2.1 / 2.55)


@given(images())
def test_dice_of_masks_is_the_f1_score(image):
    prediction, truth = image > 0.3, image > 0.6
    expected = 1 - f1_score(truth.ravel(), prediction.ravel(), zero_division=1.0)
    assert of(DiceLoss(smooth=1e-5), prediction, truth) == pytest.approx(expected, abs=1e-4)


def test_dice_of_empty_masks():
    nothing = np.zeros((3, 4))
    assert of(DiceLoss(), nothing, nothing) == pytest.approx(0, abs=1e-9)
    assert of(DiceLoss(), nothing + 1, nothing) == pytest.approx(1 - 1 / 13)


def plain_skeleton(image, iterations):
    """Algorithm 1 of the paper with SciPy's filters; what lies outside the image never wins."""
    cross = ndimage.generate_binary_structure(2, 1)

    def erode(part):
        return ndimage.minimum_filter(part, footprint=cross, mode="constant", cval=np.inf)

    def opened(part):
        return ndimage.maximum_filter(erode(part), size=3, mode="constant", cval=-np.inf)

    skeleton = np.maximum(image - opened(image), 0)
    for _ in range(iterations):
        image = erode(image)
        skeleton = skeleton + (1 - skeleton) * np.maximum(image - opened(image), 0)
    return skeleton


@given(distinct_images())
def test_soft_skeleton_is_algorithm_1(image):
    found = soft_skeleton(torch.from_numpy(image)[None], 3)[0].numpy()
    assert found == pytest.approx(plain_skeleton(image, 3), abs=1e-12)
    assert ((found >= 0) & (found <= 1)).all()


@given(distinct_images())
def test_soft_cldice_is_algorithm_2(image):
    truth = image > 0.5
    skeletons = plain_skeleton(image, 2), plain_skeleton(truth.astype(float), 2)
    precision = ((skeletons[0] * truth).sum() + 1) / (skeletons[0].sum() + 1)
    sensitivity = ((skeletons[1] * image).sum() + 1) / (skeletons[1].sum() + 1)
    expected = 1 - 2 * precision * sensitivity / (precision + sensitivity)
    assert of(SoftClDiceLoss(iterations=2), image, truth) == pytest.approx(expected, abs=1e-9)


def test_soft_cldice_by_hand():
    # a line of three pixels is its own skeleton; the prediction has two of them: precision (2 + 1) / (2 + 1),
    # sensitivity (2 + 1) / (3 + 1)
    truth = np.zeros((5, 7))
    truth[2, 2:5] = 1
    prediction = truth.copy()
    prediction[2, 4] = 0
    assert of(SoftClDiceLoss(), prediction, truth) == pytest.approx(1 - 2 * 1 * 0.75 / 1.75, abs=1e-9)


def test_soft_skeleton_of_a_thin_line_is_the_skeleton():
    mask = np.zeros((12, 15), bool)
    mask[5, 1:13] = True
    found = soft_skeleton(torch.from_numpy(mask.astype(float))[None], 3)[0].numpy()
    assert np.array_equal(found > 0.5, skeletonize(mask))


def test_soft_skeleton_has_gaps_around_a_crossing():
    """Known: the crossing survives the first erosion, and its dilation takes the eight pixels around it away."""
    mask = np.zeros((9, 9))
    mask[4] = mask[:, 4] = 1
    found = soft_skeleton(torch.from_numpy(mask)[None], 3)[0].numpy()
    assert found[4].tolist() == [1, 1, 1, 0, 1, 0, 1, 1, 1]


def test_few_iterations_leave_thick_structure_without_skeleton():
    block = torch.zeros(1, 21, 21)
    block[:, 3:18, 3:18] = 1
    assert soft_skeleton(block, 3).sum() == soft_skeleton(block, 4).sum() < soft_skeleton(block, 8).sum()


@pytest.mark.parametrize("make", [DiceLoss, SoftClDiceLoss])
@pytest.mark.parametrize("smooth", [0, -1.0, float("nan"), float("inf")])
def test_smooth_must_be_above_zero(make, smooth):
    with pytest.raises(ArgumentError, match=r"smooth is .*above 0"):
        make(smooth=smooth)


@pytest.mark.parametrize("iterations", [0, 2.5, "3"])
def test_iterations_must_be_a_number_of_times(iterations):
    with pytest.raises(ArgumentError, match="iterations is"):
        SoftClDiceLoss(iterations=iterations)


def test_options_are_shown():
    assert repr(SoftClDiceLoss(7)) == "SoftClDiceLoss(iterations=7, smooth=1.0)"
    assert repr(DiceLoss()) == "DiceLoss(smooth=1.0)"
