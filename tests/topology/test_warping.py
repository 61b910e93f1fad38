"""Homotopy warping: by hand, against a plain loop over `simple_points`, and its laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from tests.strategies import connectivities, masks
from topobench.errors import ArgumentError
from topobench.topology import betti_numbers, simple_points, warp


def rows(*lines):
    return np.array([[letter == "#" for letter in line] for line in lines])


def test_two_ends_grow_towards_each_other_up_to_the_last_pixel():
    mask, towards = rows("##....##"), rows("########")
    assert np.array_equal(warp(mask, towards), rows("####.###"))
    doubt = np.array([[0, 0, 0, 0, 0.1, 0, 0, 0]])  # of the two in the middle, equally far, this one goes first
    assert np.array_equal(warp(mask, towards, doubt=doubt), rows("###.####"))


def test_a_false_bridge_goes_down_to_a_line():
    mask = rows("#....#", "######", "######", "######", "#....#")
    towards = rows("#....#", "#....#", "#....#", "#....#", "#....#")
    warped = warp(mask, towards)
    assert betti_numbers(warped) == (1, 0)
    assert (warped & ~towards).sum() == 4  # one pixel in each column between


def test_a_wall_moves_over_the_whole_cell():
    mask, towards = rows("####", "##.#", "####"), rows("####", "#.##", "####")
    assert betti_numbers(warp(mask, towards)) == (1, 1)
    assert np.array_equal(warp(rows("####", "#..#", "####"), towards), towards)


def test_an_island_stays_and_a_bump_goes():
    mask, towards = rows("#...#", ".....", "..#..", "#####"), rows("#....", ".....", ".....", "#####")
    assert np.array_equal(warp(mask, towards), rows("#...#", ".....", ".....", "#####"))


def test_the_border_of_the_image_is_a_side_or_a_wall():
    mask, towards = rows("#...", "...."), rows("....", "....")
    assert np.array_equal(warp(mask, towards), mask)
    assert np.array_equal(warp(mask, towards, frame=True), towards)  # it is a bump of the frame


def slowly(mask, towards, connectivity, frame, doubt):
    """Of all pixels that differ and are simple the first, again and again."""
    mask, flipped = mask.copy(), np.zeros(mask.shape, bool)
    distance = np.zeros(mask.shape)
    if mask.any() and not mask.all():
        distance = ndimage.distance_transform_edt(mask) + ndimage.distance_transform_edt(~mask)
    rank = np.lexsort((-doubt.ravel(), np.rint(distance.ravel() ** 2)))
    while True:
        able = ((mask != towards) & ~flipped & simple_points(mask, connectivity, frame)).ravel()
        if not able.any():
            return mask
        first = rank[able[rank]][0]
        mask.flat[first] ^= True
        flipped.flat[first] = True


@given(masks, st.integers(0, 2**32 - 1), connectivities, st.booleans())
def test_as_a_plain_loop_over_simple_points(mask, seed, connectivity, frame):
    generator = np.random.default_rng(seed)
    towards, doubt = mask ^ (generator.random(mask.shape) < 0.5), generator.integers(0, 3, mask.shape) / 2
    found = warp(mask, towards, connectivity, frame, doubt)
    assert np.array_equal(found, slowly(mask, towards, connectivity, frame, doubt))


@given(masks, st.integers(0, 2**32 - 1), connectivities, st.booleans())
def test_betti_numbers_stay_and_what_is_left_is_not_simple(mask, seed, connectivity, frame):
    generator = np.random.default_rng(seed)
    batch = np.stack([mask, generator.permutation(mask.ravel()).reshape(mask.shape)])
    towards = generator.random(batch.shape) < 0.5
    kept = batch.copy()
    warped = warp(batch, towards, connectivity, frame)
    assert np.array_equal(batch, kept)
    assert np.array_equal(betti_numbers(warped, connectivity, frame), betti_numbers(batch, connectivity, frame))
    left = warped != towards
    assert not (left & (batch == towards)).any()
    assert not (left & simple_points(warped, connectivity, frame)).any()
    assert np.array_equal(warped[1], warp(batch[1], towards[1], connectivity, frame))


def test_threads_change_nothing():
    generator = np.random.default_rng(0)
    maps, towards = (ndimage.gaussian_filter(generator.random((8, 128, 128)), (0, 2, 2)) > 0.5 for _ in range(2))
    one, two = (warp(maps, towards, threads=threads) for threads in (1, 2))
    assert 0 < (one != towards).sum() < (maps != towards).sum() / 2
    assert np.array_equal(one, two)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ArgumentError, match=r"the mask has shape \(2, 3\), the mask to come near to \(3, 2\)"):
        warp(np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(ArgumentError, match="connectivity is 5"):
        warp(np.zeros((2, 3)), np.zeros((2, 3)), 5)
    with pytest.raises(ArgumentError, match=r"the mask has shape \(2, 3\), the doubt \(3,\)"):
        warp(np.zeros((2, 3)), np.zeros((2, 3)), doubt=np.zeros(3))
    for doubt in (np.full((2, 3), np.nan), np.zeros((2, 3), complex), np.full((2, 3), "much")):
        with pytest.raises(ArgumentError, match="it must be real, without NaN"):
            warp(np.zeros((2, 3)), np.zeros((2, 3)), doubt=doubt)
