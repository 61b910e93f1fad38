"""What all conformance suites share: a rule asks about cases, an answer is a pass or a sentence, a report holds all.

Each kind of plugin has its suite: `topobench.models.conformance`, `losses.conformance`, `metrics.conformance`,
`data.conformance` (adapters) and `run.conformance` (recipes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from topobench.errors import in_words
from topobench.timelimit import TimedOut, patience, time_limit
from topobench.types import Check, Report

__all__ = ["Outcome", "Rule", "ask", "hold"]

Outcome = tuple[str, str, str]  # case, status, reason
Subject = TypeVar("Subject")


@dataclass(frozen=True)
class Rule(Generic[Subject]):
    """A rule: its name, what it asks in a few words, and what answers it for each case."""

    name: str
    meaning: str
    answer: Callable[[Subject], Iterator[Outcome]]


def hold(subject: Subject, name: str, rules: Iterable[Rule[Subject]]) -> Report:
    """Return the answers of all rules about a subject, which the report calls `name`."""
    return Report(name, tuple(Check(rule.name, *outcome) for rule in rules for outcome in rule.answer(subject)))


def ask(case: str, judge: Callable[..., str | None], *arguments: object) -> Outcome:
    """Return what `judge` says of a case: None is a pass, a sentence a failure, and so is what the subject raises.

    Whatever it raises but Ctrl-C: one that exits would else end the command as if all were well. One that hangs is
    stopped (`time_limit`).
    """
    seconds = patience()
    try:
        with time_limit(seconds):
            reason = judge(*arguments)
    except KeyboardInterrupt:
        raise
    except TimedOut as error:
        reason = f"{error}."
    except BaseException as error:
        reason = f"raises {in_words(error)}."
    return (case, "passed", "") if reason is None else (case, "failed", reason)
