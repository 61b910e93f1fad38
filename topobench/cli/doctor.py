"""`topobench doctor`: whether this installation works, in one screen to read or to paste into an issue."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from topobench.cli.options import data_dir, output, plugin
from topobench.cli.words import counted

if TYPE_CHECKING:
    from topobench.doctor import Finding

__all__ = ["doctor"]


@click.command()
@plugin
@data_dir
@output
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def doctor(data_dir: Path | None, output: Path, as_json: bool) -> int:
    """Say whether this installation works: packages, plugins, device, kernel, folders, data sets, weights.

    A line for each point, with what to do where it is not ok. Nothing is downloaded or left behind but what numba
    compiles. Exit code 1 if there is a fault; paste the lines into an issue.
    """
    from topobench.doctor import diagnose

    findings = []
    for finding in diagnose(data_dir, output):
        findings.append(finding)
        if not as_json:
            click.echo(_line(finding))
    states = Counter(finding.state for finding in findings)
    if as_json:
        click.echo(json.dumps({"works": not states["fault"], "findings": [*map(asdict, findings)]}, indent=1))
    else:
        click.echo(f"\n{counted(states['fault'], 'fault')}, {counted(states['warning'], 'warning')}.")
    return int(states["fault"] > 0)


def _line(finding: Finding) -> str:
    """Return a finding as a line, and another for what to do."""
    advice = f"\n{'':9}{'':11}-> {finding.advice}" if finding.advice else ""
    return f"{finding.state:9}{finding.point:11}{' '.join(finding.found.split())}{advice}"
