"""Where patches lie."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tests.strategies import masks
from topobench.errors import ArgumentError
from topobench.patches import Tiling, allowed_places, cut, patch_shape, random_places
from topobench.seeds import generator


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 25))
def test_patches_lie_inside_and_are_cut_there(height, width, size):
    image = np.arange(height * width).reshape(height, width)
    places = random_places(image.shape, size, 7, generator(height, width))
    patches = cut(image, places, size)
    h, w = patch_shape(image.shape, size)
    assert patches.shape == (7, h, w) == (7, min(size, height), min(size, width))
    for (y, x), patch in zip(places, patches, strict=True):
        assert np.array_equal(patch, image[y : y + h, x : x + w])


def test_every_place_is_drawn():
    places = random_places((6, 7), 4, 500, generator("all"))
    assert {tuple(place) for place in places.tolist()} == {(y, x) for y in range(3) for x in range(4)}


def test_patches_less_than_half_valid_are_not_drawn():
    valid = np.zeros((10, 20), bool)
    valid[:, :7] = True
    places = random_places(valid.shape, 4, 300, generator("valid"), valid)
    shares = cut(valid, places, 4).mean(axis=(1, 2))
    assert shares.min() == 0.5
    assert set(places[:, 1].tolist()) == {0, 1, 2, 3, 4, 5}
    assert random_places(valid.shape, 4, 5, generator(0), np.zeros_like(valid)).shape == (0, 2)


@given(masks, st.integers(1, 10))
def test_allowed_places_are_those_of_patches_at_least_half_valid(valid, size):
    height, width = patch_shape(valid.shape, size)
    rows, columns = (side - part + 1 for side, part in zip(valid.shape, (height, width), strict=True))
    every = [(y, x) for y in range(rows) for x in range(columns)]
    wanted = [place for place in every if valid[place[0] :, place[1] :][:height, :width].mean() >= 0.5]
    allowed = allowed_places(valid.shape, size, valid)
    found = every if allowed is None else [divmod(index, columns) for index in allowed.tolist()]
    assert found == wanted
    assert (allowed is None) == bool(valid.all())


@st.composite
def tilings(draw, margin=True):
    size = draw(st.integers(1, 9))
    overlap = draw(st.integers(0, size // 2))
    margin = draw(st.integers(0, overlap // 2)) if margin else 0
    return Tiling((draw(st.integers(1, 25)), draw(st.integers(1, 25))), size, overlap, margin)


@given(tilings(), st.sampled_from(["float16", "float32", "bool", "uint8", "int32", "uint32"]), st.data())
def test_stitching_what_was_cut_is_the_identity(tiling, dtype, data):
    """Bit for bit: -0.0 stays -0.0."""
    finite = {"allow_nan": False, "allow_infinity": False} if dtype.startswith("float") else {}
    elements = npst.from_dtype(np.dtype(dtype), **finite)
    image = data.draw(
        npst.arrays(dtype, (*data.draw(st.sampled_from([(), (2,), (1, 2)])), *tiling.shape), elements=elements)
    )
    found = tiling.stitch(tiling.cut(image))
    assert found.dtype == image.dtype
    assert found.shape == image.shape
    assert found.tobytes() == image.tobytes()


def test_identity_at_the_size_of_a_prediction():
    image = np.random.default_rng(0).random((1, 2500), np.float32)
    tiling = Tiling(image.shape, 1024, 256, 96)
    assert len(tiling.windows()) == 3
    assert tiling.stitch(tiling.cut(image)).tobytes() == image.tobytes()


@given(tilings())
def test_tiles_are_no_larger_than_asked_for_and_lie_where_the_numbers_say(tiling):
    times = np.zeros(tiling.shape, int)
    for rows, columns in tiling.windows():
        assert 0 < rows.stop - rows.start <= tiling.size
        assert 0 < columns.stop - columns.start <= tiling.size
        times[rows, columns] += 1
    assert 1 <= times.min() <= times.max() <= 4
    other = Tiling(tiling.shape, tiling.size, tiling.overlap, tiling.margin)
    assert other.windows() == tiling.windows()  # whatever image they are cut from
    if max(tiling.shape) <= tiling.size:
        assert tiling.windows() == [tuple(slice(0, side) for side in tiling.shape)]


def shares(tiling):
    """The weight of each tile in the map, (tiles, H, W): what is left of it where all others are 0."""
    parts = list(tiling.cut(np.zeros(tiling.shape)))
    alone = np.eye(len(parts))[:, :, None, None]
    return tiling.stitch(
        np.broadcast_to(own, (len(parts), *part.shape)) for own, part in zip(alone, parts, strict=True)
    )


@given(tilings())
def test_weights_are_ramps_that_sum_to_one(tiling):
    found, whole = shares(tiling), tiling.overlap - 2 * tiling.margin + 1
    assert np.allclose(found.sum(axis=0), 1)
    assert found.min() >= 0
    for axis in (1, 2):
        assert np.abs(np.diff(found, axis=axis)).max(initial=0) <= 1 / whole + 1e-12
    for share, (rows, columns) in zip(found, tiling.windows(), strict=True):
        inside = share[rows, columns]
        assert inside.sum() == pytest.approx(share.sum())
        if tiling.margin == 0:
            assert inside.min() > 0


@given(st.integers(1, 40), st.integers(1, 9), st.data())
def test_tiles_have_full_weight_at_the_border_and_none_in_a_margin_beside_a_neighbour(width, size, data):
    overlap = data.draw(st.integers(0, size // 2))
    margin = data.draw(st.integers(0, overlap // 2))
    tiling = Tiling((1, width), size, overlap, margin)
    for share, (_, columns) in zip(shares(tiling)[:, 0], tiling.windows(), strict=True):
        left, right = columns.start == 0, columns.stop == width
        assert share[columns.start] == 1 if left else (share[columns][:margin] == 0).all()
        assert share[columns.stop - 1] == 1 if right else (share[columns][::-1][:margin] == 0).all()


def test_maps_that_differ_are_blended():
    tiling = Tiling((1, 9), 6, 3)  # columns 0-5 and 3-8
    left, right = np.zeros((1, 6), np.float32), np.ones((1, 6), np.float32)
    assert tiling.stitch([left, right]).tolist() == [[0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1]]
    assert tiling.stitch([left.astype(bool), right.astype(bool)]).tolist() == [[False] * 5 + [True] * 4]
    bytes_ = tiling.stitch([left.astype(np.uint8), 10 * right.astype(np.uint8)])
    assert bytes_.tolist() == [[0, 0, 0, 2, 5, 8, 10, 10, 10]]


@pytest.mark.parametrize(
    "numbers", [((5, 5), 0), ((5, 5), 4, 3), ((5, 5), 4, -1), ((5, 5), 8, 4, 3), ((5, 5), 8, 4, -1)]
)
def test_numbers_that_do_not_go_together(numbers):
    with pytest.raises(ArgumentError, match="the overlap must be at most half of the size"):
        Tiling(*numbers)


def test_what_is_no_tile_is_refused():
    with pytest.raises(ArgumentError, match=r"shape is \(0, 5\)"):
        Tiling((0, 5), 4)
    tiling = Tiling((1, 9), 6, 3)
    with pytest.raises(ArgumentError, match=r"the image has shape \(9, 1\)"):
        tiling.cut(np.zeros((9, 1)))
    with pytest.raises(ArgumentError, match=r"map 1 has shape \(1, 5\); its tile is \(1, 6\)"):
        tiling.stitch([np.zeros((1, 6)), np.zeros((1, 5))])
