"""Every figure of ours before the suite of metrics, and mutants, each of which must fail one rule, and that alone."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

from topobench import registry
from topobench.errors import ArgumentError
from topobench.metrics import FIGURES, Figure, Undefined, defines
from topobench.metrics.conformance import RULES, check_metric
from topobench.metrics.conformance.faulty import CONTEXTS, FAULTS, case_of, net
from topobench.topology import betti_numbers

WRONG = Figure("wrong", "low", "share of valid pixels that are wrong")
NOWHERE = Undefined("no pixel is valid")


def wrong(case):
    """A sound metric, of which the mutants are made: the share of valid pixels that are wrong."""
    if case.nowhere:
        return {"wrong": NOWHERE}
    differ = case.prediction != case.truth
    return {"wrong": float(np.mean(differ if case.valid is None else differ[case.valid]))}


def mutant(change, figure=WRONG):
    """The sound metric with its share changed, where there is one, by what `change` makes of it and the case."""

    @defines(figure)
    def changed(case):
        found = wrong(case)
        return found if found["wrong"] is NOWHERE else {"wrong": change(found["wrong"], case)}

    return changed


def failures(metric, name="wrong"):
    """Rule -> reasons of what failed."""
    report = check_metric(metric, name)
    return {rule: list(report.reasons(rule)) for rule in {check.rule for check in report.failed}}


@pytest.mark.parametrize("name", FIGURES)
def test_our_figures_keep_every_rule(name):
    report = check_metric(registry.load("metrics", name), name)
    assert report.failed == ()
    unclaimed = {check.rule for check in report.checks if check.status == "not claimed"}
    assert unclaimed == ({"perfect is best", "sees something"} if FIGURES[name].better == "neither" else set())


def test_a_sound_metric_of_somebody_keeps_every_rule():
    report = check_metric(defines(WRONG)(wrong), "wrong")
    assert (report.subject, report.failed) == ("wrong", ())
    assert {check.status for check in report.checks} == {"passed"}
    assert [rule.name for rule in RULES] == list(report.counts())


def test_one_that_breaks_everywhere_is_told_so_once():
    @defines(WRONG)
    def breaks(case):
        return {"wrong": case.no_such_thing}

    found = failures(breaks)
    assert found == {"gives its figure": ["raises AttributeError: 'Case' object has no attribute 'no_such_thing'."]}
    assert list(check_metric(breaks, "wrong").counts()) == ["says what it is", "gives its figure"]


def test_a_share_that_high_values_are_better_of_and_a_count_keep_every_rule():
    assert failures(mutant(lambda share, case: 1 - share, replace(WRONG, better="high"))) == {}
    assert failures(mutant(lambda share, case: share * case.truth.size, replace(WRONG, unit="pixels"))) == {}
    right = replace(WRONG, better="high", unit="pixels")  # of which the best is not known
    assert failures(mutant(lambda share, case: (1 - share) * case.truth.size, right)) == {}


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        (None, "it has no Figure named 'wrong'; write @defines(Figure('wrong', 'low', 'what it measures')) above it."),
        ((Figure("right", "low", "another"),), "it has no Figure named 'wrong'; write @defines(Figure('wrong', "),
        (WRONG, "raises ArgumentError: the figures of a metric are Figure(name='wrong', "),
        ((replace(WRONG, meaning=" "),), "the meaning of its Figure is ' '; say in a few words what it measures."),
    ],
)
def test_a_metric_that_says_not_what_it_is(figures, reason):
    def silent(case):
        return wrong(case)

    if figures is not None:
        silent.figures = figures
    found = failures(silent)
    assert list(found) == ["says what it is"]
    assert found["says what it is"][0].startswith(reason)


def test_a_metric_named_like_one_of_ours():
    @defines(Figure("dice", "high", "not ours"))
    def dice(case):
        return registry.load("metrics", "dice")(case)

    [reason] = failures(dice, "dice")["says what it is"]
    assert reason == "topobench has a figure named 'dice', which wins over a plugin's; give it another name."


def regular(case):
    """Whether a case is of the net: the other images are asked by rules of their own."""
    return case.truth.shape == net().shape


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, "it gave nan; where there is no value, give Undefined(reason)."),
        (math.inf, "it gave inf; where there is no value, give Undefined(reason)."),
        ("low", "it gave 'low'; a figure is a number, or Undefined(reason)."),
        (Undefined(""), "it gave Undefined without a reason; say why in a few words."),
    ],
)
def test_a_metric_that_gives_no_figure(value, reason):
    found = failures(mutant(lambda share, case: value if regular(case) and case.prediction.all() else share))
    assert found == {"gives its figure": [f"of a prediction with the fault 'all structure' {reason}"]}


def test_a_metric_that_is_undefined_of_the_truth_itself():
    assert failures(mutant(lambda share, case: share if share else Undefined("nothing is wrong"))) == {
        "sees something": ["it is undefined of the truth itself; give that the best value there is."]
    }


def test_a_metric_that_returns_no_mapping():
    share = mutant(lambda share, case: share)

    @defines(WRONG)
    def number(case):
        return share(case)["wrong"] if regular(case) and case.prediction.all() else share(case)

    [reason] = failures(number)["gives its figure"][:1]
    assert "of a prediction with the fault 'all structure' it returned 0." in reason
    assert reason.endswith("return a mapping that holds 'wrong'.")


def test_a_metric_beyond_its_range():
    found = failures(mutant(lambda share, case: 2 * share))
    assert list(found) == ["in its range"]
    assert "beyond the range from 0 to 1 of its Figure; give the Figure a unit or limits" in found["in its range"][0]
    limited = replace(WRONG, limits=(0.0, 2.0))
    assert failures(mutant(lambda share, case: 2 * share, limited)) == {}


def test_a_metric_whose_best_is_not_the_truth():
    found = failures(mutant(lambda share, case: (share + 0.5) / 1.5))
    assert found == {
        "perfect is best": ["of the truth itself it is 0.333333, not 0, which its Figure says is the best."]
    }


def test_a_metric_that_is_ranked_upside_down():
    pixels = replace(WRONG, unit="pixels", better="high", limits=(0.0, math.inf))
    found = failures(mutant(lambda share, case: abs(share - 0.1) * 100, pixels))
    assert list(found) == ["perfect is best"]
    assert "better than the 10 of the truth itself (high is better)." in found["perfect is best"][0]


def test_a_metric_that_sees_nothing():
    assert failures(mutant(lambda share, case: 0.0)) == {
        "sees something": [
            "no faulty prediction, not even an empty one, is worse by it than the truth itself: it tells nothing apart."
        ]
    }


def test_a_metric_of_the_numbers_of_labels():
    def by_number(share, case):
        ours, theirs = case.labels
        return float(np.mean(ours != theirs))

    found = failures(mutant(by_number))
    assert list(found) == ["labels renumbered"]
    assert "where the components have other numbers; use which pixels share a label" in found["labels renumbered"][0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda share, case: share if case.truth.any() else math.nan, "it gave nan; where there is no value, give"),
        (lambda share, case: share if case.truth.any() else 1 / 0, "raises ZeroDivisionError: division by zero"),
        (lambda share, case: share + 0 * np.float64(not case.truth.any() and warned()), "raises RuntimeWarning: oh"),
    ],
)
def test_a_metric_that_does_not_know_what_to_say_of_nothing(change, reason):
    found = failures(mutant(change))
    assert list(found) == ["nothing there"]
    assert reason in found["nothing there"][0]


def warned():
    """Warn, as numpy does of a mean of nothing."""
    warnings.warn("oh", RuntimeWarning, stacklevel=2)


def test_a_metric_that_has_a_value_where_no_pixel_is_valid():
    @defines(WRONG)
    def of_all(case):
        return {"wrong": 0.0} if case.nowhere else wrong(case)

    found = failures(of_all)
    assert list(found) == ["nothing there"]
    assert found["nothing there"] == [
        "(regions, 8-connected, framed, random) it is 0 where no pixel is valid; give Undefined('no pixel is valid')."
    ]


def test_a_metric_that_remembers():
    """One adds what it saw under an id before; one keeps a figure under the id of the image, whoever predicted it."""
    seen = []

    def grown(share, case):
        seen.append(case.image_id)
        return share / seen.count(case.image_id) if case.image_id == "one image" else share

    found = failures(mutant(grown))
    assert list(found) == ["no state"]
    assert "when asked again after other images; keep nothing from one call to the next" in found["no state"][0]
    kept = {}
    found = failures(mutant(lambda share, case: kept.setdefault((case.image_id, case.truth.tobytes()), share)))
    assert found["no state"][0].startswith("predictions of one image_id all get 0, and others under ids of their own;")


@pytest.mark.parametrize("axis", [0, 1])
def test_a_metric_that_wants_large_images(axis):
    found = failures(mutant(lambda share, case: share + 0 * case.truth.take(1, axis)[0]))
    assert list(found) == ["any shape"]
    assert found["any shape"] == ["raises IndexError: index 1 is out of bounds for axis 0 with size 1."] or axis
    assert len(found["any shape"]) == 1


@pytest.mark.parametrize("word", ["prediction", "truth", "valid", "labels[1]", "table.pixels"])
def test_a_metric_that_writes_to_what_it_is_given(word):
    def written(share, case):
        name, _, rest = word.replace("[", ".").partition(".")
        array = getattr(case, name)
        array = array[1] if rest == "1]" else getattr(array, rest) if rest else array
        if array is not None:
            array[...] = np.roll(array, 1)
        return share

    found = failures(mutant(written))
    assert list(found) == ["arguments untouched"]
    assert found["arguments untouched"] == [
        f"it writes to case.{word}, which other metrics are given, too; write to a copy of it.",
        "raises ValueError: assignment destination is read-only.",
    ]


def test_what_cannot_be_asked():
    class Wrong:
        figures = (WRONG,)

        def __call__(self, case):
            return wrong(case)

    for nothing in (Wrong, 3):
        with pytest.raises(ArgumentError, match=r"the metric is .*; give a function of a topobench\.metrics\.Case"):
            check_metric(nothing, "wrong")
    assert check_metric(Wrong(), "wrong").failed == ()


def test_the_faults_are_what_their_names_say():
    """(b0, b1) of the net: the net and a spot, with two cells; a figure that sees components sees most faults."""
    wanted = {
        "none": (2, 2), "gap": (2, 1), "false bridge": (1, 3), "island": (3, 2), "lost line": (2, 1),
        "false hole": (2, 3), "thicker": (2, 2), "all background": (0, 0), "all structure": (1, 0),
    }  # fmt: skip
    for connectivity in (4, 8):
        assert {name: betti_numbers(FAULTS[name], connectivity, False) for name in wanted} == wanted


def test_a_masked_case_is_filled_as_score_fills_it():
    for context in CONTEXTS:
        case = case_of(context, FAULTS["inverted"], "x")
        assert (case.valid is None) == (not context.masked)
        if case.valid is not None:
            assert 0.7 < case.valid.mean() < 0.9
            assert (case.prediction[~case.valid] == context.frame).all()
            assert (case.truth[~case.valid] == context.frame).all()
