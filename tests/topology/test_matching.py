"""Betti matching and the map from intersection to union: worked by hand, against gudhi, and by their laws."""

import gudhi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from skimage import measure

from tests.strategies import connectivities, shapes
from topobench.errors import ArgumentError
from topobench.topology import betti_matching, betti_numbers, induced_map, unmatched_classes

two_masks = shapes.flatmap(lambda shape: npst.arrays(np.bool_, (2, *shape)))


def picture(text):
    """A mask drawn with # and ."""
    return np.array([[letter == "#" for letter in line] for line in text.split()])


def error(prediction, truth, connectivity=8, frame=False):
    return betti_matching(prediction, truth, connectivity, frame).error[:, 0].tolist()


BLOB, ELSEWHERE, NOTHING = picture("##.... ##.... ......"), picture("....## ....## ......"), np.zeros((3, 6), bool)
RING, BLOCK = picture("##### #...# ##### ....."), picture("##### ##### ##### .....")

# (prediction, truth): unmatched components and holes, connectivity 4. Where the compiled module `betti_matching` of the
# paper's authors (topolosses 0.2.0, which counts no essential class) was run, its numbers stand third.
WORKED = {
    "equal": (BLOB, BLOB, [0, 0], [0, 0]),
    "an island too many": (BLOB | ELSEWHERE, BLOB, [1, 0], [1, 0]),
    "an island too few": (ELSEWHERE, BLOB | ELSEWHERE, [1, 0], [1, 0]),
    "a ring filled": (BLOCK, RING, [0, 1], [0, 1]),
    "a hole too many": (RING, BLOCK, [0, 1], [0, 1]),
    "rings side by side": (
        picture("####... #..#... ####... ......."), picture("...#### ...#..# ...#### ......."), [0, 2], [0, 2]
    ),
    "one hole cut in two": (picture("##### #.#.# #####"), picture("##### #...# #####"), [0, 1], [0, 1]),
    "two of two elsewhere": (picture("#....# ...... ......"), picture("...... .#..#. ......"), [4, 0], [2, 0]),
    "one of one elsewhere": (BLOB, ELSEWHERE, [2, 0], [0, 0]),
    "nothing predicted": (NOTHING, BLOB, [1, 0], [0, 0]),
    "everything predicted": (~NOTHING, NOTHING, [1, 0], [0, 0]),
    "nothing in both": (NOTHING, NOTHING, [0, 0], [0, 0]),
    "a line broken": (picture("....... ###.### ......."), picture("....... ####### ......."), [1, 0], [1, 0]),
    "shifted by its width": (picture("#### .... ...."), picture(".... #### ...."), [0, 0], [0, 0]),
    "thicker": (picture("##### ##### .....").T, picture("##### ..... .....").T, [0, 0], [0, 0]),
}  # fmt: skip


@pytest.mark.parametrize(("prediction", "truth", "unmatched", "module"), WORKED.values(), ids=WORKED)
def test_worked_by_hand(prediction, truth, unmatched, module):
    assert error(prediction, truth, 4) == unmatched
    assert error(truth, prediction, 4) == unmatched
    # the module leaves out the essential class of each mask: ours may count one more of either
    assert all(theirs <= ours <= theirs + 2 for ours, theirs in zip(unmatched, module, strict=True))


def test_a_diagonal_gap_is_one_in_4_and_none_in_8():
    diagonal = np.eye(20, dtype=bool)
    straight = diagonal | np.roll(diagonal, 1, 1)  # a staircase, connected in 4 too
    straight[-1, 0] = False
    assert error(diagonal, straight, 8) == [0, 0]
    assert error(diagonal, straight, 4) == [19, 0]


def test_the_frame_closes_cells():
    line = picture("..... ##### .....")
    gap = picture("..... ##.## .....")
    assert error(gap, line, frame=False) == [1, 0]
    assert error(gap, line, frame=True) == [0, 1]


def test_which_hole_is_matched_is_the_one_filled_last():
    # the prediction's left hole holds two holes of the union; the lower right one of them is filled last
    prediction = picture("####### #.....# #.....# ####### #.....# #######")
    truth = picture("####### #..#..# #..#..# ####### #..#..# #######")
    found = betti_matching(prediction, truth)
    assert (found.matched.tolist(), found.missed.tolist()) == ([[1], [2]], [[0], [2]])
    missed = unmatched_classes(prediction, truth).missed_holes
    assert set(zip(*np.nonzero(missed), strict=True)) == {(1, 1), (1, 2), (2, 1), (2, 2), (4, 1), (4, 2)}


