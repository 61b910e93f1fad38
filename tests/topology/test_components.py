"""label_components and betti_numbers, against scikit-image and against worked cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import measure

from tests.oracles import betti_by_labelling
from tests.strategies import connectivities, masks
from topobench.errors import ArgumentError
from topobench.topology import betti_numbers, label_components


@given(masks, connectivities, st.booleans())
def test_betti_numbers_agree_with_labelling(mask, connectivity, frame):
    assert betti_numbers(mask, connectivity, frame) == betti_by_labelling(mask, connectivity, frame)


@given(masks, connectivities)
def test_labels_agree_with_scikit_image(mask, connectivity):
    ours, theirs = label_components(mask, connectivity), measure.label(mask, connectivity=1 if connectivity == 4 else 2)
    assert np.array_equal(ours, theirs)  # which numbers by the first pixel in row-major order, as we do


def test_batches_are_numbered_image_by_image():
    batch = np.random.default_rng(0).random((6, 13, 9)) < 0.5
    assert np.array_equal(label_components(batch, 4), [label_components(mask, 4) for mask in batch])
    b0, b1 = betti_numbers(batch, 4, frame=True)
    assert [(int(x), int(y)) for x, y in zip(b0, b1, strict=True)] == [betti_numbers(mask, 4, True) for mask in batch]


def test_worked_cases():
    assert betti_numbers(np.eye(20)) == (1, 0)
    assert betti_numbers(np.eye(20), 4) == (20, 0)
    assert betti_numbers(np.zeros((5, 6)), frame=True) == (1, 1)
    assert betti_numbers(np.ones((5, 6)), frame=True) == (1, 0)
    line = np.zeros((5, 6), bool)
    line[2] = True
    assert betti_numbers(line) == (1, 0)
    assert betti_numbers(line, frame=True) == (1, 2)
    line[2, 3] = False
    assert betti_numbers(line, frame=True) == (1, 1)


def test_bytes_of_a_bool_that_are_neither_0_nor_1():
    random = np.random.default_rng(0).random((3, 20, 31)) < 0.5
    mask = np.where(random, 255, 0).astype(np.uint8).view(bool)  # what OpenCV users write
    assert np.array_equal(betti_numbers(mask), betti_numbers(random))
    assert np.array_equal(label_components(mask), label_components(random))


def test_a_likelihood_in_the_place_of_a_mask_is_refused_at_once():
    with pytest.raises(ArgumentError, match=r"mask is float64 with the values 0\.0"):
        betti_numbers(np.linspace(0, 1, 10**6).reshape(1000, 1000))


def test_wrong_input():
    with pytest.raises(ArgumentError, match=r"shape \(0, 3\)"):
        betti_numbers(np.zeros((0, 3), bool))
    with pytest.raises(ArgumentError, match="mask is int64 with the values 0, 2"):
        betti_numbers(np.array([[0, 2]]))
    with pytest.raises(ArgumentError, match="connectivity is 6"):
        label_components(np.zeros((2, 2), bool), 6)
