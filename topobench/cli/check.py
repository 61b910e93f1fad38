"""`topobench check`: hold a plugin, or a part of topobench, to what it must do."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from topobench.cli.options import loss_options

if TYPE_CHECKING:
    from topobench.types import Report

__all__ = ["check"]

SHOWN = 3  # reasons a rule, unless all are asked for


@click.group()
def check() -> None:
    """Hold a loss, ours or a plugin's, to the rules that every one must keep."""


@check.command("loss")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@loss_options
@click.option("--all", "everything", is_flag=True, help="Show every failure, not the first few of each rule.")
@click.option("--json", "as_json", is_flag=True, help="Print every check as JSON.")
def check_loss(names: tuple[str, ...], options: dict[str, Any], everything: bool, as_json: bool) -> None:
    """Check losses on toys with a known answer.

    Each toy is wrong in one known way (a gap, a false bridge, an island ...), in both polarities, square and oblong. A
    loss must be finite, 0 where the prediction is right, positive where it is wrong, push the wrong pixel the right
    way, and, if it claims so, set the topology right within 200 steps. Exit code 1 if a check fails.
    """
    from topobench.losses import build_loss
    from topobench.losses.conformance import check_loss as checked

    losses = {name: build_loss(name, options) for name in names}
    reports = []
    for name, loss in losses.items():
        if sys.stderr.isatty():
            click.echo(f"checking {name}, some 10 seconds ...", err=True)
        reports.append(checked(loss, name))
        if not as_json:
            _print(reports[-1], getattr(loss, "shortcomings", ""), everything)
    if as_json:
        click.echo(json.dumps([{"subject": each.subject, "checks": [*map(asdict, each.checks)]} for each in reports]))
    if any(report.failed for report in reports):
        raise click.exceptions.Exit(1)


def _print(report: Report, shortcomings: str, everything: bool) -> None:
    """Print how many cases of each rule passed, failed and are not claimed, then the failures, equal ones together."""
    from rich.console import Console

    from topobench.cli.tables import grid
    from topobench.losses.conformance import RULES

    counts = report.counts()
    table = grid()
    table.add_column("rule", no_wrap=True)
    for heading in ("passed", "failed", "not claimed"):
        table.add_column(heading, justify="right")
    for rule, count in counts.items():
        table.add_row(rule, *(str(number or "") for number in count.values()))
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"loss {report.subject}")
    console.print(table)
    for each in RULES:
        if lines := _reasons(report.reasons(each.name), everything):
            console.print(f"\n{each.name}: {each.meaning}", *lines, sep="\n  ")
    passed, failed = sum(count["passed"] for count in counts.values()), len(report.failed)
    verdict = f"{failed} checks failed, {passed} passed" if failed else f"all {passed} checks passed"
    known = f" (known: {shortcomings})" if failed and shortcomings else ""
    console.print(f"\n{report.subject}: {verdict}{known}.\n")


def _reasons(found: dict[str, list[str]], everything: bool) -> list[str]:
    """Return a line for each reason, with its cases; the first few of both, unless all are asked for."""
    if everything:
        return [f"{', '.join(cases)}: {reason}" for reason, cases in found.items()]
    lines = [f"{_first(cases)}: {reason}" for reason, cases in found.items()]
    rest = len(lines) - SHOWN
    return lines if rest <= 0 else [*lines[:SHOWN], f"... and {rest} more reason{'s' * (rest > 1)} (--all shows all)"]


def _first(cases: list[str]) -> str:
    return ", ".join(cases[:SHOWN]) + (f" and {len(cases) - SHOWN} more" if len(cases) > SHOWN else "")
