"""The conformance suite of metrics: does a figure say what it is, and is it that of every image?

`check_metric` puts a figure of a metric, ours or anybody's (`topobench.metrics.Metric`), before small images with known
faults, under choices in which both connectivities and phases, framed and not, with and without a validity mask occur.
"""

from __future__ import annotations

from collections.abc import Sequence

from topobench.conformance import Rule, hold
from topobench.errors import ArgumentError
from topobench.metrics.conformance import images, values
from topobench.metrics.conformance.subject import Subject
from topobench.metrics.contract import Metric
from topobench.types import Check, Report

__all__ = ["RULES", "check_metric"]

RULES: tuple[Rule[Subject], ...] = (*values.RULES, *images.RULES)


def check_metric(metric: Metric, name: str, rules: Sequence[Rule[Subject]] = RULES) -> Report:
    """Hold one figure of a metric to the rules of the suite.

    Parameters
    ----------
    metric : Metric
        Takes a `Case` and returns a mapping that holds the figure.
    name : str
        The figure's; the report is called by it, too.
    rules : sequence of Rule
        Which of `RULES`; all, unless given.

    Returns
    -------
    Report
        A check for each rule and case; of a metric that gives its figure nowhere no more than that is asked. What it
        raises or warns of is a failed check, not an error.

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
    subject = Subject(metric, name)
    found: list[Check] = []
    for rule in rules:
        found += hold(subject, name, [rule]).checks
        if rule is values.GIVES and all(check.status == "failed" for check in found if check.rule == rule.name):
            break
    return Report(name, tuple(found))
