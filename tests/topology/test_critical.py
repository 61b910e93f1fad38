"""Critical regions: by hand, against an oracle on cell complexes, and what it means that there are none."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tests.strategies import connectivities, masks
from topobench.errors import ArgumentError
from topobench.topology import betti_matching, betti_numbers, critical_regions

FRAMES = pytest.mark.parametrize("frame", [False, True])
BOTH = pytest.mark.parametrize("connectivity", [8, 4])


def drawn(*rows):
    """Prediction and truth, from rows of '.' (neither), 'p' (prediction alone), 't' (truth alone) and '#' (both)."""
    letters = np.array([list(row) for row in rows])
    return np.isin(letters, ["p", "#"]), np.isin(letters, ["t", "#"])


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        (("......", "##t###", "......"), {(1, 2)}),  # a gap
        (("......", "##t##.", "...p.."), {(1, 2)}),  # and a bump, which is none of it
        (("......", "####pp", "......"), set()),  # a line that is too long
        (("#.....", "......", "####tt"), set()),  # or too short
        (("p.....", "......", "######"), {(0, 0)}),  # an island
        (("######", "##t###", "######"), {(1, 2)}),  # a false hole
        (("######", "##p###", "######"), {(1, 2)}),  # one that has filled up
        (("#....#", "#pppp#", "#....#"), {(1, 1), (1, 2), (1, 3), (1, 4)}),  # a bridge, all of it
        (("......", "pppppp", "tttttt"), set()),  # a thin line displaced by its width: the same in the union
        (("......", "#pttt#", "......"), {(1, 1), (1, 2), (1, 3), (1, 4)}),  # neither mask has the line that both make
        (("###...", "#.#...", "#t####"), {(2, 1)}),  # an open cell, though all is one component
        (("tttttt", "......", "pppppp"), {(0, k) for k in range(6)} | {(2, k) for k in range(6)}),
    ],
)
def test_by_hand(rows, wanted):
    regions = critical_regions(*drawn(*rows))
    assert {(int(row), int(column)) for row, column in np.argwhere(regions)} == wanted


def test_regions_are_numbered_by_their_first_pixels():
    prediction, truth = drawn("p.t.", "p...", "...p", "#...")
    found = critical_regions(prediction, truth)
    assert found.tolist() == [[1, 0, 2, 0], [1, 0, 0, 0], [0, 0, 0, 3], [0, 0, 0, 0]]
    assert found.dtype == np.int32


def test_corners_that_belong_to_what_is_closed_part_a_region():
    diagonal = drawn("p#.", "#p.", "...")  # the two p thicken the line, each on its side
    assert not critical_regions(*diagonal).any()
    assert not critical_regions(*drawn("pt", "tp")).any()  # two diagonals, each one piece, and one in the union
    assert critical_regions(*drawn("#p..", "..p.", "...#")).max() == 1  # here they are a bridge, of one piece
    assert critical_regions(*drawn("#p..", "..p.", "...#"), connectivity=4).max() == 1  # only the second is an island


@BOTH
@FRAMES
def test_no_critical_region_means_the_same_classes_in_place(connectivity, frame):
    """All 4^8 overlays of 2 x 4 pixels, and many of 6 x 6 that differ here and there."""
    codes = np.array(list(product(range(4), repeat=8)), np.uint8).reshape(-1, 2, 4)
    generator = np.random.default_rng(0)
    truths = generator.random((20000, 6, 6)) < 0.5
    large = (truths ^ (generator.random(truths.shape) < 0.1), truths)
    for prediction, truth in ((codes % 2 == 1, codes >= 2), large):
        fine = ~critical_regions(prediction, truth, connectivity, frame).any(axis=(1, 2))
        assert 0.02 < fine.mean() < 0.98
        error = betti_matching(prediction[fine], truth[fine], connectivity, frame).error
        assert not error.any()
        ours, theirs = (betti_numbers(mask[fine], connectivity, frame) for mask in (prediction, truth))
        assert np.array_equal(ours, theirs)


def cells(mask, connectivity, frame):
    """The mask as cells of the square complex with a ring beyond it: vertices, edges and squares, (2H + 5, 2W + 5)."""
    squares = np.pad(np.pad(mask, 1, constant_values=frame), 1, mode="edge")
    closed = squares if connectivity == 8 else ~squares
    grid = np.zeros((2 * squares.shape[0] + 1, 2 * squares.shape[1] + 1), bool)
    for row, column in np.argwhere(closed):
        grid[2 * row : 2 * row + 3, 2 * column : 2 * column + 3] = True
    return (grid if connectivity == 8 else ~grid)[2:-2, 2:-2]


def incident(shape):
    """Pairs of cells of which one is a face of the other, as flat indices."""
    index = np.arange(np.prod(shape)).reshape(shape)
    even = np.add.outer(np.arange(shape[0]), np.arange(shape[1])) % 2 == 0  # squares and vertices
    pairs = [(index[1:], index[:-1]), (index[:, 1:], index[:, :-1])]
    for ours, theirs, there in (
        (index[1:, 1:], index[:-1, :-1], even[1:, 1:]),
        (index[1:, :-1], index[:-1, 1:], even[1:, :-1]),
    ):
        pairs.append((ours[there], theirs[there]))
    return np.concatenate([np.stack([np.ravel(one), np.ravel(other)], axis=1) for one, other in pairs])


def components(inside, pairs):
    """The number of each cell's component, -1 outside."""
    kept = pairs[inside.ravel()[pairs].all(axis=1)]
    graph = coo_array((np.ones(len(kept)), kept.T), shape=(inside.size, inside.size))
    numbers = connected_components(graph, directed=False)[1]
    return np.where(inside.ravel(), numbers, -1)


