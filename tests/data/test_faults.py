"""Faults that are known: each changes the Betti numbers as it should, by labelling, and lies where it may."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from tests.metrics.cases import lines
from tests.oracles import betti_by_labelling
from tests.strategies import connectivities, masks
from topobench import load_dataset
from topobench.data.fault_places import Canvas, bars
from topobench.data.faults import FAMILIES, bridges, false_holes, gaps, islands, make_fault, shifted
from topobench.errors import ArgumentError, UnknownNameError
from topobench.topology import thicken, thin

ALLOWED = {
    "gaps": {(1, 0), (0, -1)}, "bridges": {(-1, 0), (0, 1)}, "islands": {(1, 0)}, "false-holes": {(0, 1)},
}  # fmt: skip
EVERY = np.ones((3, 3), bool)
choices = pytest.mark.parametrize(("connectivity", "frame"), [(8, False), (8, True), (4, False), (4, True)])
coarse_masks = st.tuples(masks, st.integers(1, 6)).map(lambda drawn: np.kron(drawn[0], np.ones(drawn[1:] * 2, bool)))


def membranes():
    dataset = load_dataset("synthetic-membranes")
    return dataset[dataset.image_ids[0]].truth


def change(mask, truth, connectivity, frame):
    """b0 and b1 of a mask less those of the truth, by labelling."""
    after, before = (betti_by_labelling(image, connectivity, frame) for image in (mask, truth))
    return after[0] - before[0], after[1] - before[1]


def room_for(truth, kind, **options):
    """How many faults there is room for, as the error for too many says."""
    with pytest.raises(ArgumentError) as refused:
        make_fault(truth, kind, 10**6, **options)
    return int(re.search(r"room for (\d+) ", str(refused.value))[1])


def singles(fault, truth):
    """The faults one by one: the boxes of what changed, and the truth with one fault alone."""
    labels, _ = ndimage.label(fault.mask ^ truth, EVERY)
    boxes = ndimage.find_objects(labels)
    return boxes, [truth ^ (labels == number) for number in range(1, len(boxes) + 1)]


def assert_right(fault, truth, count, connectivity, frame, apart):
    """Each fault, and their sum, is as the definition says."""
    boxes, alone = singles(fault, truth)
    assert len(boxes) == len(fault.places) == count
    changes = [change(mask, truth, connectivity, frame) for mask in alone]
    assert set(changes) <= ALLOWED[fault.kind]
    found = change(fault.mask, truth, connectivity, frame)
    assert found == fault.betti_change
    assert found[0] - found[1] == count * {"gaps": 1, "bridges": -1, "islands": 1, "false-holes": -1}[fault.kind]
    between = [
        max(max(a.start, b.start) - min(a.stop, b.stop) for a, b in zip(one, other, strict=True))
        for k, one in enumerate(boxes)
        for other in boxes[:k]
    ]
    assert min(between, default=apart) >= apart
    taken_away = fault.kind in ("gaps", "false-holes")
    assert not (fault.mask & ~truth if taken_away else truth & ~fault.mask).any()
    inside = [any(box[0].start <= y < box[0].stop and box[1].start <= x < box[1].stop for box in boxes)
              for y, x in fault.places]  # fmt: skip
    assert all(inside)


@choices
@pytest.mark.parametrize("kind", ALLOWED)
def test_every_fault_is_what_it_is_called_on_membranes(kind, connectivity, frame):
    truth = membranes()
    for count in (1, 5, 20):
        fault = make_fault(truth, kind, count, 3, connectivity, frame)
        assert_right(fault, truth, count, connectivity, frame, 8)
        assert fault.mask.dtype == np.bool_
        assert 0 < np.count_nonzero(fault.mask ^ truth) < 100 * count


@pytest.mark.parametrize("kind", ALLOWED)
def test_every_fault_is_what_it_is_called_on_a_real_section(kind, real_data):
    dataset = load_dataset("isbi2012", real_data)
    truth = dataset[dataset.image_ids[7]].truth
    assert_right(make_fault(truth, kind, 60, 1), truth, 60, 8, False, 8)


@given(
    st.sampled_from(sorted(ALLOWED)), coarse_masks, connectivities, st.booleans(), st.integers(1, 3), st.integers(0, 9)
)
def test_whatever_the_truth_the_count_is_right_or_the_room_is_said(kind, truth, connectivity, frame, apart, seed):
    options = {"connectivity": connectivity, "frame": frame, "apart": apart, "seed": seed}
    count = room_for(truth, kind, **options)
    assert_right(make_fault(truth, kind, count, **options), truth, count, connectivity, frame, apart)


def test_faults_that_wind_around_each_other_are_not_apart():
    """It is the boxes that lie apart: hypothesis found two slanting cuts at one corner of this ring."""
    truth = np.kron(np.array([[1, 1, 1, 1, 1], [1, 1, 0, 1, 1], [1, 1, 1, 1, 1]], bool), np.ones((2, 2), bool))
    room = room_for(truth, "gaps", apart=1, connectivity=4)
    assert_right(gaps(truth, room, apart=1, connectivity=4), truth, room, 4, False, 1)


@given(coarse_masks, connectivities, st.booleans(), st.booleans(), st.integers(0, 9))
def test_islands_and_holes_are_the_same_under_any_connectivity_and_frame(truth, one, first, second, seed):
    for family, other in ((islands, 12 - one), (false_holes, one)):
        try:
            fault = family(truth, 1, connectivity=one, frame=first, seed=seed)
        except ArgumentError:
            continue
        assert change(fault.mask, truth, other, second) == fault.betti_change


def test_islands_touch_nothing_and_holes_are_closed():
    truth = membranes()
    for margin in (1, 3):
        boxes, _ = singles(islands(truth, 9, size=4, margin=margin), truth)
        holes, _ = singles(false_holes(thicken(truth, 4), 9, size=2, margin=margin), thicken(truth, 4))
        for found, side, ground in ((boxes, 4, ~truth), (holes, 2, thicken(truth, 4))):
            for rows, columns in found:
                assert (rows.stop - rows.start, columns.stop - columns.start) == (side, side)
                assert rows.start >= margin and columns.start >= margin
                around = ground[
                    rows.start - margin : rows.stop + margin, columns.start - margin : columns.stop + margin
                ]
                assert around.all() and around.shape == (side + 2 * margin,) * 2


@pytest.mark.parametrize("length", [1, 2, 3, 5])
@pytest.mark.parametrize("width", [1, 3, 5])
def test_a_gap_is_as_long_as_asked_for_and_as_wide_as_the_line(length, width):
    truth = lines(90, width)
    fault = gaps(truth, 4, length=length, frame=True)
    boxes, _ = singles(fault, truth)
    sizes = {tuple(sorted((rows.stop - rows.start, columns.stop - columns.start))) for rows, columns in boxes}
    assert sizes == {tuple(sorted((length, width)))}
    assert fault.betti_change[0] - fault.betti_change[1] == 4


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_a_bridge_is_as_wide_as_asked_for_and_no_longer_than_its_reach(width):
    truth = lines(90)  # of lines 24 apart
    fault = bridges(truth, 3, width=width, reach=23)
    boxes, _ = singles(fault, truth)
    assert {tuple(sorted((rows.stop - rows.start, columns.stop - columns.start))) for rows, columns in boxes} == {
        (width, 23)
    }
    with pytest.raises(ArgumentError, match="room for 0 bridges of the 1 wanted, 8 pixels apart; take other sizes"):
        bridges(truth, 1, width=width, reach=10)


@pytest.mark.parametrize("slope", [0.0, 0.3, 0.5, 0.8, 1.0, 2.0])
@choices
def test_a_slanting_strand_is_cut_too(slope, connectivity, frame):
    rows, columns = np.indices((60, 60))
    truth = np.abs((rows - 30) - slope * (columns - 30)) <= 2 * np.hypot(1, slope)
    assert_right(gaps(truth, 2, connectivity=connectivity, frame=frame), truth, 2, connectivity, frame, 8)


@pytest.mark.parametrize("seed", range(10))
def test_gaps_cut_off_no_crumbs(seed):
    """What is left on either side of a cut of 3x2 pixels has 6 at least, also near free ends."""
    truth = np.pad(np.ones((3, 9), bool), 5)
    pieces, count = ndimage.label(gaps(truth, 1, seed=seed).mask)
    assert count == 2
    assert np.bincount(pieces.ravel())[1:].min() >= 6


def test_bridges_end_where_structure_begins():
    """Also at a dot, which is narrower than the bar; a bar that slants may have a corner one pixel farther."""
    truth = np.zeros((40, 40), bool)
    truth[5, 20], truth[20], truth[33, 12] = True, True, True
    proposed = bars(Canvas(truth, 8, False), 3, 24)
    found = [proposed.pixels(index) for index in range(len(proposed))]
    rows = [pixels[0] for pixels in found if pixels is not None]
    assert len(rows) > 10
    for column in rows:
        assert (column.min() >= 4 and column.max() < 20) or (column.min() > 20 and column.max() <= 34)


def test_a_canvas_refuses_what_changes_the_numbers_otherwise():
    """An island raises b0 - b1 by one as a gap does, but it is not what was asked for."""
    canvas = Canvas(np.zeros((9, 9), bool), 8, False)
    dot = np.array([4]), np.array([4])
    assert not canvas.flip(dot, {(0, -1)}, 1)
    assert not canvas.flip(dot, {(0, 1), (-1, 0)}, 1)
    assert not canvas.image.any()
    assert canvas.betti == (0, 0)
    assert canvas.flip(dot, {(1, 0)}, 1)
    assert canvas.betti == (1, 0)
    assert not canvas.flip((np.array([4]), np.array([5])), {(1, 0), (0, 0)}, 1)  # too near


@pytest.mark.parametrize("kind", ALLOWED)
def test_places_follow_from_the_seed_and_stay_as_more_are_asked_for(kind):
    truth = membranes()
    given_truth = truth.copy()
    first, again, other = (make_fault(truth, kind, 6, seed) for seed in (4, 4, 5))
    assert np.array_equal(first.mask, again.mask)
    assert np.array_equal(first.places, again.places)
    assert not np.array_equal(first.places, other.places)
    more = make_fault(truth, kind, 9, 4)
    assert np.array_equal(more.places[:6], first.places)
    assert not (first.mask ^ truth)[more.mask == truth].any()
    assert np.array_equal(truth, given_truth)


@pytest.mark.parametrize("kind", FAMILIES)
def test_none_is_the_truth(kind):
    fault = make_fault(membranes(), kind, 0)
    assert np.array_equal(fault.mask, membranes())
    assert fault.betti_change == (0, 0)
    assert fault.places.shape == (0, 2)
    assert fault.kind == kind


@choices
def test_moved_borders(connectivity, frame):
    truth = membranes()
    for kind, by_hand in (("thinned", thin), ("thickened", thicken)):
        for pixels in (1, 3):
            fault = make_fault(truth, kind, pixels, 0, connectivity, frame)
            assert np.array_equal(fault.mask, by_hand(truth, pixels, connectivity))
            assert change(fault.mask, truth, connectivity, frame) == fault.betti_change == (0, 0)
    fault = make_fault(truth, "shifted", 5, 0, connectivity, frame)
    assert change(fault.mask, truth, connectivity, frame) == fault.betti_change


def test_a_shift_repeats_the_edge():
    truth = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 1]], bool)
    assert shifted(truth, (0, 1)).mask.astype(int).tolist() == [[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert shifted(truth, (-1, 0)).mask.astype(int).tolist() == [[0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]]
    assert shifted(truth, (99, -99)).mask.all()
    assert np.array_equal(make_fault(truth, "shifted", 1).mask, shifted(truth, (1, 1)).mask)
    big = membranes()
    assert np.array_equal(shifted(big, (3, -2)).mask[3:, :-2], big[:-3, 2:])


def test_where_there_is_nothing_there_is_no_room():
    for truth in (np.zeros((20, 20), bool), np.ones((20, 20), bool), np.ones((1, 1), bool), np.zeros((1, 9), bool)):
        for kind in ("gaps", "bridges"):
            with pytest.raises(ArgumentError, match="room for 0"):
                make_fault(truth, kind, 1)


def test_the_room_is_a_sentence():
    truth = lines(90, 3)
    room = room_for(truth, "false-holes", apart=30)
    with pytest.raises(ArgumentError) as refused:
        false_holes(truth, 1000, apart=30)
    assert str(refused.value) == (
        f"the truth has room for {room} false holes of the 1000 wanted, 30 pixels apart; "
        f"ask for at most {room}, or give a larger truth."
    )


def test_wrong_arguments():
    truth = lines()
    with pytest.raises(UnknownNameError, match=r"no fault is named 'gap' \(did you mean 'gaps'\?\)\. Known: bridges, "):
        make_fault(truth, "gap", 1)
    with pytest.raises(
        ArgumentError, match=r"'gaps' has no option 'lenght' \(did you mean 'length'\?\); it takes length"
    ):
        make_fault(truth, "gaps", 1, lenght=3)
    with pytest.raises(ArgumentError, match=r"'thinned' has no option 'size'; it takes none\."):
        make_fault(truth, "thinned", 1, size=3)
    for kind in ALLOWED:
        with pytest.raises(ArgumentError, match=r"count is -1; it must be a whole number from 0 on\."):
            make_fault(truth, kind, -1)
        with pytest.raises(ArgumentError, match="seed is -1"):
            make_fault(truth, kind, 1, seed=-1)
        with pytest.raises(ArgumentError, match="apart is 0"):
            make_fault(truth, kind, 1, apart=0)
    for kind, names in {"gaps": ["length"], "bridges": ["width", "reach"], "islands": ["size", "margin"],
                        "false-holes": ["size", "margin"]}.items():  # fmt: skip
        for name in names:
            with pytest.raises(ArgumentError, match=f"{name} is 0.5"):
                make_fault(truth, kind, 1, **{name: 0.5})
    for pixels in (1.5, (1,), (1, "x"), True):
        with pytest.raises(ArgumentError, match="two of them"):
            make_fault(truth, "shifted", pixels)
    for kind in ("thinned", "thickened"):
        with pytest.raises(ArgumentError, match="pixels is -1"):
            make_fault(truth, kind, -1)
    for kind in FAMILIES:
        with pytest.raises(ArgumentError, match="connectivity is 6"):
            make_fault(truth, kind, 1, connectivity=6)
        for wrong in (np.full((5, 5), 0.5), np.zeros((2, 5, 5), bool)):
            with pytest.raises(ArgumentError, match="the truth"):
                make_fault(wrong, kind, 1)
