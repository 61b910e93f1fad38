"""The curve of a training's losses: so many points at most, each the mean of an interval, whoever went on with it."""

import json

import numpy as np
import pytest

from topobench.run.curve import POINTS, Curve


def curve_of(values, begin=0):
    found = Curve(begin)
    for value in values:
        found.add(value if isinstance(value, dict) else {"a": value})
    return found


def test_a_short_training_has_a_point_a_step():
    assert curve_of([0.5, 0.25, 0.125]).points() == {"steps": [1, 2, 3], "terms": {"a": [0.5, 0.25, 0.125]}}
    assert curve_of([]).points() == {"steps": [], "terms": {}}


def test_one_step_too_many_merges_neighbours():
    """Fifty points at fifty steps; at the next, 25 pairs and the step alone, which the one after it joins."""
    assert curve_of(range(50)).points()["steps"] == list(range(1, 51))
    found = curve_of(range(51))
    assert found.points() == {"steps": [*range(2, 51, 2), 51], "terms": {"a": [*np.arange(0.5, 50, 2), 50.0]}}
    found.add({"a": 52.0})
    assert found.points()["steps"][-2:] == [50, 52]
    assert found.points()["terms"]["a"][-2:] == [48.5, 51.0]


def test_of_any_length_it_is_the_means_of_equal_intervals():
    values, found = np.random.default_rng(0).random(1700), Curve()
    for done, value in enumerate(values, start=1):
        found.add({"a": value})
        seen, means, steps = values[:done], found.points()["terms"]["a"], found.points()["steps"]
        length = steps[0]
        assert steps == [*range(length, done, length), done]
        assert len(steps) <= POINTS
        assert done <= POINTS // 2 or len(steps) > POINTS // 2
        assert means == pytest.approx([seen[at : at + length].mean() for at in range(0, done, length)], rel=1e-5)


def test_a_term_that_joins_later_has_none_before_and_its_own_mean():
    """The 21st of 60 steps is the first of its interval of two, the 30th the second of another."""
    for first, at, wanted in ((20, 10, 20.5), (29, 14, 29.0)):
        steps = [{"a": 1.0} | ({"b": float(step)} if step >= first else {}) for step in range(60)]
        terms = curve_of(steps).points()["terms"]
        assert terms["a"] == [1.0] * 30
        assert terms["b"][: at + 1] == [None] * at + [wanted]
        assert terms["b"][-1] == 58.5


def test_values_have_six_digits():
    assert curve_of([1 / 3, 123456.789, 1e-9 / 7]).points()["terms"]["a"] == [0.333333, 123457.0, 1.42857e-10]


@pytest.mark.parametrize("stop", [0, 1, 49, 50, 51, 99, 100, 101, 150, 233])
def test_gone_on_with_from_its_state_it_ends_the_same(stop):
    values = np.random.default_rng(1).random(234).tolist()
    again = Curve(**json.loads(json.dumps(curve_of(values[:stop]).state())))
    for value in values[stop:]:
        again.add({"a": value})
    assert again.points() == curve_of(values).points()


def test_it_may_begin_in_the_middle_of_a_training():
    assert curve_of([4.0, 2.0], begin=7).points() == {"steps": [8, 9], "terms": {"a": [4.0, 2.0]}}
    assert curve_of(range(51), begin=100).points()["steps"][:2] == [102, 104]
