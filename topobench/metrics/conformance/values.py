"""The rules of what a figure says that it is, and of its values: in range, best for the truth, worse for faults."""

from __future__ import annotations

from collections.abc import Iterator

from topobench.conformance import Outcome, Rule, ask, ask_unless
from topobench.metrics.conformance.faulty import CONTEXTS, FAULTS, Context, case_of, words
from topobench.metrics.conformance.subject import ROUNDING, Subject, in_each_context, unclaimed, where_it_says
from topobench.metrics.contract import said_of
from topobench.metrics.figures import Figure
from topobench.registry import BUILTINS

__all__ = ["GIVES", "RULES"]


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


def _gives_its_figure(subject: Subject, context: Context) -> str | None:
    for fault, prediction in FAULTS.items():
        if reason := subject.fault(subject.found(case_of(context, prediction, fault))):
            return f"of {words(fault)} {reason}"
    return None


def _in_range(subject: Subject, context: Context, figure: Figure) -> str | None:
    lowest, highest = figure.range
    for fault in FAULTS:
        value = subject.of_fault(context, fault)
        if value is not None and not lowest - ROUNDING <= value <= highest + ROUNDING:
            return (
                f"of {words(fault)} it is {value:.6g}, beyond the range from {lowest:g} to {highest:g} of its Figure; "
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
                f"of {words(fault)} it is {value:.6g}, better than the {perfect:.6g} of the truth itself "
                f"({figure.better} is better)."
            )
    return None


def _sees_something(subject: Subject) -> Iterator[Outcome]:
    yield ask_unless(unclaimed(subject, ordered=True), "any fault", _sees, subject, subject.figure)


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


GIVES: Rule[Subject] = Rule(
    "gives its figure", "a finite number under its name, or Undefined with a reason", in_each_context(_gives_its_figure)
)
RULES: tuple[Rule[Subject], ...] = (
    Rule("says what it is", "a Figure of its name says which way is better and what it measures", _says_what_it_is),
    GIVES,
    Rule("in its range", "no value lies beyond the range of its Figure", where_it_says(_in_range)),
    Rule(
        "perfect is best",
        "the truth itself has the best value; no faulty prediction beats it",
        where_it_says(_perfect_is_best, ordered=True),
    ),
    Rule("sees something", "some faulty prediction is worse than the truth itself", _sees_something),
)
