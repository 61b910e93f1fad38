"""How `topobench check` prints what a conformance suite found: a line for each rule, then why; or all of it as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from topobench.conformance import Rule
    from topobench.types import Report

__all__ = ["as_json", "print_report"]

SHOWN = 3  # reasons a rule, unless all are asked for


def as_json(kind: str, origin: str, report: Report) -> dict[str, Any]:
    """Return a report with all of its checks, and what it is about, as JSON has it."""
    about = {"kind": kind, "subject": report.subject, "origin": origin}
    return {**about, "checks": [asdict(check) for check in report.checks]}


def print_report(
    kind: str, origin: str, report: Report, rules: Sequence[Rule[Any]], everything: bool, shortcomings: str = ""
) -> None:
    """Print how many cases of each rule passed, failed and are not claimed, then why, equal reasons together."""
    from rich.console import Console

    from topobench.cli.tables import grid

    counts = report.counts()
    table = grid()
    table.add_column("rule", no_wrap=True)
    for heading in ("passed", "failed", "not claimed"):
        table.add_column(heading, justify="right")
    for rule, count in counts.items():
        table.add_row(rule, *(str(number or "") for number in count.values()))
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"{kind} {report.subject}, from {origin}")
    console.print(table)
    for each in rules:
        if lines := _reasons(report.reasons(each.name), everything):
            console.print(f"\n{each.name}: {each.meaning}", *lines, sep="\n  ")
    if lines := _reasons(report.unclaimed(), everything=True):
        console.print("\nnot claimed:", *lines, sep="\n  ")
    passed, failed = sum(count["passed"] for count in counts.values()), len(report.failed)
    verdict = f"{failed} check{'s' * (failed > 1)} failed, {passed} passed" if failed else f"all {passed} checks passed"
    known = f" (known: {shortcomings})" if failed and shortcomings else ""
    console.print(f"\n{report.subject}: {verdict}{known}.\n")


def _reasons(found: dict[str, list[str]], everything: bool) -> list[str]:
    """Return a line for each reason, with its cases; the first few of both, unless all are asked for."""
    if everything:
        return [f"{_joined(cases)}: {reason}" for reason, cases in found.items()]
    lines = [f"{_first(cases)}: {reason}" for reason, cases in found.items()]
    rest = len(lines) - SHOWN
    return lines if rest <= 0 else [*lines[:SHOWN], f"... and {rest} more reason{'s' * (rest > 1)} (--all shows all)"]


def _first(cases: list[str]) -> str:
    return _joined(cases[:SHOWN]) + (f" and {len(cases) - SHOWN} more" if len(cases) > SHOWN else "")


def _joined(cases: list[str]) -> str:
    return ("; " if any("," in case for case in cases) else ", ").join(cases)
