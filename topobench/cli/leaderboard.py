"""`topobench leaderboard`: from records to leaderboard.md and index.html."""

from __future__ import annotations

from pathlib import Path

import click

from topobench.cli.options import output

__all__ = ["leaderboard"]


@click.command()
@click.argument("records", nargs=-1, required=True, type=click.Path(path_type=Path))
@output
def leaderboard(records: tuple[Path, ...], output: Path) -> None:
    """Make leaderboard.md and index.html from RECORDS: files, or folders that hold them."""
    from topobench.cli.board import board

    board(records, output)
