"""Where patches lie."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from topobench.patches import cut, patch_shape, random_places
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
