"""Losses on predictions with so many known faults: each fault is seen once, in place, and a moved border not at all."""

import numpy as np
import pytest
from scipy import ndimage

from topobench import load_dataset
from topobench.data.faults import make_fault
from topobench.losses import BettiMatchingLoss, HomotopyWarpingLoss, MalisLoss, TopographLoss
from topobench.losses.subject import Subject
from topobench.topology import critical_regions

CHANGES = ["gaps", "bridges", "islands", "false-holes"]
EVERY = np.ones((3, 3), bool)


@pytest.fixture(scope="module", params=["synthetic-membranes", "isbi2012"])
def truth(request):
    if request.param == "isbi2012":
        folder = request.getfixturevalue("real_data")
        dataset = load_dataset(request.param, data_dir=folder)
    else:
        dataset = load_dataset(request.param)
    return dataset[dataset.image_ids[0]].truth


def seen(loss, mask, truth):
    """The loss of a likelihood of 0.9 and 0.1, and the connected places that have a gradient."""
    value, gradient = Subject(loss).slope(np.where(mask, 0.9, 0.1), truth)
    return value, ndimage.label(gradient, EVERY)


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("kind", CHANGES)
def test_each_fault_is_one_critical_region(truth, kind, frame):
    mask = make_fault(truth, kind, 6, frame=frame).mask
    regions = critical_regions(mask, truth, frame=frame)
    assert regions.max() == 6
    assert np.array_equal(regions > 0, mask != truth)
    value, (_, places) = seen(TopographLoss(frame=frame), mask, truth)
    assert value == pytest.approx(6 * 0.9)  # whatever the size of each
    assert places == 6


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("kind", CHANGES)
def test_each_fault_has_pixels_that_cannot_be_warped_away(truth, kind, frame):
    mask = make_fault(truth, kind, 6, frame=frame).mask
    value, (labels, _) = seen(HomotopyWarpingLoss(frame=frame), mask, truth)
    faults, count = ndimage.label(mask != truth, EVERY)
    assert count == 6
    assert {*np.unique(faults[labels > 0]).tolist()} == {*range(1, 7)}
    assert value == pytest.approx(-np.log(0.1) * np.count_nonzero(labels) / truth.size)


@pytest.mark.parametrize("kind", ["thinned", "thickened"])
def test_a_border_that_moved_costs_nothing(truth, kind):
    mask = make_fault(truth, kind, 1).mask
    assert (mask != truth).mean() > 0.02
    for loss in (TopographLoss(), TopographLoss(frame=True), HomotopyWarpingLoss(), HomotopyWarpingLoss(frame=True)):
        assert seen(loss, mask, truth)[0] == 0
    assert seen(BettiMatchingLoss(), mask, truth)[0] == pytest.approx(seen(BettiMatchingLoss(), truth, truth)[0])


@pytest.mark.parametrize("kind", ["gaps", "bridges"])
def test_malis_sees_each_gap_and_bridge_between_regions(truth, kind):
    """Those that change b0 alone lie within a region: no pair of pixels is cut or joined by them."""
    fault = make_fault(truth, kind, 6, frame=True)
    places = abs(fault.betti_change[1])
    assert places > 0
    value, (labels, count) = seen(MalisLoss(), fault.mask, truth)
    assert value > 0
    assert count >= places
    assert (fault.mask != truth)[labels > 0].all()
    assert seen(MalisLoss(), truth, truth)[0] == 0
