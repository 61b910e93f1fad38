"""`topobench leaderboard`: from records to leaderboard.md and index.html."""

from __future__ import annotations

from pathlib import Path

import click

from topobench.cli.options import data_dir, output, partial, pictures

__all__ = ["leaderboard"]


@click.command()
@click.argument("records", nargs=-1, required=True, type=click.Path(path_type=Path))
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
    pictures: str,
    datasets: tuple[str, ...],
    data_dir: Path | None,
    partial: bool,
    output: Path,
) -> None:
    """Make the leaderboard of RECORDS: files, or folders that hold them.

    Written are index.html (which needs nothing beside it), leaderboard.md, leaderboard.csv, comparisons.csv and
    leaderboard.tex. Where maps lie beside the records, as `topobench run` keeps them, pictures of chosen images are
    drawn into the folder `pictures`, and shown.
    """
    from topobench.cli.board import board
    from topobench.cli.gallery import Gallery
    from topobench.cli.own import opened

    given = {dataset.card.name: dataset for dataset in opened(datasets, data_dir, partial)}
    board(records, output, Gallery(pictures, given, data_dir, partial))
