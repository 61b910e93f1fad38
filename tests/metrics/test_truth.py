"""The report on a truth: masks whose numbers are counted by hand, and laws that hold for any."""

import math

import numpy as np
import pytest
from hypothesis import given

from tests.strategies import masks
from topobench.errors import ArgumentError
from topobench.metrics.truth import diagonal_contacts, inspect_truth, isolated_pixels, local_widths, pinholes
from topobench.topology import betti_numbers


def picture(*rows):
    """A mask drawn by its rows, # for structure."""
    return np.array([[letter == "#" for letter in row] for row in rows])


def test_a_diagonal_is_one_component_under_8_and_twenty_under_4():
    report = inspect_truth(np.eye(20, dtype=bool))
    assert (report.b0_8, report.b0_4) == (1, 20)
    assert (report.cells_8, report.cells_4) == (2, 1)  # background of connectivity 8 passes between the pixels
    assert (report.b1_8, report.b1_4) == (0, 0)
    assert (report.closed_by_frame_8, report.closed_by_frame_4) == (2, 1)
    assert report.diagonal_contacts == 19
    assert report.isolated_pixels == 0
    assert (report.border_components_8, report.border_components_4) == (1, 2)
    assert report.border_share == 2 / 76
    assert report.structure_share == 20 / 400


def test_a_ring_a_pinhole_and_a_speck():
    mask = picture(
        "............",
        ".#####..###.",
        ".#...#..#.#.",
        ".#...#..###.",
        ".#####......",
        "..........#.",
        "............",
    )
    report = inspect_truth(mask)
    assert (report.height, report.width, report.valid_pixels) == (7, 12, 84)
    assert (report.b0_8, report.b1_8, report.cells_8) == (3, 2, 3)
    assert (report.b0_4, report.b1_4, report.cells_4) == (3, 2, 3)
    assert (report.isolated_pixels, report.pinholes, report.diagonal_contacts) == (1, 1, 0)
    assert (report.closed_by_frame_8, report.border_components_8, report.border_share) == (1, 0, 0)
    assert np.argwhere(isolated_pixels(mask)).tolist() == [[5, 10]]
    assert np.argwhere(pinholes(mask)).tolist() == [[2, 9]]


def test_a_hole_closed_by_corners_alone_is_a_pinhole_under_8_only():
    mask = picture(".....", "..#..", ".#.#.", "..#..", ".....")
    report = inspect_truth(mask)
    assert (report.b0_8, report.b1_8, report.b0_4, report.b1_4) == (1, 1, 4, 0)
    assert (report.isolated_pixels, report.pinholes, report.diagonal_contacts) == (0, 1, 4)
    assert np.argwhere(diagonal_contacts(mask)).tolist() == [[1, 1], [1, 2], [2, 1], [2, 2]]


def test_cells_that_the_frame_closes():
    mask = np.zeros((30, 30), bool)
    mask[10], mask[:, 15] = True, True  # a cross: four cells, each cut by the border
    report = inspect_truth(mask)
    assert (report.b1_8, report.cells_8, report.closed_by_frame_8) == (0, 4, 4)
    assert report.border_share == 4 / 116
    mask[0], mask[-1], mask[:, 0], mask[:, -1] = True, True, True, True
    report = inspect_truth(mask)
    assert (report.b1_8, report.cells_8, report.closed_by_frame_8, report.border_share) == (4, 4, 0, 1)


@pytest.mark.parametrize(("drawn", "read"), [(1, 1), (2, 1), (3, 3), (4, 3), (5, 5), (7, 7)])
def test_width_of_a_line_even_ones_read_one_less(drawn, read):
    mask = np.zeros((80, 40), bool)
    mask[:, 20 : 20 + drawn] = True
    for shown in (mask, mask.T):
        report = inspect_truth(shown)
        assert (report.width_p50, report.width_p95, report.width_max) == (read, read, read)


def test_percentiles_are_of_the_centreline():
    mask = np.zeros((100, 100), bool)
    mask[10, :] = True  # 100 pixels of width 1
    mask[49:52, :] = True  # and about as many of width 3
    report = inspect_truth(mask)
    assert (report.width_p5, report.width_p95, report.width_max) == (1, 3, 3)
    assert 190 <= local_widths(mask).size <= 200


def test_what_is_undefined_is_nan():
    empty, full = inspect_truth(np.zeros((4, 6), bool)), inspect_truth(np.ones((4, 6), bool))
    assert (empty.b0_8, empty.cells_8, empty.b1_8, empty.structure_share) == (0, 1, 0, 0)
    assert (full.b0_8, full.cells_8, full.b1_8, full.structure_share) == (1, 0, 0, 1)
    for report in (empty, full):  # no centreline; no background to which a distance would lead
        assert all(math.isnan(value) for value in (report.width_p5, report.width_p50, report.width_max))
    nothing = inspect_truth(np.ones((4, 6), bool), np.zeros((4, 6), bool))
    assert math.isnan(nothing.structure_share)
    assert math.isnan(nothing.border_share)
    assert (nothing.valid_pixels, nothing.b0_8, nothing.cells_8) == (0, 0, 0)