def test_the_frame_is_matched_before_what_hangs_on_it():
    prediction, truth = np.zeros((9, 9), bool), np.zeros((9, 9), bool)
    prediction[1:-1, 1:-1], truth[:] = True, True  # a block that the truth joins with the ring, and larger than that
    found = unmatched_classes(prediction, truth, frame=True)
    assert np.array_equal(found.false_components > 0, prediction)


def test_of_several_pieces_the_largest_is_matched():
    truth = picture("......... ######### .........")
    prediction = picture("......... ##.###### .........")
    assert np.argwhere(unmatched_classes(prediction, truth).false_components).tolist() == [[1, 0], [1, 1]]


def test_of_equal_pieces_the_first_is_matched():
    found = unmatched_classes(picture("###.###"), picture("#######"))
    assert np.flatnonzero(found.false_components).tolist() == [4, 5, 6]


def by_place(prediction, truth, connectivity, frame):
    """Matched components and holes, written out after the module's docstring with scikit-image's labels."""
    if frame:
        prediction, truth = np.pad(prediction, 1, constant_values=True), np.pad(truth, 1, constant_values=True)
    union = prediction | truth
    own, dual = (2, 1) if connectivity == 8 else (1, 2)
    meeting = measure.label(union, connectivity=own)
    components = len(set(meeting[prediction]) & set(meeting[truth]))
    last = []
    holes = measure.label(np.pad(~union, 1, constant_values=True), connectivity=dual)
    for mask in (prediction, truth):
        regions = measure.label(np.pad(~mask, 1, constant_values=True), connectivity=dual)
        inside = [holes[regions == region] for region in range(1, regions.max() + 1) if region != regions[0, 0]]
        last.append({places[places > 0][-1] for places in inside if places.any()})
    return components, len(last[0] & last[1])


@given(two_masks, connectivities, st.booleans())
def test_counts_by_place(masks, connectivity, frame):
    found = betti_matching(*masks, connectivity, frame)
    assert tuple(found.matched[:, 0]) == by_place(*masks, connectivity, frame)
    for count, mask in zip((found.matched + found.false, found.matched + found.missed), masks, strict=True):
        assert tuple(count[:, 0]) == betti_numbers(mask, connectivity, frame)


@given(two_masks, connectivities, st.booleans())
def test_laws_of_the_matching(masks, connectivity, frame):
    prediction, truth = masks
    ours = betti_matching(prediction, truth, connectivity, frame)
    assert np.array_equal(ours.error, betti_matching(truth, prediction, connectivity, frame).error)
    assert not betti_matching(truth, truth, connectivity, frame).error.any()
    numbers = [np.array(betti_numbers(mask, connectivity, frame)) for mask in masks]
    assert (ours.error[:, 0] >= np.abs(numbers[0] - numbers[1])).all()
    flipped = betti_matching(prediction[::-1], truth[::-1], connectivity, frame)
    assert ours.error[0] == flipped.error[0]  # components do not hang on the order of pixels; holes may


@given(two_masks, connectivities, st.booleans())
def test_unmatched_classes_lie_where_they_are(masks, connectivity, frame):
    prediction, truth = masks
    counts, found = (
        betti_matching(prediction, truth, connectivity, frame),
        unmatched_classes(*masks, connectivity, frame),
    )
    if not frame:  # the ring itself is never without partner, and has no pixel inside
        assert found.false_components.max(initial=0) == counts.false[0, 0]
        assert found.missed_components.max(initial=0) == counts.missed[0, 0]
    assert found.false_holes.max(initial=0) == counts.false[1, 0]
    assert found.missed_holes.max(initial=0) == counts.missed[1, 0]
    for labels, inside in zip(
        (found.false_components, found.missed_components, found.false_holes, found.missed_holes),
        (prediction, truth, ~prediction, ~truth), strict=True,
    ):  # fmt: skip
        assert labels.shape == prediction.shape
        assert inside[labels > 0].all()


