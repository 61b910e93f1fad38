"""A figure of a metric as the conformance suite sees it: its values, and what it says of itself."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from topobench.errors import ArgumentError
from topobench.metrics.case import Case, Undefined
from topobench.metrics.contract import Metric, said_of
from topobench.metrics.faulty import FAULTS, Context, case_of
from topobench.metrics.figures import Figure

__all__ = ["Subject"]


class Subject:
    """A figure of a metric under examination: its values, and what it says of itself."""

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
