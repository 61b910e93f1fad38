"""The nearest site of every pixel, against brute force with the rule for ties, and against scipy."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import ndimage

from tests.conftest import ROOT
from tests.strategies import masks
from topobench.errors import ArgumentError
from topobench.topology.nearest import nearest_labels, squared_distances

sparse = st.sampled_from([0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, -4])
shapes = st.tuples(st.integers(1, 14), st.integers(1, 14))
labellings = shapes.flatmap(lambda shape: npst.arrays(np.int32, shape, elements=sparse))


def squares_to(sites):
    """Squared distances (pixels, sites); sites in row-major order."""
    pixels, places = np.argwhere(np.ones_like(sites, bool)), np.argwhere(sites)
    return ((pixels[:, None] - places) ** 2).sum(2)


@given(labellings)
def test_labels_of_the_nearest_and_of_those_the_first(labels):
    expected = labels
    if labels.any():
        nearest = squares_to(labels).argmin(1)  # argmin names the first of equals
        expected = labels[labels != 0][nearest].reshape(labels.shape)
    before = labels.copy()
    found = nearest_labels(labels)
    assert found.dtype == np.int32
    assert np.array_equal(found, expected)
    assert np.array_equal(labels, before)
    assert not np.shares_memory(found, labels)


@given(labellings.filter(lambda labels: labels.any()))
def test_every_site_has_a_label_of_its_own(labels):
    """As above, but a wrong site is always a wrong label."""
    named = np.where(labels != 0, np.arange(1, labels.size + 1, dtype=np.int32).reshape(labels.shape), np.int32(0))
    nearest = squares_to(named).argmin(1)
    assert np.array_equal(nearest_labels(named).ravel(), named[named != 0][nearest])


@given(masks.filter(lambda mask: mask.any()))
def test_squared_distances_are_exact(mask):
    found = squared_distances(mask)
    assert found.dtype == np.int64
    assert np.array_equal(found.ravel(), squares_to(mask).min(1))


@pytest.mark.parametrize("share", [0.00001, 0.001, 0.05, 0.5, 0.99])
@pytest.mark.parametrize("shape", [(211, 173), (3, 2500), (2500, 3), (1, 4000), (4000, 1)])
def test_scipy_agrees(shape, share):
    mask = np.random.default_rng(0).random(shape) < share
    mask[shape[0] // 3, shape[1] // 2] = True
    exact = np.rint(ndimage.distance_transform_edt(~mask) ** 2).astype(np.int64)
    assert np.array_equal(squared_distances(mask), exact)
    numbers = np.where(mask, np.arange(1, mask.size + 1).reshape(shape), 0).astype(np.int32)
    rows, columns = np.divmod(nearest_labels(numbers) - 1, shape[1])
    own_rows, own_columns = np.indices(shape)
    assert np.array_equal((rows - own_rows) ** 2 + (columns - own_columns) ** 2, exact)


def test_ties_by_hand():
    four = np.zeros((5, 5), np.int32)
    four[0, 2], four[2, 0], four[2, 4], four[4, 2] = 1, 2, 3, 4
    filled = nearest_labels(four)
    assert filled[2, 2] == 1  # all are 2 away; the topmost comes first
    assert filled[3, 3] == 3  # (2, 4) before (4, 2)
    assert filled[3, 1] == 2
    assert nearest_labels(np.array([[7, 0, 9]], np.int32)).tolist() == [[7, 7, 9]]
    assert nearest_labels(np.array([[7], [0], [9]], np.int32)).tolist() == [[7], [7], [9]]
    lower_left = np.array([[0, 0, 5], [0, 0, 0], [6, 0, 0]], np.int32)
    assert nearest_labels(lower_left)[1, 1] == 5  # the upper one wins, though it lies to the right


def test_no_site_and_nothing_but_sites():
    nothing = np.zeros((4, 6), np.int32)
    filled = nearest_labels(nothing)
    assert not filled.any()
    assert not np.shares_memory(filled, nothing)
    full = np.arange(1, 25, dtype=np.int32).reshape(4, 6)
    assert np.array_equal(nearest_labels(full), full)
    assert not squared_distances(full > 0).any()
    with pytest.raises(ArgumentError, match=r"shape \(4, 6\) has no True pixel"):
        squared_distances(nothing > 0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_one_site_in_the_smallest_images(shape):
    labels = np.zeros(shape, np.int32)
    labels[-1, -1] = np.iinfo(np.int32).min  # any label but 0 will do
    assert np.array_equal(nearest_labels(labels), np.full(shape, labels[-1, -1]))
    assert squared_distances(labels != 0).ravel().tolist() == [step**2 for step in range(labels.size)][::-1]


@pytest.mark.parametrize("shape", [(1, 100_000), (100_000, 1), (2, 70_000), (70_000, 2)])
def test_squares_beyond_32_bits(shape):
    mask = np.zeros(shape, bool)
    mask[0, 0] = True
    rows, columns = np.indices(shape)
    assert np.array_equal(squared_distances(mask), rows**2 + columns**2)
    mask[-1, -1] = True
    mirrored = (shape[0] - 1 - rows) ** 2 + (shape[1] - 1 - columns) ** 2
    assert np.array_equal(squared_distances(mask), np.minimum(rows**2 + columns**2, mirrored))
    assert np.array_equal(nearest_labels(mask.astype(np.int32)), np.ones(shape))


def test_any_layout_in_memory_gives_the_same():
    labels = np.random.default_rng(0).integers(0, 12, (60, 47)).astype(np.int32)
    labels[labels > 3] = 0
    expected, distances = nearest_labels(labels), squared_distances(labels > 0)
    frozen, wide = labels.copy(), np.zeros((120, 94), np.int32)
    frozen.flags.writeable = False
    wide[::2, ::2] = labels
    for same in (frozen, np.asfortranarray(labels), wide[::2, ::2], labels[::-1, ::-1].copy()[::-1, ::-1]):
        assert np.array_equal(nearest_labels(same), expected)
        assert np.array_equal(squared_distances(same > 0), distances)
    odd_bytes = np.where(labels > 0, 255, 0).astype(np.uint8).view(bool)
    assert np.array_equal(squared_distances(odd_bytes), distances)


def test_wrong_input():
    with pytest.raises(ArgumentError, match="labels are int64; they must be int32"):
        nearest_labels(np.zeros((3, 3), np.int64))
    with pytest.raises(ArgumentError, match=r"labels have the shape \(3,\)"):
        nearest_labels(np.zeros(3, np.int32))
    with pytest.raises(ArgumentError, match=r"mask has shape \(0, 3\)"):
        squared_distances(np.zeros((0, 3), bool))
    with pytest.raises(ArgumentError, match="mask is int64 with the values 0, 2"):
        squared_distances(np.array([[0, 2]]))


EVERY_SHAPE = """
import numpy as np
from topobench.topology.nearest import nearest_labels, squared_distances
random = np.random.default_rng(0)
for shape in [(1, 1), (1, 7), (7, 1), (2, 2), (2, 9), (3, 8), (8, 3), (13, 11), (40, 41)]:
    for share in (0, 0.02, 0.1, 0.5, 0.9, 1):
        mask = random.random(shape) < share
        nearest_labels(mask.astype(np.int32))
        if mask.any():
            squared_distances(mask)
print("within bounds")
"""


def test_no_index_leaves_its_array(tmp_path):
    checked = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    found = subprocess.run([sys.executable, "-c", EVERY_SHAPE], env=checked, cwd=ROOT, capture_output=True, text=True)
    assert found.stdout == "within bounds\n", found.stderr