def test_pixels_that_are_not_valid_are_neither_structure_nor_background():
    mask = picture("#######", "#..#..#", "#..#..#", "#######")
    valid = np.ones_like(mask)
    assert inspect_truth(mask, valid) == inspect_truth(mask)
    valid[1, 4] = False  # a corner of the right cell is unknown: it may be open
    report = inspect_truth(mask, valid)
    assert (report.b1_8, report.cells_8, report.closed_by_frame_8) == (1, 2, 1)
    assert report.valid_pixels == 27
    valid[1:3, 4:6] = False  # all of the right cell is unknown: no cell, no hole, though structure runs around it
    report = inspect_truth(mask, valid)
    assert (report.b0_8, report.b1_8, report.cells_8) == (1, 1, 1)
    valid[1:3, 1:3] = False
    assert inspect_truth(mask, valid).cells_8 == 0
    assert math.isnan(inspect_truth(mask, valid).width_max)  # no background is known


def test_an_unknown_pixel_hides_specks_and_contacts_and_sets_no_width():
    mask = picture("......", "..#...", "...#..", "......", "#.....", "......")
    valid = np.ones_like(mask)
    valid[1, 3] = False
    assert (inspect_truth(mask).diagonal_contacts, inspect_truth(mask, valid).diagonal_contacts) == (1, 0)
    valid[4, 0] = False
    assert (inspect_truth(mask).isolated_pixels, inspect_truth(mask, valid).isolated_pixels) == (1, 0)
    closed, around = picture("###", "#.#", "###"), np.ones((3, 3), bool)
    around[1, 1] = False
    assert (inspect_truth(closed).pinholes, inspect_truth(closed, around).pinholes) == (1, 0)
    band = np.zeros((60, 60), bool)
    band[:, 20:25] = True
    beside = np.ones_like(band)
    beside[:, 25:] = False  # the right side of the band is unknown; the left still tells how far its middle is
    assert inspect_truth(band, beside).width_p50 == 5


@given(masks)
def test_counts_agree_with_betti_numbers(mask):
    report = inspect_truth(mask)
    for kind in (4, 8):
        b0, b1 = betti_numbers(mask, kind)
        assert (getattr(report, f"b0_{kind}"), getattr(report, f"b1_{kind}")) == (b0, b1)
        assert getattr(report, f"cells_{kind}") == betti_numbers(mask, kind, frame=True)[1]
        assert getattr(report, f"border_components_{kind}") <= b0
        assert getattr(report, f"closed_by_frame_{kind}") >= 0
    # joining b0_4 components or parting cells takes a contact each
    assert 0 <= report.b0_4 - report.b0_8 <= report.diagonal_contacts
    assert 0 <= report.cells_8 - report.cells_4 <= report.diagonal_contacts


@given(masks)
def test_the_image_ends_where_it_is_not_valid(mask):
    """A margin of pixels that are not valid, whatever they hold, changes nothing but the size."""
    for inside in (False, True):
        wide, valid = np.pad(mask, 2, constant_values=inside), np.pad(np.ones_like(mask), 2)
        ours, theirs = vars(inspect_truth(wide, valid)), vars(inspect_truth(mask))
        same = [name for name in ours if name not in ("height", "width")]
        assert [ours[name] for name in same] == pytest.approx([theirs[name] for name in same], nan_ok=True)


def test_wrong_input():
    with pytest.raises(ArgumentError, match=r"the truth has shape \(5,\); it must be \(H, W\)"):
        inspect_truth(np.zeros(5, bool))
    with pytest.raises(ArgumentError, match="the truth is uint8 with the values 0, 255"):
        inspect_truth(np.array([[0, 255]], np.uint8))
    with pytest.raises(ArgumentError, match=r"validity mask has shape \(1, 3\), the truth \(1, 2\)"):
        inspect_truth(np.zeros((1, 2)), np.ones((1, 3)))


def test_an_isbi_section(real_data):
    """Counts of section 26, checked with scipy's labelling, which is another code than ours."""
    import tifffile
    from scipy import ndimage

    truth = tifffile.imread(real_data / "isbi2012" / "train-labels.tif")[26] == 0
    report = inspect_truth(truth)
    assert report.b0_8 == ndimage.label(truth, np.ones((3, 3)))[1] == 9
    assert report.b0_4 == ndimage.label(truth)[1] == 12
    assert report.cells_8 == ndimage.label(~truth)[1]
    assert report.cells_4 == ndimage.label(~truth, np.ones((3, 3)))[1]
    assert 3 <= report.width_p50 <= 7