def oracle(prediction, truth, connectivity, frame):
    """Which pixels are critical, by the definition, on cells."""
    ours, theirs, union = (cells(mask, connectivity, frame) for mask in (prediction, truth, prediction | truth))
    pairs = incident(union.shape)
    critical = np.zeros(union.shape, bool)
    outside = components(~union, pairs)
    for other in (theirs, ours):
        regions, structure = components(union & ~other, pairs), components(other, pairs)
        for region in set(regions.tolist()) - {-1}:
            touching = np.concatenate([pairs, pairs[:, ::-1]])
            near = touching[regions[touching[:, 0]] == region, 1]
            beside = [len(set(labels[near].tolist()) - {-1}) for labels in (structure, outside)]
            if beside != [1, 1]:
                critical |= (regions == region).reshape(critical.shape)
    return critical[1::2, 1::2][1:-1, 1:-1]


@given(masks, st.integers(0, 2**32 - 1), connectivities, st.booleans())
def test_as_on_a_complex_of_cells(truth, seed, connectivity, frame):
    prediction = truth ^ (np.random.default_rng(seed).random(truth.shape) < 0.25)
    found = critical_regions(prediction, truth, connectivity, frame)
    assert np.array_equal(found > 0, oracle(prediction, truth, connectivity, frame))


@given(masks, st.integers(0, 2**32 - 1), connectivities, st.booleans())
def test_of_batches_and_of_swapped_masks(truth, seed, connectivity, frame):
    generator = np.random.default_rng(seed)
    truths = np.stack([truth, generator.permutation(truth.ravel()).reshape(truth.shape)])
    predictions = truths ^ (generator.random(truths.shape) < 0.3)
    found = critical_regions(predictions, truths, connectivity, frame)
    for one, prediction, other in zip(found, predictions, truths, strict=True):
        assert np.array_equal(one, critical_regions(prediction, other, connectivity, frame))
        assert np.array_equal(one, critical_regions(other, prediction, connectivity, frame))
        turned = critical_regions(prediction.T, other.T, connectivity, frame).T
        assert np.array_equal(one > 0, turned > 0)
        assert one.max() == turned.max()
        assert not critical_regions(other, other, connectivity, frame).any()


def test_threads_change_nothing():
    generator = np.random.default_rng(0)
    truths = generator.random((8, 128, 128)) < 0.4
    predictions = truths ^ (generator.random(truths.shape) < 0.05)
    one, two = (critical_regions(predictions, truths, threads=threads) for threads in (1, 2))
    assert one.max() > 20
    assert np.array_equal(one, two)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ArgumentError, match=r"the prediction has shape \(2, 3\), the truth \(3, 2\)"):
        critical_regions(np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(ArgumentError, match="connectivity is 6"):
        critical_regions(np.zeros((2, 3)), np.zeros((2, 3)), 6)
    with pytest.raises(ArgumentError, match="it must be bool, or 0 and 1"):
        critical_regions(np.full((2, 3), 7), np.zeros((2, 3)))
