"""Folds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topobench.cards import Folds
from topobench.data.folds import split
from topobench.errors import ArgumentError, CardError
from topobench.types import Member


def members(ids, unit=lambda name: name):
    return [Member(name, "", unit(name)) for name in ids]


@given(st.integers(2, 6), st.integers(6, 40))
def test_every_image_is_scored_once_and_never_trained_on_then(count, images):
    ids = [str(index) for index in range(images)]
    folds = [split(members(ids), Folds(rule="contiguous", count=count), index) for index in range(count)]
    assert [image for _, scored in folds for image in scored] == ids
    for train, scored in folds:
        assert sorted([*train, *scored]) == sorted(ids)
        assert scored


def test_wrong_folds():
    with pytest.raises(ArgumentError, match="fold 3 does not exist; the card has the folds 0 to 2"):
        split(members("abc"), Folds(rule="contiguous", count=3), 3)
    with pytest.raises(CardError, match="2 images of 2 units cannot make 3 folds"):
        split(members("ab"), Folds(rule="contiguous", count=3), 0)
