"""Simple points against flipping each pixel and labelling; thinning and thickening against labelling and matching."""

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage.draw import line

from tests.metrics.cases import lines
from tests.oracles import betti_by_labelling
from tests.strategies import connectivities, masks
from topobench import load_dataset
from topobench.errors import ArgumentError
from topobench.topology import betti_matching, betti_numbers, induced_map, simple_points, thicken, thin
from topobench.topology.links import REGULAR, RING, links_of

CROSS = ndimage.generate_binary_structure(2, 1)
MANY = 10**6
SYMMETRIES = [np.transpose, np.flipud, np.fliplr, np.rot90]
thick_masks = st.tuples(masks, st.integers(1, 4), st.integers(1, 4)).map(
    lambda drawn: np.kron(drawn[0], np.ones(drawn[1:], bool))
)


def both(mask, connectivity):
    """Betti numbers without a frame and with one."""
    return [betti_by_labelling(mask, connectivity, frame) for frame in (False, True)]


def by_flipping(mask, connectivity, frame):
    """Where a flip leaves both Betti numbers as they are."""
    wanted, simple = betti_by_labelling(mask, connectivity, frame), np.zeros_like(mask)
    for pixel in np.ndindex(mask.shape):
        flipped = mask.copy()
        flipped[pixel] ^= True
        simple[pixel] = betti_by_labelling(flipped, connectivity, frame) == wanted
    return simple


@given(masks, connectivities, st.booleans())
def test_simple_points_are_those_whose_flip_changes_nothing(mask, connectivity, frame):
    assert np.array_equal(simple_points(mask, connectivity, frame), by_flipping(mask, connectivity, frame))


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("density", [0.2, 0.5, 0.8])
def test_simple_points_of_larger_masks(density, connectivity):
    mask = np.random.default_rng(0).random((17, 23)) < density
    assert np.array_equal(simple_points(mask, connectivity), by_flipping(mask, connectivity, False))


