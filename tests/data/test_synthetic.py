"""Synthetic membranes: the counted Betti numbers are those that labelling finds, and all is a function of the seed."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import betti_by_labelling
from topobench import load_dataset
from topobench.cards import load_card
from topobench.data.dataset import open_adapter
from topobench.data.synthetic import Look, membranes, render
from topobench.errors import CardError
from topobench.seeds import generator


@pytest.mark.parametrize("connectivity", [4, 8])
def test_counted_numbers_are_those_of_the_card(connectivity, tmp_path):
    adapter = open_adapter(load_card("synthetic-membranes"), tmp_path)
    for image_id in (member.image_id for member in adapter.members):
        made = adapter.make(image_id)
        assert betti_by_labelling(made.truth, connectivity, True) == (1, made.cells)
        assert betti_by_labelling(made.truth, connectivity, False) == made.betti
        assert made.cells > 20


@settings(max_examples=150)
@given(
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    st.floats(5, 30),
    st.floats(2, 12),
    st.floats(0, 12),
    st.integers(0, 10**6),
)
def test_counted_numbers_hold_for_any_width_and_shape(shape, spacing, thin, more, seed):
    """Also where walls swallow cells, and where cells touch several sides or a corner."""
    made = membranes(shape, spacing, (thin, thin + more), generator(seed))
    for connectivity in (4, 8):
        assert betti_by_labelling(made.truth, connectivity, True) == (1, made.cells)
        assert betti_by_labelling(made.truth, connectivity, False) == made.betti


def test_swallowed_cells_are_dropped():
    counts = [membranes((120, 120), 12.0, (width, width), generator(3)).cells for width in (2.0, 6.0, 9.0, 30.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 80
    assert counts[-1] == 0


def test_looks_change_the_image_and_never_the_truth():
    truth = membranes((80, 80), 20.0, (3.0, 5.0), generator(0)).truth
    plain = Look(contrast=0.4, blur=0.0, noise=0.0, gaps=0.0, granules=0.0)
    clean = render(truth, plain, generator(1))
    assert clean[truth].max() < clean[~truth].min()  # a threshold would do
    for change in ({"noise": 0.2}, {"blur": 2.0}, {"gaps": 3.0}, {"granules": 3.0}):
        image = render(truth, replace(plain, **change), generator(1))
        assert image[truth].max() > image[~truth].min(), change  # now it does not
        assert image.min() >= 0
        assert image.max() <= 1


def test_samples_are_repeatable_and_differ():
    first, second = load_dataset("synthetic-membranes"), load_dataset("synthetic-membranes")
    name, other = first.image_ids[:2]
    assert np.array_equal(first[name].image, second[name].image)
    assert not np.array_equal(first[name].truth, first[other].truth)
    assert first[name].image.dtype == np.float32
    assert first.data_hash == second.data_hash


def test_data_hash_follows_the_options(tmp_path):
    card = load_card("synthetic-membranes")
    other = card.model_copy(update={"layout": {**card.layout, "noise": 0.1}})
    assert open_adapter(card, tmp_path).data_hash() != open_adapter(other, tmp_path).data_hash()


@pytest.mark.parametrize("seed", range(8))
def test_one_pixel(seed):
    made = membranes((1, 1), 11.0, (2.0, 2.0), generator(seed))
    assert betti_by_labelling(made.truth, 8, False) == made.betti
    assert betti_by_labelling(made.truth, 8, True) == (1, made.cells)


def test_impossible_width_is_refused(tmp_path):
    card = load_card("synthetic-membranes")
    with pytest.raises(CardError, match=r"width is \[1.0, 3.0\]; wanted 2 <= lowest"):
        open_adapter(card.model_copy(update={"layout": {**card.layout, "width": [1.0, 3.0]}}), tmp_path)
