"""Intervals, tests and groups: by hand, against SciPy, and on simulated records whose truth is known."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.test_scores import record
from topobench.errors import ArgumentError
from topobench.leaderboard import make_tables
from topobench.leaderboard.resampling import REPLICATES, Scores, interval
from topobench.leaderboard.statistics import compare, differences, groups, holm, mean_ranks, p_of_none, taus
from topobench.types import Row

NAN = np.nan


def scores(values, folds=None, units=None):
    values = np.atleast_2d(np.asarray(values, float))
    folds = np.zeros(len(values), int) if folds is None else np.asarray(folds)
    return Scores(values, folds, np.arange(values.shape[1]) if units is None else np.asarray(units))


def test_images_are_averaged_over_seeds_first():
    found = scores([[1.0, 4.0, NAN], [3.0, NAN, NAN]])
    assert found.images[:2].tolist() == [2.0, 4.0]
    assert np.isnan(found.images[2])
    assert found.mean == 3.0
    assert np.isnan(scores([[NAN]]).mean)


def test_of_one_unit_nothing_is_known():
    found = scores([[1.0, 2.0]], units=[0, 0])
    assert interval(found.replicates) is None
    assert np.isnan(compare(found, scores([[5.0, 6.0]], units=[0, 0]), False).p)


def test_the_interval_of_independent_images_is_students():
    values = np.random.default_rng(0).normal(5.0, 2.0, 12)
    low, high = interval(scores(values).replicates)
    wanted = stats.t.interval(0.95, 11, values.mean(), stats.sem(values))
    assert (low, high) == pytest.approx(wanted, abs=0.1 * (wanted[1] - wanted[0]))


@pytest.mark.parametrize("count", [2, 3, 4, 12])
def test_the_interval_of_few_units_is_as_wide_as_students(count):
    """Draws of two units are one or the other, and no further from the mean than one standard error."""
    values = np.random.default_rng(count).normal(5.0, 2.0, count)
    low, high = interval(scores(values).replicates)
    wanted = stats.t.interval(0.95, count - 1, values.mean(), stats.sem(values))
    assert high - low == pytest.approx(wanted[1] - wanted[0])
    assert low <= values.mean() <= high


def test_replicates_vary_with_units_and_with_seeds():
    rng = np.random.default_rng(1)
    units = np.repeat(np.arange(40), 3)
    of_units = rng.normal(0, 1.0, 40)[units] + np.zeros((30, 1))
    of_seeds = rng.normal(0, 1.0, (30, 1)) + np.zeros((1, 120))
    variances = [scores(values, units=units).replicates.var() for values in (of_units, of_seeds, of_units + of_seeds)]
    assert variances[0] == pytest.approx(of_units[0, ::3].var(ddof=1) / 40, rel=0.15)
    assert variances[1] == pytest.approx(of_seeds[:, 0].var(ddof=1) / 30, rel=0.15)
    assert variances[2] == pytest.approx(variances[0] + variances[1], rel=0.15)


def test_seeds_are_drawn_within_their_fold():
    """The seeds of two folds differ by nothing, the folds by much: no replicate can differ by that."""
    values = [[0.0, 0.0, NAN, NAN]] * 3 + [[NAN, NAN, 9.0, 9.0]] * 3
    found = scores(values, folds=[0, 0, 0, 1, 1, 1], units=[0, 1, 2, 3])
    assert found.mean == 4.5
    assert found.seed_part()[0].variance == found.seed_part()[1].variance == 0
    assert len(found.replicates) == REPLICATES


def test_a_run_that_lacks_an_image_changes_no_mean_but_that_image():
    whole, lacking = [[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, NAN]]
    assert scores(whole).images.tolist() == [2.0, 3.0]
    assert scores(lacking).images.tolist() == [2.0, 2.0]


def test_without_seeds_and_units_the_test_is_the_paired_t_test():
    rng = np.random.default_rng(2)
    first, second = rng.normal(0, 1, 15), rng.normal(0.6, 1, 15)
    found = compare(scores(first), scores(second), high_is_better=False)
    assert found.p == pytest.approx(stats.ttest_rel(first, second).pvalue)
    assert found.difference == pytest.approx((first - second).mean())
    assert found.better == pytest.approx((first < second).mean())


def test_where_images_agree_the_test_is_welchs_of_the_seeds():
    rng = np.random.default_rng(3)
    ours, theirs = rng.normal(0, 1, 4), rng.normal(1.5, 2, 6)
    spread = np.linspace(-1, 1, 9)
    found = compare(scores(ours[:, None] + spread), scores(theirs[:, None] + spread), high_is_better=True)
    assert found.p == pytest.approx(stats.ttest_ind(ours, theirs, equal_var=False).pvalue)


def test_images_of_one_unit_count_once():
    rng = np.random.default_rng(4)
    first, second = rng.normal(0, 1, 8), rng.normal(0.8, 1, 8)
    copies, units = np.repeat(np.stack([first, second]), 5, axis=1), np.repeat(np.arange(8), 5)
    alone = compare(scores(first), scores(second), False).p
    assert compare(scores(copies[0], units=units), scores(copies[1], units=units), False).p == pytest.approx(alone)


def test_equal_methods_and_equal_differences():
    same = scores([1.0, 2.0, 3.0])
    assert compare(same, same, False) == compare(same, scores([1.0, 2.0, 3.0]), False)
    assert compare(same, same, False).p == 1.0
    assert compare(same, scores([2.0, 3.0, 4.0]), False).p == 2.0**-2  # three signs alike, in one of two directions


def test_what_rounding_makes_is_no_difference():
    found = compare(scores([0.1 + 0.2] * 3), scores([0.3] * 3), False)
    assert (found.better, found.worse, found.p) == (0, 0, 1.0)
    found = compare(scores([1.1, 2.2, 3.3]), scores([1.0, 2.1, 3.2]), False)  # 0.1 each, but for the last digit
    assert (found.better, found.worse, found.p) == (0, 1, 2.0**-2)


def test_runs_are_paired_by_fold_and_seed():
    first, second = scores([[5.0, 7.0], [1.0, 2.0]], folds=[0, 1]), scores([[4.0, 4.0], [3.0, NAN]], folds=[0, 1])
    found = differences(first, second)
    assert found.values[0].tolist() == [1.0, 3.0]
    assert found.values[1, 0] == -2.0 and np.isnan(found.values[1, 1])
    with pytest.raises(ArgumentError, match="the same folds and seeds"):
        differences(first, scores([[1.0, 1.0]]))
    with pytest.raises(ArgumentError, match="the same folds and seeds"):
        differences(first, scores([[1.0, 1.0]] * 2, folds=[0, 2]))


def test_of_one_seed_the_test_of_differences_is_the_paired_t_test():
    first, second = np.random.default_rng(2).normal([[0.0], [0.6]], 1, (2, 15))
    found = differences(scores(first), scores(second))
    assert p_of_none(found) == pytest.approx(stats.ttest_rel(first, second).pvalue)
    assert np.isnan(p_of_none(differences(scores([1.0, 2.0], units=[0, 0]), scores([1.0, 1.0], units=[0, 0]))))


def test_what_rounding_makes_is_no_difference_run_by_run():
    assert p_of_none(differences(scores([0.1 + 0.2] * 3), scores([0.3] * 3))) == 1.0
    found = differences(scores([1.1, 2.2, 3.3]), scores([1.0, 2.1, 3.2]))  # 0.1 each, but for the last digit
    assert p_of_none(found) == 2.0**-2


def test_pairs_of_seeds_find_what_a_common_warm_up_hides():
    """Luck of the seed is in both trainings, and cancels; what is left errs as seldom as it says, and finds more."""
    rng = np.random.default_rng(7)
    folds, units = np.repeat([0, 1, 2], 3), np.repeat(np.arange(9), 3)
    found = {"equal": [], "worse": [], "unpaired": []}
    for _ in range(200):
        luck, hard = rng.normal(0, 1.0, (9, 1)), rng.normal(0, 1.0, 9)[units]

        def trained(mean, luck=luck, hard=hard):
            own = rng.normal(0, 0.3, (9, 1)) + rng.normal(0, 0.3, 9)[units]
            return scores(mean + luck + hard + own + rng.normal(0, 0.3, (9, 27)), folds, units)

        base, same, worse = trained(0.0), trained(0.0), trained(0.6)
        found["equal"].append(p_of_none(differences(base, same)) < 0.05)
        found["worse"].append(p_of_none(differences(base, worse)) < 0.05)
        found["unpaired"].append(compare(base, worse, False).p < 0.05)
    assert np.mean(found["equal"]) <= 0.08
    assert np.mean(found["worse"]) > np.mean(found["unpaired"]) + 0.2


def test_taus_are_scipys():
    rng = np.random.default_rng(8)
    means, others = rng.integers(0, 6, 9).astype(float), rng.integers(0, 6, (9, 50)).astype(float)
    wanted = [stats.kendalltau(means, others[:, column]).statistic for column in range(50)]
    assert taus(means, others) == pytest.approx(np.array(wanted))
    assert np.isnan(taus(np.zeros(3), np.arange(3.0)[:, None])[0])


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, NAN, 0.9])[::2] == pytest.approx([1.0, 1.0])
    assert np.isnan(holm([0.5, NAN])[1])
    assert holm([]) == []


def matrix(count, pairs):
    found = np.zeros((count, count), bool)
    for one, other in pairs:
        found[one, other] = found[other, one] = True
    return found


def test_letters_by_hand():
    assert groups(matrix(3, [])) == [("a",)] * 3
    assert groups(matrix(3, [(0, 2)])) == [("a",), ("a", "b"), ("b",)]
    assert groups(matrix(3, [(0, 1), (0, 2), (1, 2)])) == [("a",), ("b",), ("c",)]
    assert groups(matrix(4, [(0, 2), (0, 3), (1, 3)])) == [("a",), ("a", "b"), ("b", "c"), ("c",)]
    assert groups(np.zeros((0, 0), bool)) == []


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.tuples(*[st.integers(0, n - 1)] * 2)))))
def test_two_share_a_letter_exactly_if_they_cannot_be_told_apart(made):
    count, pairs = made
    differ = matrix(count, [(one, other) for one, other in pairs if one != other])
    letters = groups(differ)
    for one in range(count):
        for other in range(one):
            assert bool(set(letters[one]) & set(letters[other])) == (not differ[one, other])


def test_letters_after_z():
    letters = groups(~np.eye(28, dtype=bool))
    assert letters[25:] == [("z",), ("aa",), ("ab",)]


def test_mean_ranks_by_hand():
    sure = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    rank, low, high = mean_ranks([sure, sure[::-1]], [sure[:, 0], sure[::-1, 0]])
    assert rank.tolist() == low.tolist() == high.tolist() == [2.0, 2.0, 2.0]
    rank, _, _ = mean_ranks([sure[:2]], [np.array([5.0, 5.0])])
    assert rank.tolist() == [1.5, 1.5]
    open_ = np.stack([np.linspace(0, 1, 101), np.linspace(1, 0, 101)])
    rank, low, high = mean_ranks([open_], [np.array([0.4, 0.6])])
    assert (rank.tolist(), low.tolist(), high.tolist()) == ([1.0, 2.0], [1.0, 1.0], [2.0, 2.0])


def test_tables_vary_apart():
    """Two methods change places in half of the replicates of each table: in a quarter of all they do in both."""
    half = np.stack([np.linspace(0, 1, 1000), np.full(1000, 0.5)])
    _, low, high = mean_ranks([half] * 40, [np.array([0.4, 0.5])] * 40)
    assert 1.25 < low[0] < 1.45  # of 40 that went together it were 1
    assert 1.55 < high[0] < 1.75


# Simulated records: 3 folds of 3 units of 3 neighbouring images, 3 seeds. Units, seeds (another draw for each method
# and fold) and single images vary; the expected figure of each method is known.

FOLDS, UNITS, EACH, SEEDS = 3, 3, 3, 3


def simulated(rng, means):
    """The records of methods with these expected figures."""
    images = [
        (fold, f"image-{fold}{unit}{k}", f"unit-{fold}{unit}")
        for fold, unit, k in product(range(FOLDS), range(UNITS), range(EACH))
    ]
    hard = {unit: rng.normal(0, 1.0) for _, _, unit in images}
    for number, mean in enumerate(means):
        own = {unit: rng.normal(0, 0.3) for unit in hard}
        for fold in range(FOLDS):
            for seed in range(SEEDS):
                luck = rng.normal(0, 0.5)
                level = 10 + mean + luck
                rows = tuple(
                    Row(image, unit, "hu2019", {"betti_error": level + hard[unit] + own[unit] + rng.normal(0, 0.3)})
                    for of_fold, image, unit in images
                    if of_fold == fold
                )
                made = record(recipe={"name": f"method-{number}", "version": 1}, fold=fold, seed=seed)
                yield type(made)(**{**made.__dict__, "rows": rows})


@pytest.fixture(scope="module")
def simulations():
    """Tables of four methods, of which three are equal and one is worse by 2."""
    rng = np.random.default_rng(5)
    return [make_tables(simulated(rng, (0.0, 0.0, 0.0, 2.0)))[0] for _ in range(200)]


def equal(pair):
    return "method-3" not in (pair.first, pair.second)


def test_intervals_hold_the_truth_as_often_as_they_say(simulations):
    held = [
        low <= 10 + 2.0 * (entry.method == "method-3") <= high
        for table in simulations
        for entry in table.entries
        for low, high in [entry.intervals["betti_error"]]
    ]
    assert 0.93 <= np.mean(held) <= 0.99  # 800 of them, 200 tables


def test_the_test_errs_as_seldom_as_it_says(simulations):
    alone = [pair.found.p < 0.05 for table in simulations for pair in table.pairs if equal(pair)]
    assert len(alone) == 600
    assert 0.01 <= np.mean(alone) <= 0.07


def test_holm_keeps_the_errors_of_a_whole_table_down_and_what_differs_is_found(simulations):
    wrong = [any(pair.differ for pair in table.pairs if equal(pair)) for table in simulations]
    assert np.mean(wrong) <= 0.07
    found = [pair.differ for table in simulations for pair in table.pairs if not equal(pair)]
    assert np.mean(found) >= 0.6


def test_seeds_left_out_of_the_variance_would_find_what_is_not_there():
    """The images of one training each are measured ever so often: without seeds, luck passes for a difference."""
    rng = np.random.default_rng(6)
    naive = honest = 0
    for _ in range(200):
        luck = rng.normal(0, 0.5, (2, 3, 1))
        ours, theirs = (luck[m] + rng.normal(0, 0.1, (3, 30)) for m in range(2))
        honest += compare(scores(ours), scores(theirs), False).p < 0.05
        naive += compare(scores(ours.mean(0)), scores(theirs.mean(0)), False).p < 0.05
    assert naive / 200 > 0.8
    assert honest / 200 <= 0.08
