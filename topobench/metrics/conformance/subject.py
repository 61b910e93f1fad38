"""A figure of a metric under test, and the rules that ask about it under each choice of a protocol."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

import numpy as np

from topobench.conformance import Outcome, ask, ask_unless
from topobench.errors import ArgumentError
from topobench.metrics.case import Case, Undefined
from topobench.metrics.conformance.faulty import CONTEXTS, FAULTS, Context, case_of
from topobench.metrics.contract import Metric, said_of
from topobench.metrics.figures import Figure

__all__ = ["ROUNDING", "Subject", "in_each_context", "unclaimed", "where_it_says"]

ROUNDING = 1e-9  # of a sum that is taken in another order


class Subject:
    """A figure of a metric: its values, and what it says of itself."""

    def __init__(self, metric: Metric, name: str) -> None:
        self.metric, self.name = metric, name
        self._values: dict[tuple[Context, str], float | None] = {}

    @cached_property
    def figure(self) -> Figure | None:
        """What it says that it is; None where that is nothing or wrong, which a rule of its own asks about."""
        try:
            return said_of(self.name, self.metric)
        except ArgumentError:
            return None

    def found(self, case: Case) -> object:
        """Return all that the metric returns of a case; what it warns of is raised."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for of_others in (DeprecationWarning, PendingDeprecationWarning):  # is not printed
                warnings.simplefilter("ignore", of_others)
            return self.metric(case)

    def value(self, case: Case) -> float | None:
        """Return the figure of a case; None where it is undefined or none at all (`fault` says that)."""
        found = self.found(case)
        if self.fault(found) or not isinstance(found, Mapping) or isinstance(found[self.name], Undefined):
            return None
        return float(found[self.name])

    def of_fault(self, context: Context, fault: str) -> float | None:
        """Return the figure of a faulty prediction of the net (or ``none``, a perfect one), which is kept."""
        if (context, fault) not in self._values:
            self._values[context, fault] = self.value(case_of(context, FAULTS[fault], fault))
        return self._values[context, fault]

    def fault(self, found: object) -> str | None:
        """Return what is wrong with what the metric returned, whatever its value, as a sentence."""
        if not isinstance(found, Mapping) or self.name not in found:
            return f"it returned {found!r}; return a mapping that holds {self.name!r}."
        value = found[self.name]
        if isinstance(value, Undefined):
            said = isinstance(value.reason, str) and value.reason.strip()
            return None if said else "it gave Undefined without a reason; say why in a few words."
        if not isinstance(value, (int, float, np.integer, np.floating)):
            return f"it gave {value!r}; a figure is a number, or Undefined(reason)."
        if not np.isfinite(float(value)):
            return f"it gave {float(value)}; where there is no value, give Undefined(reason)."
        return None


def in_each_context(judge: Callable[[Subject, Context], str | None]) -> Callable[[Subject], Iterator[Outcome]]:
    """Return the rule that asks about all choices."""

    def answer(subject: Subject) -> Iterator[Outcome]:
        for context in CONTEXTS:
            yield ask(str(context), judge, subject, context)

    return answer


def where_it_says(
    judge: Callable[[Subject, Context, Figure], str | None], ordered: bool = False
) -> Callable[[Subject], Iterator[Outcome]]:
    """Return the rule that asks about all choices, if the metric says what it is; `ordered`: if low or high is best."""

    def answer(subject: Subject) -> Iterator[Outcome]:
        for context in CONTEXTS:
            yield ask_unless(unclaimed(subject, ordered), str(context), judge, subject, context, subject.figure)

    return answer


def unclaimed(subject: Subject, ordered: bool) -> str | None:
    """Return why a rule of values cannot be asked, if it cannot; `ordered`: one that asks which are better."""
    if subject.figure is None:
        return "the metric does not say what it is."
    return "neither low nor high values are better." if ordered and subject.figure.better == "neither" else None
