"""What all conformance suites share: a rule asks about cases, an answer is a pass or a sentence, a report holds all.

Each kind of plugin has its suite: `topobench.models.conformance`, `losses.conformance`, `metrics.conformance`,
`data.conformance` (adapters) and `run.conformance` (recipes). Each is a folder of one form: `__init__` has the table of
its `RULES` and the function that holds a subject to them; `subject` what is asked, with what several rules want of it;
the other files what answers the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from topobench.errors import in_words
from topobench.timelimit import TimedOut, patience, time_limit
from topobench.types import Check, Report

__all__ = ["Outcome", "Rule", "ask", "ask_unless", "hold", "not_claimed"]

Subject = TypeVar("Subject")


class Outcome(NamedTuple):
    """The answer for one case; status and reason are those of a `topobench.types.Check`."""

    case: str
    status: str
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether the rule holds in that case."""
        return self.status == "passed"


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
    return Outcome(case, "passed") if reason is None else Outcome(case, "failed", reason)


def ask_unless(reason: str | None, case: str, judge: Callable[..., str | None], *arguments: object) -> Outcome:
    """Return `ask` of a case, or where there is a reason not to ask that it is not claimed."""
    return not_claimed(case, reason) if reason else ask(case, judge, *arguments)


def not_claimed(case: str, reason: str) -> Outcome:
    """Return the outcome of a case that is not asked about, with the sentence that says why."""
    return Outcome(case, "not claimed", reason)
