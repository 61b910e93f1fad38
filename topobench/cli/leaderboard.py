"""`topobench leaderboard`: from records to leaderboard.md and index.html; or whether records may be published."""

from __future__ import annotations

from pathlib import Path

import click

from topobench.cli.options import data_dir, output, partial, pictures

__all__ = ["leaderboard"]


@click.command()
@click.argument("records", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--check", is_flag=True,
    help="Write nothing: say what keeps the records from being published, and exit with 1 if anything does.",
)  # fmt: skip
@pictures
@click.option(
    "--dataset", "datasets", multiple=True,
    help="A card of your own (*.toml), for pictures of it; may be repeated. Shipped ones are found by name.",
)  # fmt: skip
@data_dir
@partial
@output
def leaderboard(
    records: tuple[Path, ...],
    check: bool,
    pictures: str,
    datasets: tuple[str, ...],
    data_dir: Path | None,
    partial: bool,
    output: Path,
) -> int:
    """Make the leaderboard of RECORDS: files, or folders that hold them.

    Written are index.html (which needs nothing beside it), leaderboard.md, leaderboard.csv, comparisons.csv and
    leaderboard.tex. Where maps lie beside the records, as `topobench run` keeps them, pictures of chosen images are
    drawn into the folder `pictures`, and shown.

    With --check nothing is made. Each record is held against what topobench itself would have written (schema, name,
    hashes, figures and their ranges, versions of what is shipped, environment), all against each other (one file a
    run, the same data, the same folds and seeds), and pages that lie beside them against what they give.
    """
    from topobench.cli.board import board
    from topobench.cli.gallery import Gallery
    from topobench.cli.own import opened
    from topobench.cli.publishing import check_records

    if check:
        return check_records(records)
    given = {dataset.card.name: dataset for dataset in opened(datasets, data_dir, partial)}
    board(records, output, Gallery(pictures, given, data_dir, partial))
    return 0
