"""Synthetic membranes: the counted Betti numbers are those that labelling finds, and the pixels stay what they were."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import betti_by_labelling
from topobench import load_dataset
from topobench.data.synthetic.membranes import membranes
from topobench.seeds import generator


@settings(max_examples=150)
@given(
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    st.floats(5, 30),
    st.floats(2, 12),
    st.floats(0, 12),
    st.integers(0, 10**6),
)
def test_counted_numbers_hold_for_any_width_and_shape(shape, spacing, thin, more, seed):
    """Every attempt holds, also where walls swallow cells, and where cells touch several sides or a corner."""
    made = membranes(shape, spacing, (thin, thin + more), generator(seed))
    assert made.framed[0] == 1
    for connectivity in (4, 8):
        assert betti_by_labelling(made.truth, connectivity, True) == made.framed
        assert betti_by_labelling(made.truth, connectivity, False) == made.betti
    assert made.holds()


def test_swallowed_cells_are_dropped():
    counts = [membranes((120, 120), 12.0, (width, width), generator(3)).framed[1] for width in (2.0, 6.0, 9.0, 30.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 80
    assert counts[-1] == 0


@pytest.mark.parametrize("seed", range(8))
def test_one_pixel(seed):
    made = membranes((1, 1), 11.0, (2.0, 2.0), generator(seed))
    assert betti_by_labelling(made.truth, 8, False) == made.betti
    assert betti_by_labelling(made.truth, 8, True) == made.framed


def test_pixels_and_hash_are_those_of_version_1():
    """Published figures depend on them: other pixels want another version of the card and of the family."""
    dataset = load_dataset("synthetic-membranes")
    assert dataset.data_hash == "bfbc26eef2bfa636668038d08e9771c445db17d5c7d21a3ce2bd370ecefa6601"
    truths, images = (hashlib.sha256() for _ in range(2))
    for sample in list(dataset)[:4]:
        truths.update(sample.truth.tobytes())
        images.update(sample.image.tobytes())
    assert (truths.hexdigest()[:16], images.hexdigest()[:16]) == ("f2b89fa1c68c2a89", "ed0ab067e0a3a0ab")
