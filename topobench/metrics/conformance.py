"""The conformance suite of metrics: does a figure say what it is, and is it that of every image?

`check_metric` puts a figure of a metric, ours or anybody's (`topobench.metrics.Metric`), before small images with known
faults, under choices in which both connectivities and phases, framed and not, with and without a validity mask occur.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topobench.conformance import Outcome, Rule, ask, hold
from topobench.errors import ArgumentError
from topobench.metrics.case import Case, Labels
from topobench.metrics.contract import Metric, said_of
from topobench.metrics.faulty import CONTEXTS, FAULTS, SHAPES, Context, case_of, mask_of, net
from topobench.metrics.figures import Figure
from topobench.metrics.subject import Subject
from topobench.registry import BUILTINS
from topobench.types import BoolArray, Report

__all__ = ["RULES", "check_metric"]

ROUNDING = 1e-9  # of a sum that is taken in another order
SILENT = "the metric does not say what it is."


def check_metric(metric: Metric, name: str, rules: Sequence[Rule[Subject]] | None = None) -> Report:
    """Hold one figure of a metric to the rules of the suite.

    Parameters
    ----------
    metric : Metric
        Takes a `Case` and returns a mapping that holds the figure.
    name : str
        The figure's; the report is called by it, too.
    rules : sequence of Rule, or None
        Which of `RULES`; None: all of them.

    Returns
    -------
    Report
        A check for each rule and case. What a metric raises or warns of is a failed check, not an error.

    Raises
    ------
    ArgumentError
        If it is a class, or cannot be called.

    Notes
    -----
    Some hundred calls with images of at most 26 x 33 pixels. Nothing is random but by fixed seeds.
    """
    if isinstance(metric, type) or not callable(metric):
        raise ArgumentError(f"the metric is {metric!r}; give a function of a topobench.metrics.Case, or an instance.")
    return hold(Subject(metric, name), name, RULES if rules is None else rules)


def _says_what_it_is(subject: Subject) -> Iterator[Outcome]:
    yield ask("its Figure", _said, subject)


def _said(subject: Subject) -> str | None:
    name, figure = subject.name, said_of(subject.name, subject.metric)
    if figure is None:
        return f"it has no Figure named {name!r}; write @defines(Figure({name!r}, 'low', 'what it measures')) above it."
    if name in BUILTINS["metrics"] and hasattr(subject.metric, "figures"):
        return f"topobench has a figure named {name!r}, which wins over a plugin's; give it another name."
    blank = not (isinstance(figure.meaning, str) and figure.meaning.strip())
    return f"the meaning of its Figure is {figure.meaning!r}; say in a few words what it measures." if blank else None


def _in_each_context(judge: Callable[[Subject, Context], str | None]) -> Callable[[Subject], Iterator[Outcome]]:
    """Return the rule that asks about all choices."""

    def answer(subject: Subject) -> Iterator[Outcome]:
        for context in CONTEXTS:
            yield ask(str(context), judge, subject, context)

    return answer


def _where_it_says(
    judge: Callable[[Subject, Context, Figure], str | None], ordered: bool = False
) -> Callable[[Subject], Iterator[Outcome]]:
    """Return the rule that asks about all choices, if the metric says what it is; `ordered`: if low or high is best."""

    def answer(subject: Subject) -> Iterator[Outcome]:
        for context in CONTEXTS:
            if subject.figure is None:
                yield str(context), "not claimed", SILENT
            elif ordered and subject.figure.better == "neither":
                yield str(context), "not claimed", "neither low nor high values are better."
            else:
                yield ask(str(context), judge, subject, context, subject.figure)

    return answer


def _gives_its_figure(subject: Subject, context: Context) -> str | None:
    for fault, prediction in FAULTS.items():
        if reason := subject.fault(subject.found(case_of(context, prediction, fault))):
            return f"of {_words(fault)} {reason}"
    return None


def _in_range(subject: Subject, context: Context, figure: Figure) -> str | None:
    lowest, highest = figure.range
    for fault in FAULTS:
        value = subject.of_fault(context, fault)
        if value is not None and not lowest - ROUNDING <= value <= highest + ROUNDING:
            return (
                f"of {_words(fault)} it is {value:.6g}, beyond the range from {lowest:g} to {highest:g} of its Figure; "
                "give the Figure a unit or limits, or mend it."
            )
    return None


def _perfect_is_best(subject: Subject, context: Context, figure: Figure) -> str | None:
    perfect = subject.of_fault(context, "none")
    if perfect is None:
        return None
    if figure.best is not None and abs(perfect - figure.best) > ROUNDING:
        return f"of the truth itself it is {perfect:.6g}, not {figure.best:g}, which its Figure says is the best."
    for fault in FAULTS:
        value = subject.of_fault(context, fault)
        if value is not None and _worse(figure, perfect, value):
            return (
                f"of {_words(fault)} it is {value:.6g}, better than the {perfect:.6g} of the truth itself "
                f"({figure.better} is better)."
            )
    return None


def _sees_something(subject: Subject) -> Iterator[Outcome]:
    if subject.figure is None:
        yield "any fault", "not claimed", SILENT
    elif subject.figure.better == "neither":
        yield "any fault", "not claimed", "neither low nor high values are better."
    else:
        yield ask("any fault", _sees, subject, subject.figure)


def _sees(subject: Subject, figure: Figure) -> str | None:
    perfect = {context: subject.of_fault(context, "none") for context in CONTEXTS}
    for context, best in perfect.items():
        values = [subject.of_fault(context, fault) for fault in FAULTS]
        if best is not None and any(value is not None and _worse(figure, value, best) for value in values):
            return None
    if set(perfect.values()) == {None}:
        return "it is undefined of the truth itself; give that the best value there is."
    return "no faulty prediction, not even an empty one, is worse by it than the truth itself: it tells nothing apart."


def _worse(figure: Figure, value: float, other: float) -> bool:
    """Return whether a value is worse than another, by more than rounding."""
    sign = -1 if figure.better == "high" else 1
    return sign * (value - other) > ROUNDING


def _renumbered(subject: Subject, context: Context) -> str | None:
    for fault in ("gap", "island"):
        plain, turned = (case_of(context, FAULTS[fault], fault) for _ in range(2))
        vars(turned)["labels"] = tuple(_permuted(labels, seed) for seed, labels in enumerate(turned.labels))
        before, after = subject.value(plain), subject.value(turned)
        if not _alike(before, after):
            return (
                f"of {_words(fault)} it is {_number(before)}, and {_number(after)} where the components have other "
                "numbers; use which pixels share a label, not the labels themselves."
            )
    return None


def _permuted(labels: Labels, seed: int) -> Labels:
    """Return labels numbered anew; 0 stays 0."""
    order = 1 + np.random.default_rng(seed).permutation(int(labels.max()))
    if len(order) > 1 and np.array_equal(order, np.sort(order)):
        order = order[::-1]
    return np.concatenate([[0], order]).astype(np.int32)[labels]


def _nothing_there(subject: Subject) -> Iterator[Outcome]:
    nothing, everything = np.zeros((20, 23), bool), np.ones((20, 23), bool)
    for (one, prediction), (other, truth) in (
        (("empty", nothing), ("empty", nothing)), (("empty", nothing), ("full", everything)),
        (("full", everything), ("empty", nothing)), (("full", everything), ("full", everything)),
    ):  # fmt: skip
        yield ask(f"{one} prediction, {other} truth", _takes, subject, prediction, truth)
    yield ask("no valid pixel", _nowhere, subject)


def _takes(subject: Subject, prediction: BoolArray, truth: BoolArray) -> str | None:
    for context in CONTEXTS:
        if reason := subject.fault(subject.found(case_of(context, prediction, "taken", truth))):
            return f"({context}) {reason}"
    return None


def _nowhere(subject: Subject) -> str | None:
    truth = net()
    for context in CONTEXTS:
        value = subject.value(case_of(context, FAULTS["gap"], "nowhere", truth, np.zeros_like(truth)))
        if value is not None:
            return f"({context}) it is {value:.6g} where no pixel is valid; give Undefined('no pixel is valid')."
    return None


def _stateless(subject: Subject, context: Context) -> str | None:
    """Score images under one id, as those of several methods are, in one order, and then in the other."""
    faults = list(FAULTS)
    first = {fault: subject.value(case_of(context, FAULTS[fault], "one image")) for fault in faults}
    for fault in reversed(faults):
        again = subject.value(case_of(context, FAULTS[fault], "one image"))
        if not (again == first[fault] or (again is None and first[fault] is None)):
            return (
                f"of {_words(fault)} it is {_number(first[fault])}, and {_number(again)} when asked again after other "
                "images; keep nothing from one call to the next, and draw nothing but from the case's seed."
            )
    if len(set(first.values())) == 1 and len({subject.of_fault(context, fault) for fault in faults}) > 1:
        return (
            f"predictions of one image_id all get {_number(first['none'])}, and others under ids of their own; "
            "an image_id is that of an image, whoever predicted it."
        )
    return None


def _any_shape(subject: Subject) -> Iterator[Outcome]:
    for shape in SHAPES:
        truth, prediction = (mask_of(shape, seed) for seed in (0, 1))
        yield ask(f"{shape[0]}x{shape[1]}", _takes, subject, prediction, truth)


def _untouched(subject: Subject) -> Iterator[Outcome]:
    yield ask("arrays that can be written", _writes, subject)
    yield ask("arrays that cannot", _takes_read_only, subject)


def _writes(subject: Subject) -> str | None:
    for context in CONTEXTS:
        case, same = (case_of(context, FAULTS["gap"], "written") for _ in range(2))
        arrays, copies = _arrays(case), _arrays(same)
        subject.found(case)
        for word, array in arrays.items():
            if not np.array_equal(array, copies[word]):
                return f"it writes to case.{word}, which other metrics are given, too; write to a copy of it."
    return None


def _takes_read_only(subject: Subject) -> str | None:
    for context in CONTEXTS:
        case = case_of(context, FAULTS["gap"], "read-only")
        for array in _arrays(case).values():
            array.flags.writeable = False
        if not _alike(subject.value(case), subject.value(case_of(context, FAULTS["gap"], "read-only"))):
            return "it gives another value where its arrays cannot be written."
    return None


def _arrays(case: Case) -> dict[str, NDArray[Any]]:
    """Return all arrays that a case holds, by name."""
    valid = {} if case.valid is None else {"valid": case.valid}
    table = {f"table.{word}": getattr(case.table, word) for word in ("segment", "region", "pixels")}
    return {
        "prediction": case.prediction, "truth": case.truth, **valid,
        "labels[0]": case.labels[0], "labels[1]": case.labels[1], **table,
    }  # fmt: skip


def _alike(one: float | None, other: float | None) -> bool:
    """Return whether two figures are the same up to rounding, or both undefined."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= ROUNDING * max(1.0, abs(one))


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.6g}"


