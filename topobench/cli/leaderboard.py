"""`topobench leaderboard`: from records to leaderboard.md and index.html; or whether records may be published."""

from __future__ import annotations

from pathlib import Path

import click

from topobench.cli.options import output

__all__ = ["leaderboard"]


@click.command()
@click.argument("records", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--check", is_flag=True,
    help="Write nothing: say what keeps the records from being published, and exit with 1 if anything does.",
)  # fmt: skip
@output
def leaderboard(records: tuple[Path, ...], check: bool, output: Path) -> int:
    """Make leaderboard.md and index.html from RECORDS: files, or folders that hold them.

    With --check nothing is made. Each record is held against what topobench itself would have written (schema, name,
    hashes, figures and their ranges, versions of what is shipped, environment), and all against each other (one file a
    run, the same data, the same folds and seeds).
    """
    from topobench.cli.board import board, check_records

    if check:
        return check_records(records)
    board(records, output)
    return 0
