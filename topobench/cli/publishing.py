"""`topobench leaderboard --check`: what keeps records, and the pages beside them, from being published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from topobench.cli.words import counted
from topobench.leaderboard.audit import audit
from topobench.leaderboard.stale import stale_files
from topobench.scores import no_records

__all__ = ["check_records"]


def check_records(paths: Sequence[Path]) -> int:
    """Print what keeps records from being published; return 1 if anything does, else 0."""
    found = audit(paths)
    if not found.records:
        raise no_records(paths)
    for finding in found.findings:
        click.echo(finding)
    faults, notices = len(found.faults), len(found.notices)
    if not faults:  # of records with faults a page would be another one anyway
        for path, what in (stale for given in paths for stale in stale_files(given)):
            click.echo(f"fault: {path}: {what}")
            faults += 1
    click.echo(
        f"{counted(found.records, 'record')}, {counted(faults, 'fault') if faults else 'no faults'}"
        + (f", {counted(notices, 'notice')}" if notices else "")
    )
    return int(faults > 0)