def _words(fault: str) -> str:
    """Return a prediction in words."""
    return "the truth itself" if fault == "none" else f"a prediction with the fault '{fault}'"


RULES: tuple[Rule[Subject], ...] = (
    Rule("says what it is", "a Figure of its name says which way is better and what it measures", _says_what_it_is),
    Rule(
        "gives its figure",
        "a finite number under its name, or Undefined with a reason",
        _in_each_context(_gives_its_figure),
    ),
    Rule("in its range", "no value lies beyond the range of its Figure", _where_it_says(_in_range)),
    Rule(
        "perfect is best",
        "the truth itself has the best value; no faulty prediction beats it",
        _where_it_says(_perfect_is_best, ordered=True),
    ),
    Rule("sees something", "some faulty prediction is worse than the truth itself", _sees_something),
    Rule("labels renumbered", "the numbers of components do not matter", _in_each_context(_renumbered)),
    Rule(
        "nothing there",
        "masks that are empty or full have a value or a reason, without a warning; no valid pixel a reason",
        _nothing_there,
    ),
    Rule("no state", "an image has one figure, whatever was scored before", _in_each_context(_stateless)),
    Rule("any shape", "images of a pixel, a row, a column, and oblong ones are taken", _any_shape),
    Rule("arguments untouched", "masks, labels and table are not written to", _untouched),
)
