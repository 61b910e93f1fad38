"""persistence_pairs: conventions worked by hand, then what may go in and what may not."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import betti_by_labelling, betti_by_persistence, pairs_table, values_of
from tests.strategies import connectivities, images
from topobench.errors import ArgumentError
from topobench.topology import persistence_pairs


def rows(pairs):
    names = ("dimension", "birth", "death", "birth_pixel", "death_pixel")
    return sorted(zip(*(getattr(pairs, name).tolist() for name in names), strict=True))


def test_ring_by_hand():
    image = np.full((3, 3), 0.8)
    image[1, 1], image[2, 2] = 0.3, 0.6
    # the ring closes when its last pixel, at flat index 8, enters at 0.6; the hole fills at 0.3
    assert rows(persistence_pairs(image, 4)) == [(0, 0.8, -np.inf, 0, -1), (1, 0.6, 0.3, 8, 4)]


def test_corner_needs_no_pixel_when_diagonals_touch():
    image = np.full((3, 3), 0.8)
    image[1, 1], image[2, 2] = 0.3, 0.6
    # 8-connected: pixels 5 and 7 touch, so the ring closes at 0.8, at the last of the equal pixels to enter
    assert rows(persistence_pairs(image, 8)) == [(0, 0.8, -np.inf, 0, -1), (1, 0.8, 0.3, 7, 4)]


def test_ties_enter_in_row_major_order():
    # two peaks of equal height: the first is the elder, so the second dies where they meet
    assert rows(persistence_pairs(np.array([[5, 1, 5]]))) == [(0, 5.0, -np.inf, 0, -1), (0, 5.0, 1.0, 2, 1)]


def test_frame_enters_first_and_leaves_no_pixel():
    # the essential class is the frame's; the ring's own hole dies at the lowest pixel
    assert rows(persistence_pairs(np.array([[0.7, 0.2]]), frame=True)) == [
        (0, np.inf, -np.inf, -1, -1),
        (1, np.inf, 0.2, -1, 1),
    ]


@pytest.mark.parametrize(("connectivity", "components"), [(8, 1), (4, 20)])
def test_diagonal_line(connectivity, components):
    pairs = persistence_pairs(np.eye(20), connectivity, dimensions=(0,))
    assert len(pairs) == components


@given(images(), connectivities, st.booleans())
def test_betti_numbers_of_the_segmentation(image, connectivity, frame):
    found = betti_by_persistence(persistence_pairs(image, connectivity, frame))
    assert found == betti_by_labelling(image >= 0.5, connectivity, frame)


def test_batch_is_its_images_one_by_one():
    batch = np.random.default_rng(0).integers(0, 9, (5, 7, 11))
    pairs = persistence_pairs(batch, 4, frame=True)
    assert (np.diff(pairs.image) >= 0).all()
    for index, image in enumerate(batch):
        single = persistence_pairs(image, 4, frame=True)
        for name in ("dimension", "birth", "death", "birth_pixel", "death_pixel"):
            assert np.array_equal(getattr(pairs, name)[pairs.image == index], getattr(single, name))


def test_empty_batch_has_no_pairs():
    assert len(persistence_pairs(np.zeros((0, 3, 3)))) == 0


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int64", "float16", "float32"])
@pytest.mark.parametrize(
    "layout",
    [
        np.asfortranarray,
        lambda a: np.ascontiguousarray(a[::-1, ::-1])[::-1, ::-1],
        lambda a: np.repeat(a, 2, 1)[:, ::2],
    ],
)
def test_dtypes_and_strides(dtype, layout):
    image = np.random.default_rng(1).integers(0, 2 if dtype == "bool" else 6, (6, 5)).astype(dtype)
    wanted = rows(persistence_pairs(image.astype(float)))
    for writeable in (True, False):
        given_image = layout(image.copy())
        given_image.flags.writeable = writeable
        for backend in ("numba", "gudhi", "cripser"):
            assert rows(persistence_pairs(given_image, backend=backend)) == wanted
        assert np.array_equal(given_image, image)  # never written to


def test_nothing_of_zero_persistence_where_all_is_infinite():
    assert rows(persistence_pairs(np.full((2, 2), np.inf), frame=True)) == [(0, np.inf, -np.inf, -1, -1)]
    assert rows(persistence_pairs(np.full((2, 2), -np.inf))) == [(0, -np.inf, -np.inf, 0, -1)]


def test_infinities_and_signed_zeros():
    image = np.array([[np.inf, -0.0, -np.inf], [0.0, 5e-324, 1e300]])
    assert values_of(persistence_pairs(image, 4)) == [(0, 1e300, 0.0), (0, np.inf, -np.inf)]


@pytest.mark.parametrize("shape", [(), (3,), (0, 0), (0, 3), (2, 3, 0), (1, 2, 3, 4)])
def test_wrong_shapes(shape):
    with pytest.raises(ArgumentError, match=r"shape \("):
        persistence_pairs(np.zeros(shape))


def test_wrong_values_and_names():
    image = np.zeros((4, 5))
    image[2, 3] = image[3, 0] = np.nan
    for backend in ("numba", "gudhi", "cripser"):
        with pytest.raises(ArgumentError, match=r"NaN at 2 of 20 places, the first at \(2, 3\)"):
            persistence_pairs(image, backend=backend)
        with pytest.raises(ArgumentError, match=r"NaN at 2 of 60 places, the first at \(1, 2, 3\)"):
            persistence_pairs([np.ones((4, 5)), image, np.ones((4, 5))], backend=backend)
    with pytest.raises(ArgumentError, match="beyond 2\\*\\*53"):
        persistence_pairs(np.full((2, 2), 2**53 + 1))
    with pytest.raises(ArgumentError, match="beyond 2\\*\\*53"):
        persistence_pairs(np.full((2, 2), -(2**53) - 1))
    with pytest.raises(ArgumentError, match="complex128"):
        persistence_pairs(np.zeros((2, 2), complex))
    with pytest.raises(ArgumentError, match="connectivity is 6"):
        persistence_pairs(np.zeros((2, 2)), 6)
    for connectivity in (np.array([4, 8]), None, "8"):
        with pytest.raises(ArgumentError, match="connectivity is"):
            persistence_pairs(np.zeros((2, 2)), connectivity)
    for dimensions in ((2,), (), None, 1, np.int64(1), [[0]]):
        with pytest.raises(ArgumentError, match=r"dimensions is .*; it must be \(0,\), \(1,\) or \(0, 1\)"):
            persistence_pairs(np.zeros((2, 2)), dimensions=dimensions)
    with pytest.raises(ArgumentError, match="rows must be equally long"):
        persistence_pairs([[1, 2], [3]])
    with pytest.raises(ArgumentError, match="masked array with 1 masked pixels; fill them first"):
        persistence_pairs(np.ma.masked_greater(np.arange(4.0).reshape(2, 2), 2))
    assert len(persistence_pairs(np.ma.array(np.zeros((2, 2))))) == 1  # nothing is masked


def test_images_too_big_are_refused_before_they_are_read():
    vast = np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), (2**16, 2**15), (0, 0))
    with pytest.raises(ArgumentError, match=r"65536 x 32768 pixels; 2\*\*31 or more are too many: cut it into tiles"):
        persistence_pairs(vast)


def test_room_grows_after_pairs_were_written():
    flat, noise = np.zeros((40, 50)), np.random.default_rng(4).random((3, 40, 50))
    pairs = persistence_pairs(np.stack([flat, flat, *noise, flat, noise[0]]))
    assert pairs.death_pixel[:2].tolist() == [-1, -1]
    alone = persistence_pairs(noise[0])
    for index in (2, 6):
        assert np.array_equal(pairs.birth_pixel[pairs.image == index], alone.birth_pixel)
        assert np.array_equal(pairs.death[pairs.image == index], alone.death)


def test_one_image_of_noise_does_not_set_the_memory_of_a_batch():
    batch = np.zeros((2000, 65, 65), np.float32)
    batch[0] = np.random.default_rng(0).random((65, 65))
    pairs = persistence_pairs(batch, threads=1)
    room = pairs.birth.base.strides[0] // 8  # births and deaths are rows of one array; the next begins so far on
    assert room <= 2 * len(pairs)


def test_results_are_independent_of_later_calls():
    first, second = np.random.default_rng(0).random((2, 30, 30))
    before = persistence_pairs(first)
    kept = pairs_table(before).copy()
    persistence_pairs(second)
    assert np.array_equal(pairs_table(before), kept)


def serpent(corridors, width):
    """A corridor that winds down the image and rises all the way, with lone peaks beside it."""
    image = np.zeros((4 * corridors + 1, width))
    heights = iter(np.linspace(0.1, 1, corridors * (width + 3)))
    for corridor in range(corridors):
        row, columns = 4 * corridor, range(width)[:: -1 if corridor % 2 else 1]
        image[row, columns] = [next(heights) for _ in columns]
        image[row + 1, 2 : width - 2 : 4], image[row + 2, 2 : width - 2 : 4] = 0.05, 0.09
        image[row + 1 : row + 4, columns[-1]] = [next(heights) for _ in range(3)]
    return image


def spiral(turns):
    """A corridor that winds inwards and rises all the way, one pixel wide, with walls one pixel wide between."""
    side = 4 * turns + 1
    image, height, y, x, step = np.zeros((side, side)), 0.1, 0, 0, (0, 1)
    while True:
        image[y, x] = height = height + 1e-4
        ahead = y + 2 * step[0], x + 2 * step[1]
        wall = not (0 <= ahead[0] < side and 0 <= ahead[1] < side)
        if (wall and not (0 <= y + step[0] < side and 0 <= x + step[1] < side)) or (not wall and image[ahead]):
            step = step[1], -step[0]
            if image[y + step[0], x + step[1]] or image[y + 2 * step[0], x + 2 * step[1]]:
                return image
        y, x = y + step[0], x + step[1]


LONG_WAYS = [serpent(8, 41), spiral(12), spiral(9).T]


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("image", LONG_WAYS, ids=["serpent", "spiral", "turned"])
def test_long_ways_are_right(connectivity, sign, image):
    for seed in range(3):  # lone peaks and pits beside the way and on it, from which walkers set out
        random = np.random.default_rng(seed)
        spoilt = sign * np.where(random.random(image.shape) < 0.05, random.random(image.shape), image)
        for each in (sign * image, spoilt):
            wanted = pairs_table(persistence_pairs(each, connectivity, backend="gudhi"))
            assert np.array_equal(pairs_table(persistence_pairs(each, connectivity)), wanted)


def test_long_ways_cost_no_more_than_noise():
    image = serpent(128, 513)  # had each walker its own way to go, this would take hundreds of times as long
    noise = np.random.default_rng(0).random(image.shape)
    assert fastest(persistence_pairs, image) < 20 * fastest(persistence_pairs, noise)


def fastest(function, image):
    """Seconds of the fastest of five calls."""
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        function(image)
        seconds.append(time.perf_counter() - start)
    return min(seconds)