@numba.njit
def count_windows(ring, kind, first, neighbours):
    """Go through all windows of 5x5 with structure in the middle and background north of it, where the middle is simple
    and has two neighbours or more. Return how many ways there are to take away some of its neighbours that are bare in
    the north and simple themselves, and after how many of them it is not simple any more.
    """

    def link(window, row, column):
        byte = 0
        for k in range(8):
            byte |= window[row + ring[k, 0], column + ring[k, 1]] << k
        return byte

    ways, broken, window, bits = 0, 0, np.zeros((5, 5), np.int64), np.zeros(8, np.int64)
    for code in range(2**23):
        left = code
        for place in range(25):
            if place not in (7, 12):
                window[place // 5, place % 5] = left & 1
                left >>= 1
        window[1, 2], window[2, 2] = 0, 1
        byte, joined, free = link(window, 2, 2), 0, 0
        for k in range(0, 8, neighbours):
            joined += byte >> k & 1
        if joined < 2 or kind[byte] != first:
            continue
        for k in range(8):
            row, column = 2 + ring[k, 0], 2 + ring[k, 1]
            if window[row, column] and not window[row - 1, column] and kind[link(window, row, column)] == first:
                bits[free] = 1 << k
                free += 1
        for subset in range(1, 2**free):
            rest = byte
            for number in range(free):
                if subset >> number & 1:
                    rest -= bits[number]
            ways += 1
            broken += kind[rest] != first
    return ways, broken


@pytest.mark.parametrize("connectivity", [4, 8])
def test_all_of_a_turn_may_go_at_once(connectivity):
    """What goes in a turn stays simple, whichever of its neighbours go before it. Sides are alike: take the north.

    What has a single neighbour is no end if that one does not lie in the layer, and so does not go: only corners
    beside it may, which belong to no component of their own in connectivity 4 (and are neighbours in 8).
    """
    kind = links_of(connectivity, 9).kind
    ways, broken = count_windows(np.array(RING), kind, REGULAR, 1 if connectivity == 8 else 2)
    assert ways > 10**6
    assert broken == 0


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("shape", [(4, 4), (2, 8), (5, 3)])
def test_every_small_mask(shape, connectivity):
    every = (np.arange(2 ** (shape[0] * shape[1]))[:, None] >> np.arange(shape[0] * shape[1]) & 1).astype(bool)
    every = every.reshape(-1, *shape)
    for change in (thin, thicken):
        changed = change(every, MANY, connectivity)
        for frame in (False, True):
            found, wanted = (betti_numbers(batch, connectivity, frame) for batch in (changed, every))
            assert np.array_equal(found, wanted)


@pytest.mark.parametrize("change", [thin, thicken])
@given(thick_masks, connectivities, st.sampled_from([0, 1, 2, 3, MANY]))
def test_betti_numbers_stay_with_a_frame_and_without(change, mask, connectivity, pixels):
    assert both(change(mask, pixels, connectivity), connectivity) == both(mask, connectivity)


@pytest.mark.parametrize("change", [thin, thicken])
@given(thick_masks, connectivities, st.sampled_from([1, 2, MANY]), st.booleans())
def test_each_class_keeps_its_place(change, mask, connectivity, pixels, frame):
    """Not the numbers alone: the inclusion of one mask in the other matches the classes one to one."""
    changed = change(mask, pixels, connectivity)
    assert not betti_matching(changed, mask, connectivity, frame).error.any()
    assert not induced_map(changed, mask, connectivity, frame).error.any()


@given(thick_masks, connectivities, st.integers(0, 4))
def test_between_erosion_and_dilation(mask, connectivity, pixels):
    """No layer takes more than a pixel off any side; beyond the image nothing is known, so nothing comes from there."""
    thinned, thickened = thin(mask, pixels, connectivity), thicken(mask, pixels, connectivity)
    eroded, dilated = mask, mask
    for _ in range(pixels):
        eroded = ndimage.binary_erosion(eroded, CROSS, border_value=1)
        dilated = ndimage.binary_dilation(dilated, CROSS)
    for smaller, larger in ((eroded, thinned), (thinned, mask), (mask, thickened), (thickened, dilated)):
        assert not (smaller & ~larger).any()


@given(thick_masks, connectivities, st.integers(0, 3), st.integers(0, 3))
def test_layers_add_up(mask, connectivity, first, more):
    for change in (thin, thicken):
        once = change(mask, first + more, connectivity)
        assert np.array_equal(change(change(mask, first, connectivity), more, connectivity), once)


@given(thick_masks, connectivities)
def test_a_skeleton_is_simple_nowhere_but_at_ends(mask, connectivity):
    """What could still go, were it not for the rule of ends, has one neighbour."""
    skeleton = thin(mask, MANY, connectivity)
    bare = skeleton & ~ndimage.binary_erosion(skeleton, CROSS, border_value=1)
    free = simple_points(skeleton, connectivity) & simple_points(skeleton, connectivity, frame=True) & bare
    around = ndimage.generate_binary_structure(2, 1 if connectivity == 4 else 2)
    neighbours = ndimage.convolve(skeleton.astype(int), around.astype(int), mode="constant") - 1
    assert (neighbours[free] == 1).all()


@pytest.mark.parametrize("connectivity", [4, 8])
def test_to_thicken_is_to_thin_the_background(connectivity):
    mask = ndimage.zoom(np.random.default_rng(1).random((12, 17)), 4) < 0.5
    assert np.array_equal(thicken(mask, 2, connectivity), ~thin(~mask, 2, 12 - connectivity))


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("pixels", [1, 2])
def test_where_there_is_room_it_is_erosion_and_dilation(pixels, connectivity):
    grid = lines(65, 5)
    assert np.array_equal(thin(grid, pixels, connectivity), ndimage.binary_erosion(grid, CROSS, pixels, border_value=1))
    assert np.array_equal(thicken(grid, pixels, connectivity), ndimage.binary_dilation(grid, CROSS, pixels))


@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize("connectivity", [4, 8])
def test_lines_of_odd_width_are_thinned_alike_from_all_sides(symmetry, connectivity):
    grid = lines(65, 5)
    grid[50:57, 5:12] = True  # and a block of odd width
    for pixels in (1, 2, 3):
        assert np.array_equal(thin(symmetry(grid), pixels, connectivity), symmetry(thin(grid, pixels, connectivity)))


@pytest.mark.parametrize("end", [(3, 40), (40, 40), (40, 3), (17, 40), (40, 29), (3, 3)])
@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("connectivity", [4, 8])
def test_thin_lines_keep_their_length(end, width, connectivity):
    mask = np.zeros((44, 44), bool)
    rows, columns = line(3, 3, *end)
    for aside in range(width):
        mask[rows + aside, columns] = True
    left = np.argwhere(thin(mask, MANY, connectivity))
    if connectivity == 8 or betti_by_labelling(mask, 4, False) == (1, 0):
        for tip in ((3, 3), end):
            assert np.abs(left - tip).max(1).min() <= width


def test_thick_lines_shrink_from_their_ends_as_from_their_sides():
    bar = np.zeros((9, 30), bool)
    bar[2:7, 3:27] = True
    wanted = np.zeros_like(bar)
    wanted[4, 5:25] = True
    for connectivity in (4, 8):
        assert np.array_equal(thin(bar, 2, connectivity), wanted)
        assert np.array_equal(thin(bar, MANY, connectivity), wanted)


@pytest.mark.parametrize("connectivity", [4, 8])
def test_a_bump_grows_no_spur_and_a_spur_stays(connectivity):
    block = np.zeros((15, 20), bool)
    block[6:13, 2:18] = True
    bumpy, spurred = block.copy(), block.copy()
    bumpy[5, 10], spurred[2:6, 10] = True, True
    assert np.array_equal(thin(bumpy, 1, connectivity) & ~thin(block, 1, connectivity),
                          np.pad([[True]], ((6, 8), (10, 9))))  # fmt: skip
    assert thin(spurred, 2, connectivity)[2:6, 10].all()


def test_what_only_the_frame_holds_together_stays():
    wall = np.zeros((7, 9), bool)
    wall[:, 4] = True  # with a frame it parts two cells, also at its ends; without one it is one line
    assert np.array_equal(thin(wall, MANY), wall)
    edge = np.zeros((7, 9), bool)
    edge[:2] = True  # a membrane along the border thins from within, and never leaves it
    assert np.array_equal(thin(edge, MANY), np.arange(7)[:, None] + np.zeros(9) < 1)
    assert thin(np.ones((5, 6), bool), MANY).all()
    assert not thicken(np.zeros((5, 6), bool), MANY).any()


def test_batches_layouts_and_what_is_given_stays():
    batch = np.random.default_rng(2).random((5, 40, 31)) < 0.6
    batch.flags.writeable = False
    for change in (lambda mask: thin(mask, 2), lambda mask: thicken(mask, 2, 4), lambda mask: simple_points(mask, 4)):
        assert np.array_equal(change(batch), [change(mask) for mask in batch])
        assert np.array_equal(change(batch[:, ::-2, 3:]), change(batch[:, ::-2, 3:].copy()))
        assert np.array_equal(change(batch.astype(np.float32)), change(batch))
        assert np.array_equal(change(np.where(batch, 255, 0).astype(np.uint8).view(bool)), change(batch))
        assert change(batch).dtype == np.bool_
    assert np.array_equal(thin(batch, 0), batch)


@pytest.mark.parametrize("connectivity", [4, 8])
def test_a_real_section(connectivity, real_data):
    dataset = load_dataset("isbi2012", real_data)
    truth = dataset[dataset.image_ids[7]].truth
    for change in (thin, thicken):
        for pixels in (1, 4, MANY):
            changed = change(truth, pixels, connectivity)
            assert both(changed, connectivity) == both(truth, connectivity)
            assert (changed != truth).mean() > 0.05


def test_wrong_input():
    mask = np.ones((3, 3), bool)
    with pytest.raises(ArgumentError, match=r"pixels is -1; it must be a whole number of layers, from 0 on\."):
        thin(mask, -1)
    with pytest.raises(ArgumentError, match=r"pixels is 1\.5"):
        thicken(mask, 1.5)
    with pytest.raises(ArgumentError, match="pixels is True"):
        thin(mask, True)
    for change in (thin, thicken):
        with pytest.raises(ArgumentError, match="connectivity is 6"):
            change(mask, 1, 6)
        with pytest.raises(ArgumentError, match=r"values 0\.0, 0\.5"):
            change(np.array([[0, 0.5]]))
    with pytest.raises(ArgumentError, match="connectivity is 6"):
        simple_points(mask, 6)
    with pytest.raises(ArgumentError, match=r"shape \(3,\)"):
        simple_points(mask[0])
