"""From label values to structure: borders between ids, by hand, by law and against scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from skimage.segmentation import find_boundaries

from tests.strategies import connectivities, shapes
from topobench.cards import Labels
from topobench.data.labels import id_borders, structure_of, values_of
from topobench.errors import ArgumentError, DataError
from topobench.topology import label_components

id_images = shapes.flatmap(lambda shape: npst.arrays(np.int64, shape, elements=st.integers(0, 4)))


def columns(border):
    return np.flatnonzero(border[1]).tolist()


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("thickness", range(1, 8))
def test_a_straight_border_is_as_thick_as_it_says(thickness, connectivity):
    ids = np.repeat([[5] * 10 + [2**40] * 10], 3, axis=0)
    border = id_borders(ids, thickness, connectivity)
    first = 10 - (thickness + 1) // 2
    assert columns(border) == list(range(first, first + thickness))
    assert np.flatnonzero(id_borders(ids.T, thickness, connectivity)[:, 1]).tolist() == columns(border)


@given(id_images, st.integers(1, 4), connectivities)
def test_no_region_of_the_rest_holds_two_ids(ids, thickness, connectivity):
    border = id_borders(ids, thickness, connectivity)
    regions = label_components(~border, 12 - connectivity)
    for region in range(1, regions.max() + 1):
        assert len(np.unique(ids[regions == region])) == 1


@given(id_images, connectivities)
def test_two_pixels_are_the_thick_boundaries_of_scikit_image(ids, connectivity):
    found = find_boundaries(ids, connectivity=1 if connectivity == 8 else 2, mode="thick")
    assert np.array_equal(id_borders(ids, 2, connectivity), found)


@given(id_images, st.integers(1, 6), connectivities)
def test_thicker_borders_contain_thinner_ones(ids, thickness, connectivity):
    assert not (id_borders(ids, thickness, connectivity) & ~id_borders(ids, thickness + 1, connectivity)).any()


def test_regions_that_meet_at_a_corner():
    """Under 8-connected regions (structure 4) a corner parts them; under 4-connected ones it needs nothing more."""
    ids = np.array([[1, 1, 2], [1, 1, 2], [3, 3, 1]])
    assert id_borders(ids, 1, 8).tolist() == [[False, True, False], [True, True, True], [False, True, False]]
    regions = label_components(~id_borders(ids, 1, 4), 8)
    assert all(len(np.unique(ids[regions == region])) == 1 for region in range(1, regions.max() + 1))


def test_ids_that_are_structure_themselves():
    ids = np.array([[0, 0, 7, 7, 8]])
    rule = Labels(rule="ids", thickness=1, structure=(0,))
    assert structure_of(ids, rule, 8, "here").tolist() == [[True, True, False, True, False]]


def test_a_threshold_and_values():
    labels = np.array([[0, 7, 127, 128, 255]], np.uint8)
    assert structure_of(labels, Labels(rule="threshold", above=127), 8, "").tolist() == [[False] * 3 + [True] * 2]
    rule = Labels(rule="values", structure=(2, 4), background=(1, 3))
    assert structure_of(np.array([[1, 2, 3, 4]]), rule, 8, "").tolist() == [[False, True, False, True]]
    with pytest.raises(DataError, match=r"here has the label values \[0, 5, 6, 7, 8\] and 1 more; the card allows"):
        structure_of(np.array([[0, 5, 6, 7, 8, 9, 1]]), rule, 8, "here")


def test_values_of_every_dtype():
    for dtype in (np.uint8, np.uint16, np.int32, np.uint64):
        assert values_of(np.array([[3, 1], [3, 200]], dtype)) == [1, 3, 200]
    assert values_of(np.array([[True, False]])) == [0, 1]
    assert values_of(np.array([[2**63 + 1]], np.uint64)) == [2**63 + 1]


def test_wrong_thickness():
    with pytest.raises(ArgumentError, match="thickness is 0, connectivity 8; wanted are at least 1, and 8 or 4"):
        id_borders(np.zeros((2, 2), int), 0)
