"""cbDice: values and gradients by hand, the formula in plain loops with SciPy's distances, and what it leaves alone."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from scipy import ndimage
from skimage import measure

from benchmarks.inputs import likelihoods, truths
from tests.strategies import distinct_images, images, masks
from topobench import load_loss
from topobench.errors import ArgumentError
from topobench.losses import CenterlineBoundaryDiceLoss
from topobench.losses.cbdice import centrelines
from topobench.losses.subject import Subject
from topobench.losses.toys import TOYS, toys
from topobench.topology import thin


def of(likelihood, truth, **options):
    """The loss of one likelihood (H, W), and its gradient with respect to it."""
    loss = CenterlineBoundaryDiceLoss(**{"smooth": 1.0, **options})
    return Subject(loss).slope(np.array(likelihood, float), np.array(truth, bool))


def harmonic(precision, sensitivity):
    return 1 - 2 * precision * sensitivity / (precision + sensitivity)


def test_lines_of_one_pixel_by_hand():
    """In an image of one row all distances, volumes, radii and weights are 1, and a mask is its own centreline."""
    likelihood, truth = [[0.9, 0.6, 0.2, 0.8, 0.1]], [[1, 0, 1, 1, 0]]
    # precision: 0.9 + 0.8 lie in the truth; 0.6 does not, and its radius counts for another 0.6
    # sensitivity: 0.9 + 0.8 are there, of these and one that is missed
    precision, sensitivity = (1.7 + 1) / (1.7 + 0.36 + 1), (1.7 + 1) / (1.7 + 1 + 1)
    value, gradient = of(likelihood, truth)
    assert value == pytest.approx(harmonic(precision, sensitivity))
    # of the false pixel: dL/dp = -2 s^2 / (a + s)^2 da/dp, and da/dp = -2.7 / 3.06^2 2 x 0.6
    steep = 2 * sensitivity**2 / (precision + sensitivity) ** 2 * 2.7 / 3.06**2 * 1.2
    assert gradient[0, 1] == pytest.approx(steep)
    assert (gradient[0, [0, 3]] < 0).all()
    assert (gradient[0, [2, 4]] == 0).all()  # below 1/2 nothing is moved, be it missed or right
    half, _ = of(likelihood, truth, smooth=0.5)
    assert half == pytest.approx(harmonic(2.2 / 2.56, 2.2 / 3.2))


def wide_line():
    """A bar of 3 x 7: its centreline has the inner five pixels of the middle row, each 2 from the background."""
    truth = np.zeros((5, 9), bool)
    truth[1:4, 1:8] = True
    return truth


def test_a_thin_line_within_a_wide_one_by_hand():
    likelihood = np.full((5, 9), 0.1)
    likelihood[2, 1:8] = 0.8  # a line of seven pixels, each 1 from the background
    # precision: seven weights of 0.8 at truth volumes of five times 1, twice 1/2; beyond the truth's centreline the
    # radius is the prediction's own, 0.8. Sensitivity: five pixels, whose volume and radius are both 0.8
    precision, sensitivity = (0.8 * 6 + 1) / (0.8 * (5 + 2 * 0.8) + 1), (5 * 0.8 + 1) / (5 * 0.8 + 1)
    value, gradient = of(likelihood, wide_line())
    assert value == pytest.approx(harmonic(precision, sensitivity))
    assert not gradient[likelihood < 0.5].any()


def test_a_pixel_of_a_thin_line_counts_like_one_of_a_wide_line():
    """A wide line of five centreline pixels of radius 1, and a thin one of seven of radius 1/2 and weight 2."""
    truth = np.zeros((7, 9), bool)
    truth[:5] = wide_line()
    truth[6, 1:8] = True
    wide = np.where(truth & (np.arange(7) < 5)[:, None], 0.9, 0.1)
    assert of(wide, truth)[0] == pytest.approx(harmonic(1, (5 * 0.9 + 1) / (5 * 0.9 + 7 * 2 * 0.5 + 1)))
    # the thin line alone is all that is wide in the prediction: its weight and radius are 1 there; in the truth its
    # volume is 1/2, and so is the radius. The wide line's centreline is missed
    thin_line = np.where(truth & (np.arange(7) > 5)[:, None], 0.9, 0.1)
    precision = (7 * 0.9 * 0.5 + 1) / (7 * 0.9 * 0.5 + 1)
    sensitivity = (7 * 2 * 0.9 + 1) / (7 * 2 * 0.9 + 5 + 1)
    assert of(thin_line, truth)[0] == pytest.approx(harmonic(precision, sensitivity))


def test_it_may_be_below_zero():
    """A false share: where a centreline lies in the truth but beside its centreline, a doubtful pixel gains."""
    likelihood, truth = [[0.1, 0.6, 0.6, 0.6], [0.1, 0.5, 0.8, 0.1]], [[0, 0, 1, 1], [0, 1, 1, 0]]
    distances, skeletons = centrelines(np.array([np.array(likelihood) >= 0.5, truth], bool))
    assert {*distances.ravel()} == {0, 1}
    assert skeletons.astype(int).tolist() == [[[0, 0, 0, 0], [0, 1, 1, 0]], [[0, 0, 0, 0], [0, 0, 1, 0]]]
    assert of(likelihood, truth)[0] == pytest.approx(harmonic((0.5 + 0.8 + 1) / (0.5**2 + 0.8 + 1), 1))
    assert of(likelihood, truth)[0] < -0.05


def plain_measures(mask):
    """Volume, radius and weight of one mask, a pixel at a time; the centreline is ours."""
    framed = np.pad(mask, 1)
    distance = ndimage.distance_transform_edt(framed)[1:-1, 1:-1]
    skeleton = thin(framed, mask.size + 1)[1:-1, 1:-1]
    largest = max([1.0, *distance[skeleton]])
    volume, radius, weight = (np.zeros(mask.shape) for _ in range(3))
    for pixel in np.ndindex(mask.shape):
        if mask[pixel]:
            volume[pixel] = min(distance[pixel], largest) / largest
        if skeleton[pixel]:
            radius[pixel], weight[pixel] = distance[pixel] / largest, 1 / (distance[pixel] / largest)
    return volume, radius, weight


def plain_share(own, other, smooth):
    inside = whole = smooth
    for pixel in np.ndindex(own[0].shape):
        inside += own[2][pixel] * other[0][pixel]
        whole += own[2][pixel] * (other[1][pixel] or own[1][pixel])
    return inside / whole


def plain_loss(likelihood, truth, smooth=1.0):
    ours = [part * likelihood for part in plain_measures(likelihood >= 0.5)]
    theirs = plain_measures(truth)
    return harmonic(plain_share(ours, theirs, smooth), plain_share(theirs, ours, smooth))


@given(distinct_images())
def test_the_formula_pixel_by_pixel(image):
    truth = np.roll(image, 1, axis=-1) > 0.4
    value, gradient = of(image, truth, smooth=0.3)
    assert value == pytest.approx(plain_loss(image, truth, 0.3))
    assert value < 1
    assert np.isfinite(gradient).all()
    assert not gradient[image < 0.5].any()


def test_thick_structure_pixel_by_pixel_in_a_batch():
    maps, wanted = likelihoods(3, 150, 4.0), truths(3, 150, 2.5)  # large enough for threads
    assert centrelines(wanted)[0].max() > 4
    single = [plain_loss(image, truth) for image, truth in zip(maps.astype(float), wanted, strict=True)]
    logits, target = torch.logit(torch.from_numpy(maps).double())[:, None], torch.from_numpy(wanted)[:, None]
    assert load_loss("cbdice", smooth=1.0)(logits, target).item() == pytest.approx(np.mean(single))


@given(masks)
def test_centrelines_keep_components_and_holes(mask):
    _, (skeleton,) = centrelines(mask[None])
    assert not (skeleton & ~mask).any()
    assert (measure.label(skeleton, connectivity=2) > 0).sum() == skeleton.sum()
    assert measure.label(skeleton, connectivity=2).max() == measure.label(mask, connectivity=2).max()
    assert measure.euler_number(skeleton, connectivity=2) == measure.euler_number(mask, connectivity=2)


@given(images())
def test_a_thresholded_map_that_is_right_costs_nothing_however_sure(image):
    value, gradient = of(image.clip(0.1, 0.9), image >= 0.5)
    assert value == pytest.approx(0, abs=1e-12)
    assert gradient == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("truth", [np.zeros((6, 7)), np.ones((6, 7)), np.ones((1, 1)), TOYS["merged-cells"].truth])
def test_the_truth_surely_predicted_costs_nothing(truth):
    logits = torch.from_numpy(60.0 * truth - 30)[None, None].float().requires_grad_()
    value = CenterlineBoundaryDiceLoss(1.0)(logits, torch.tensor(np.array(truth, np.float32))[None, None])
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-6)
    assert torch.isfinite(logits.grad).all()


def test_an_empty_truth_by_hand():
    # three weights and radii of 1, times p and p: precision 1 / (0.81 + 0.64 + 0.25 + 1), sensitivity 1
    value, gradient = of([[0.9, 0.8, 0.5, 0.1]], [[0, 0, 0, 0]])
    assert value == pytest.approx(harmonic(1 / (0.81 + 0.64 + 0.25 + 1), 1))
    assert (gradient[0, :3] > 0).all()


def test_background_lies_beyond_the_image():
    """Structure everywhere has the centreline of a block amid background, and its distances."""
    block = np.zeros((7, 11), bool)
    block[1:-1, 1:-1] = True
    whole, inner = centrelines(np.ones((1, 5, 9), bool)), centrelines(block[None])
    for one, other in zip(whole, inner, strict=True):
        assert np.array_equal(one[0], other[0, 1:-1, 1:-1])
    assert whole[0].max() == 3
    assert 0 < whole[1].sum() < 9


def test_what_is_missed_has_no_gradient_as_published():
    """A gap in a line is a truth centreline pixel below 1/2: the volume is 0 there, and no step fills it."""
    for toy in toys():
        _, gradient = of(toy.likelihood, toy.truth)
        assert not any(gradient[pixel] for pixel in toy.up), toy.name
    value, gradient = of(np.full((13, 13), 0.4), TOYS["gap"].truth)
    assert value > 0.8
    assert not gradient.any()
    assert not CenterlineBoundaryDiceLoss.trains_alone


@given(distinct_images())
def test_background_beside_a_centreline_has_no_gradient(image):
    """Structure that lies on no centreline counts only as volume of the other: raise it where it is right."""
    truth = np.roll(image, 1, axis=0) > 0.6
    _, (ours, theirs) = centrelines(np.stack((image >= 0.5, truth)))
    assume((~ours & ~theirs).any())
    _, gradient = of(image, truth)
    assert not gradient[~ours & ~theirs].any()
    assert (gradient[ours & ~truth] > 0).all()


@pytest.mark.parametrize("smooth", [0, -1.0, float("nan"), float("inf")])
def test_smooth_must_be_above_zero(smooth):
    with pytest.raises(ArgumentError, match=r"smooth is .*above 0"):
        CenterlineBoundaryDiceLoss(smooth=smooth)


def test_options_are_shown():
    assert repr(load_loss("cbdice")) == "CenterlineBoundaryDiceLoss(smooth=0.001)"
