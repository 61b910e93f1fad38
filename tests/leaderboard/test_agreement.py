"""How far tables of the same methods agree: by hand, and on what chance makes of them."""

from dataclasses import replace

import numpy as np
import pytest

from tests.leaderboard.made import protocol, runs
from topobench.leaderboard import make_tables
from topobench.leaderboard.agreement import agree, repeated, told_apart
from topobench.types import Row

BOTH = {"hu2019": protocol(), "hu2019:129": protocol("hu2019:129", patch_size=129)}


def tables(levels, noise=0.05, null=None, seed=0):
    """The tables of two protocols, of methods with these expected errors in each, twelve images a unit each.

    Images and seeds move each method by its own luck, of the size `noise`.
    """
    rng, made = np.random.default_rng(seed), []
    for name, of_each in levels.items():
        own = rng.normal(0, noise, 12)
        for one in runs(name, 1.0, protocols=BOTH):
            luck = rng.normal(0, noise / 2)
            rows = tuple(
                Row(f"image-{k}", f"unit-{k}", by, {"betti_error": level + own[k] + luck})
                for by, level in zip(BOTH, of_each, strict=True) for k in range(12)
            )  # fmt: skip
            kind = "null" if name == null else "trained"
            made.append(replace(one, rows=rows, kind=kind, run_id=f"{name[0]}{one.run_id[1:]}"))
    return sorted(make_tables(made), key=lambda table: table.protocol["name"])


def test_one_pair_of_three_turned_round():
    first, second = tables({"a": (1, 1), "b": (2, 3), "c": (3, 2)})
    found = agree(first, second)
    assert found.tau == pytest.approx(1 / 3)  # two of three pairs one way, one the other
    assert (found.both, found.against) == (3, (("b", "c"),))
    assert agree(second, first).against == (("c", "b"),)
    assert agree(first, first).tau == 1.0 and agree(first, first).against == ()


def test_what_is_not_told_apart_contradicts_nothing():
    first, second = tables({"a": (1, 1), "b": (2, 3), "c": (3, 2.999)})
    found = agree(first, second)
    assert (found.both, found.against) == (2, ())
    assert told_apart(first) == (3, 3)
    assert told_apart(second) == (2, 3)


def test_null_rows_are_not_among_the_methods():
    first, second = tables({"a": (1, 1), "b": (2, 2), "nothing": (0, 9)}, null="nothing")
    assert agree(first, second).tau == 1.0
    assert told_apart(first) == (1, 1)


def test_a_repetition_would_have_the_same_order_where_methods_are_far_apart():
    clear, _ = tables({"a": (1, 1), "b": (2, 2), "c": (3, 3)})
    luck, _ = tables(dict.fromkeys("abcdef", (1, 1)), noise=1.0)
    assert repeated(clear) == 1.0
    assert -0.2 < repeated(luck) < 0.4


@pytest.mark.parametrize("spread", [0.0, 0.12, 0.5])
def test_it_is_about_what_a_repetition_gives(spread):
    """Forty pairs of experiments on methods that differ by nothing, by about as much as luck, and by more."""
    rng, found, said = np.random.default_rng(3), [], []
    for _ in range(40):
        levels = {name: (level, level) for name, level in zip("abcdef", rng.normal(0, spread, 6), strict=True)}
        first, second = (tables(levels, noise=0.3, seed=rng.integers(2**32))[0] for _ in range(2))
        found.append(agree(first, second).tau)
        said.append(repeated(first))
    assert np.mean(said) == pytest.approx(np.mean(found), abs=0.12)


def test_figures_of_which_high_is_better_are_turned():
    BOTH_HIGH = {"low": protocol("low"), "high": protocol("high", ranked_by="accuracy")}
    made = []
    for name, level in {"a": 1.0, "b": 2.0, "c": 3.0}.items():
        for one in runs(name, level, protocols=BOTH_HIGH):
            rows = tuple(
                Row(f"i{k}", f"u{k}", by, {"betti_error": level + k / 100, "accuracy": 1 - level / 10 - k / 1000})
                for by in BOTH_HIGH for k in range(4)
            )  # fmt: skip
            made.append(replace(one, rows=rows))
    low, high = sorted(make_tables(made), key=lambda table: table.protocol["name"], reverse=True)
    assert agree(low, high).tau == 1.0
    assert repeated(high) > 0.9
