"""`topobench check`: hold a plugin, or a part of topobench, to what it must do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from topobench.cli.options import loss_options

if TYPE_CHECKING:
    from topobench.types import Check, Report

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
        reports.append(checked(loss, name))
        if not as_json:
            _print(reports[-1], everything)
    if as_json:
        click.echo(json.dumps([{"subject": each.subject, "checks": [*map(asdict, each.checks)]} for each in reports]))
    if any(report.failed for report in reports):
        raise click.exceptions.Exit(1)


def _print(report: Report, everything: bool) -> None:
    """Print how many cases of each rule passed, failed and are not claimed, then the failures, equal ones together."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from topobench.losses.conformance import RULES

    counts = report.counts()
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("rule", no_wrap=True)
    for heading in ("passed", "failed", "not claimed"):
        table.add_column(heading, justify="right")
    for rule, count in counts.items():
        table.add_row(rule, *(str(number or "") for number in count.values()))
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"loss {report.subject}")
    console.print(table)
    for each in RULES:
        lines = _reasons([check for check in report.failed if check.rule == each.name], everything)
        if lines:
            console.print(f"\n{each.name}: {each.meaning}", *lines, sep="\n  ")
    passed = sum(count["passed"] for count in counts.values())
    failed = len(report.failed)
    console.print(f"\n{report.subject}: " + (f"{failed} checks failed, {passed} passed.\n" if failed else
                                             f"all {passed} checks passed.\n"))  # fmt: skip


def _reasons(failed: Sequence[Check], everything: bool) -> list[str]:
    """Return a line for each reason, with its cases; the first few reasons, unless all are asked for."""
    cases: dict[str, list[str]] = {}
    for check in failed:
        cases.setdefault(check.reason, []).append(check.case)
    if everything:
        return [f"{', '.join(names)}: {reason}" for reason, names in cases.items()]
    lines = [f"{_first(names)}: {reason}" for reason, names in cases.items()]
    if len(lines) <= SHOWN:
        return lines
    return [*lines[:SHOWN], f"... and {len(lines) - SHOWN} more reasons (--all shows them)"]


def _first(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
