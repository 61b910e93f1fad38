"""Pairs by their maximin pixels: by hand, and against components at every threshold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import measure

from tests.strategies import connectivities, images
from topobench.errors import ArgumentError
from topobench.topology import maximin_pairs


def labelled(values):
    return np.array(values, np.int32)


def test_by_hand():
    image = [[0.9, 0.2, 0.8], [0.1, 0.1, 0.7]]
    same, other = maximin_pairs(image, labelled([[1, 0, 2], [0, 0, 2]]), connectivity=4)
    assert same.tolist() == [[1, 0, 1], [0, 0, 2]]  # each with itself, and the two of label 2 at the lesser one
    assert other.tolist() == [[0, 2, 0], [0, 0, 0]]  # label 1 to label 2, at the saddle
    both = maximin_pairs([[3, 1], [2, 4]], labelled([[1, 0], [0, 2]]), connectivity=8)
    assert [counts.tolist() for counts in both] == [[[1, 0], [0, 1]], [[1, 0], [0, 0]]]  # over the corner


def slowly(image, labels, connectivity):
    """Pixels enter in descending order, labelled ones first; which pairs does scikit-image find connected now?"""
    same, other = np.zeros((2, image.size), int)
    label, inside, before = labels.ravel(), np.zeros(image.size, bool), np.zeros((image.size, image.size), bool)
    for pixel in np.lexsort((label == 0, -image.ravel())):
        inside[pixel] = True
        component = measure.label(inside.reshape(image.shape), connectivity=2 if connectivity == 8 else 1).ravel()
        now = (component[:, None] == component) & (component > 0) & (label > 0) & (label > 0)[:, None]
        one, two = np.nonzero(np.triu(now & ~before))
        same[pixel], other[pixel] = (label[one] == label[two]).sum(), (label[one] != label[two]).sum()
        before = now
    return same.reshape(image.shape), other.reshape(image.shape)


@given(images(), st.integers(0, 2**32 - 1), st.integers(1, 6), connectivities)
def test_as_by_components_at_every_threshold(image, seed, count, connectivity):
    labels = np.random.default_rng(seed).integers(0, count, image.shape, np.int32)
    found, wanted = maximin_pairs(image, labels, connectivity), slowly(image, labels, connectivity)
    assert np.array_equal(found, wanted)


def test_every_pair_is_counted_once_in_large_images_with_many_labels():
    generator = np.random.default_rng(0)
    image = generator.random((2, 200, 300))
    labels = generator.integers(0, 500, image.shape, np.int32)
    same, other = maximin_pairs(image, labels)
    for number in range(2):
        sizes = np.bincount(labels[number].ravel())[1:]
        assert same[number].sum() == (sizes * (sizes + 1) // 2).sum()
        assert same[number].sum() + other[number].sum() == sizes.sum() * (sizes.sum() + 1) // 2
        alone = maximin_pairs(image[number], labels[number], threads=1)
        assert np.array_equal(alone, (same[number], other[number]))


def test_what_is_equal_enters_in_row_major_order_labelled_pixels_first():
    same, other = maximin_pairs(np.ones((2, 3), np.uint8), labelled([[1, 1, 2], [0, 2, 1]]))
    assert same.tolist() == [[1, 2, 1], [0, 2, 3]]
    assert other.tolist() == [[0, 0, 2], [0, 2, 2]]
    same, other = maximin_pairs(np.ones((1, 5), np.uint8), labelled([[1, 1, 0, 2, 2]]))
    assert same.tolist() == [[1, 2, 0, 1, 2]]
    assert other.tolist() == [[0, 0, 4, 0, 0]]  # all at the pixel between them


@pytest.mark.parametrize(
    ("image", "labels", "words"),
    [
        (np.zeros((2, 3)), labelled(np.zeros((3, 2))), r"image has shape \(2, 3\), the label image \(3, 2\)"),
        (np.zeros((2, 3)), np.zeros((2, 3)), "the label image is float64; labels must be integers"),
        (np.zeros((1, 3)), [[0, 7, -1]], r"labels from -1 to 7; they must be 0 \(none\) or above"),
        (np.full((2, 3), np.nan), labelled(np.ones((2, 3))), r"NaN at 6 of 6 places, the first at \(0, 0\)"),
        (np.zeros((0, 3)), labelled(np.zeros((0, 3))), r"shape \(0, 3\)"),
    ],
)
def test_what_does_not_fit_is_refused(image, labels, words):
    with pytest.raises(ArgumentError, match=words):
        maximin_pairs(image, labels)


@pytest.mark.parametrize("offset", [5, 2**31, 2**63 - 9])
def test_labels_of_any_size_are_names_only(offset):
    image, labels = np.random.default_rng(0).random((6, 7)), np.random.default_rng(1).integers(0, 4, (6, 7))
    named = np.where(labels > 0, labels.astype(np.uint64) + np.uint64(offset), np.uint64(0))
    assert np.array_equal(maximin_pairs(image, named), maximin_pairs(image, labels))
    everywhere = labels.astype(np.uint64) + np.uint64(offset)  # none without a label
    assert np.array_equal(maximin_pairs(image, everywhere), maximin_pairs(image, labels + 1))


def test_a_batch_of_none():
    same, other = maximin_pairs(np.zeros((0, 3, 4)), np.zeros((0, 3, 4), int))
    assert same.shape == other.shape == (0, 3, 4)


def test_integers_and_views_are_taken():
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    labels = labelled([[1, 1, 2, 2], [0, 1, 2, 0], [3, 3, 3, 3]])
    wanted = maximin_pairs(image.astype(float), labels)
    assert np.array_equal(maximin_pairs(image, labels), wanted)
    turned = maximin_pairs(np.asfortranarray(image)[::-1], labels[::-1])
    assert np.array_equal([counts[::-1] for counts in turned], wanted)  # no two pixels are equal
    assert np.array_equal(maximin_pairs(image.tolist(), labels.tolist()), wanted)