def rank_by_gudhi(inner, outer, connectivity):
    """Ranks of H0 and H1 of inner -> outer: the classes of the first of two steps that are there at the second."""
    steps = np.where(inner, 0.0, np.where(outer, 1.0, 2.0))
    key = "vertices" if connectivity == 4 else "top_dimensional_cells"
    pairs = gudhi.CubicalComplex(**{key: steps}).persistence(homology_coeff_field=2, min_persistence=0)
    return [sum(1 for found, (birth, death) in pairs if found == d and birth <= 0 and death > 1) for d in (0, 1)]


@given(two_masks, connectivities)
def test_the_induced_map_has_the_rank_that_gudhi_finds(masks, connectivity):
    found = induced_map(*masks, connectivity)
    both, either = masks[0] & masks[1], masks[0] | masks[1]
    assert found.image[:, 0].tolist() == rank_by_gudhi(both, either, connectivity)
    assert tuple((found.kernel + found.image)[:, 0]) == betti_numbers(both, connectivity)
    assert tuple((found.cokernel + found.image)[:, 0]) == betti_numbers(either, connectivity)


@given(two_masks, connectivities)
def test_no_more_matches_than_the_maps_into_the_union_have_rank(masks, connectivity):
    union = masks[0] | masks[1]
    ranks = [rank_by_gudhi(mask, union, connectivity) for mask in masks]
    assert (betti_matching(*masks, connectivity).matched[:, 0] <= np.minimum(*ranks)).all()


@given(two_masks, connectivities)
def test_a_framed_map_is_that_of_framed_images(masks, connectivity):
    padded = np.pad(masks, ((0, 0), (1, 1), (1, 1)), constant_values=True)
    for function in (betti_matching, induced_map):
        framed, by_hand = function(*masks, connectivity, True), function(*padded, connectivity)
        assert np.array_equal(framed.error, by_hand.error)


def test_diu_of_a_hole_moved_and_of_a_component_moved():
    assert induced_map(BLOB, ELSEWHERE).error.tolist() == [[2], [0]]  # nothing in common, two in the union
    assert induced_map(RING, BLOCK).error.tolist() == [[0], [1]]
    assert induced_map(RING, RING).error.tolist() == [[0], [0]]


def test_batches_and_threads_change_nothing():
    random = np.random.default_rng(0)
    prediction, truth = random.random((2, 40, 64, 65)) < 0.4
    for function in (betti_matching, induced_map):
        one, two = function(prediction, truth, threads=1), function(prediction, truth, threads=2)
        single = [function(*pair).error[:, 0] for pair in zip(prediction, truth, strict=True)]
        assert np.array_equal(one.error, two.error)
        assert np.array_equal(one.error.T, single)


def test_input_is_never_written_and_may_lie_anyhow():
    random = np.random.default_rng(1)
    prediction, truth = random.random((2, 31, 22)) < 0.5
    expected = betti_matching(prediction, truth).error
    prediction.flags.writeable = truth.flags.writeable = False
    assert np.array_equal(betti_matching(prediction.T, truth.T, 8).error[0], expected[0])
    assert np.array_equal(betti_matching(np.asfortranarray(prediction), truth).error, expected)
    assert np.array_equal(betti_matching(prediction.astype(float), truth.tolist()).error, expected)
    bytes_of_opencv = np.where(prediction, 255, 0).astype(np.uint8).view(bool)
    assert np.array_equal(betti_matching(bytes_of_opencv, truth).error, expected)
    assert np.array_equal(induced_map(bytes_of_opencv, truth).error, induced_map(prediction, truth).error)


def test_wrong_input():
    with pytest.raises(ArgumentError, match=r"prediction has shape \(3, 6\), the truth \(6, 3\)"):
        betti_matching(BLOB, BLOB.T)
    with pytest.raises(ArgumentError, match="connectivity is 6"):
        betti_matching(BLOB, BLOB, 6)
    with pytest.raises(ArgumentError, match="mask is float64"):
        induced_map(BLOB * 0.5, BLOB)
    with pytest.raises(ArgumentError, match=r"shape \(1, 3, 6\); one image"):
        unmatched_classes(BLOB[None], BLOB[None])
    with pytest.raises(ArgumentError, match=r"shape \(0, 3\)"):
        betti_matching(np.zeros((0, 3), bool), np.zeros((0, 3), bool))
