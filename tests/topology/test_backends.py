"""All back ends give the same pairs, with the same pixels; and those are the peers' own."""

import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tests.oracles import gudhi_fast_values, gudhi_values, pairs_table, sorted_rows, values_of
from tests.strategies import connectivities, images
from topobench.errors import ArgumentError, UnknownNameError
from topobench.registry import names
from topobench.topology import persistence_pairs

DIMENSIONS = st.sampled_from([(0,), (1,), (0, 1)])
LINES = [np.array([[3, 1, 2, 2, 5]]), np.array([[3], [1], [2], [2], [5]]), np.array([[7]]), np.ones((2, 6))]


def check_agreement(image, connectivity, frame, dimensions):
    wanted = pairs_table(persistence_pairs(image, connectivity, frame, dimensions, backend="gudhi"))
    for backend in ("numba", "cripser"):
        found = pairs_table(persistence_pairs(image, connectivity, frame, dimensions, backend=backend))
        assert np.array_equal(found, wanted), backend


@settings(max_examples=500)
@given(images(), connectivities, st.booleans(), DIMENSIONS)
@example(LINES[0], 4, False, (0, 1))
@example(LINES[1], 4, False, (0, 1))
@example(LINES[2], 4, False, (0, 1))
@example(LINES[3], 4, True, (0, 1))
def test_back_ends_agree_on_small_images_full_of_ties(image, connectivity, frame, dimensions):
    check_agreement(image, connectivity, frame, dimensions)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 60), st.integers(1, 300), connectivities)
def test_back_ends_agree_on_noise(seed, height, width, levels, connectivity):
    image = np.random.default_rng(seed).integers(-levels, levels, (height, width)).astype(np.float32)
    check_agreement(image, connectivity, bool(seed % 2), (0, 1))


FLOATS = st.floats(width=64, allow_nan=False) | st.sampled_from([0.0, -0.0, np.inf, -np.inf, 5e-324, 1e300, -1e300])


@given(npst.arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=FLOATS), connectivities)
def test_back_ends_agree_on_any_float(image, connectivity):
    check_agreement(image, connectivity, False, (0, 1))
    check_agreement(image, connectivity, True, (0, 1))
    with np.errstate(over="ignore"):
        check_agreement(image.astype(np.float32), connectivity, True, (0, 1))
        check_agreement(image.astype(np.float16), connectivity, False, (0, 1))


@given(images(), connectivities, st.booleans())
def test_values_are_those_that_gudhi_gives_itself(image, connectivity, frame):
    assert values_of(persistence_pairs(image, connectivity, frame)) == gudhi_values(image, connectivity, frame)


def test_values_are_those_of_the_fast_path_of_gudhi():
    image = np.random.default_rng(5).random((200, 301), np.float32)
    pairs = persistence_pairs(image)
    assert np.array_equal(sorted_rows(pairs.dimension, pairs.birth, pairs.death), gudhi_fast_values(image))


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), connectivities, st.booleans())
def test_float32_and_float64_give_the_same_pairs(seed, connectivity, frame):
    image = np.random.default_rng(seed).normal(size=(3, 17, 23)).astype(np.float32)
    single = pairs_table(persistence_pairs(image, connectivity, frame))
    assert np.array_equal(single, pairs_table(persistence_pairs(image.astype(np.float64), connectivity, frame)))


def test_values_that_float32_would_merge_are_told_apart():
    image = np.array([[1.0, 0.5, 1.0 + 2**-40]])
    assert values_of(persistence_pairs(image)) == [(0, 1.0, 0.5), (0, 1.0 + 2**-40, -np.inf)]
    big = np.array([[2**53 - 1, 0, 2**53]])
    assert values_of(persistence_pairs(big)) == [(0, 2.0**53 - 1, 0.0), (0, 2.0**53, -np.inf)]


def test_back_ends_are_listed_and_the_default_is_ours():
    assert names("backends") == ["cripser", "gudhi", "numba"]
    assert persistence_pairs.__defaults__[-2] == "numba"


def test_a_back_end_that_is_not_installed_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "cripser", None)
    with pytest.raises(ArgumentError, match="needs the package cripser, which is not installed"):
        persistence_pairs(np.zeros((2, 2)), backend="cripser")


def test_an_unknown_back_end():
    with pytest.raises(UnknownNameError, match="did you mean 'gudhi'"):
        persistence_pairs(np.zeros((2, 2)), backend="gudih")


def test_integers_that_float32_would_merge():
    for dtype in (np.int32, np.uint32, np.int64):
        image = np.array([[2**24 + 1, 0, 2**24]], dtype)
        assert values_of(persistence_pairs(image)) == [(0, 2.0**24, 0.0), (0, 2.0**24 + 1, -np.inf)]


@pytest.mark.parametrize("dtype", [">f4", ">f8", ">i2", "<u4", ">u8", "f2"])
def test_byte_orders(dtype):
    image = np.random.default_rng(2).integers(0, 200, (2, 9, 13)).astype(dtype)
    assert np.array_equal(pairs_table(persistence_pairs(image)), pairs_table(persistence_pairs(image.astype(float))))


def test_arrays_that_are_not_aligned():
    packed = np.zeros((6, 7), np.dtype([("flag", "u1"), ("value", "f4")]))
    packed["value"] = np.random.default_rng(2).random((6, 7))
    image = packed["value"]
    assert not image.flags.aligned
    assert np.array_equal(pairs_table(persistence_pairs(image)), pairs_table(persistence_pairs(image.astype(float))))
