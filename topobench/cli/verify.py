"""`topobench data verify`: what is there, what is missing, what is not as the card says, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from topobench.cli.options import data_dir, partial

if TYPE_CHECKING:
    from topobench.data.verify import Check

__all__ = ["verify"]

MOST = 10  # faults of a kind that are shown


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@data_dir
@partial
def verify(names: tuple[str, ...], data_dir: Path | None, partial: bool) -> int:
    """Compare files with their card: hashes, counts, shapes, label values. Every byte is read.

    NAME is a data set, or the file of a card. Exit code 1 where anything is missing or differs; with --partial, where
    no image is there or anything differs.
    """
    return max(_verify(name, data_dir, partial) for name in names)


def _verify(name: str, data_dir: Path | None, partial: bool) -> int:
    from topobench import cards
    from topobench.cli.transfer import reading
    from topobench.data.dataset import folder_of
    from topobench.data.verify import verify

    card = cards.load_card(name)
    click.echo(f"{card.name}: {' '.join(card.title.split())}\n{folder_of(card, data_dir).resolve()}\n")
    with reading() as progress:
        checks = verify(card, data_dir, progress)
    _print(checks)
    differs = any(check.differs for check in checks)
    images = checks[0]
    if differs:
        click.echo("\nNot all is as the card says.")
    elif images.missing:
        some = "A part is there, and as the card says." if images.there else "Nothing is there."
        click.echo(f"\n{some} To get it: topobench data fetch {name}")
    else:
        click.echo("\nAll is there, and as the card says.")
    return int(differs or not images.there or (bool(images.missing) and not partial))


def _print(checks: Sequence[Check]) -> None:
    """Print a line for each check, and below what is missing or different."""
    from topobench.cli.tables import grid, print_grid

    lines = grid()
    lines.add_column()
    lines.add_column("the card wants", overflow="fold")
    for head in ("there", "missing", "differ"):
        lines.add_column(head, justify="right")
    for check in checks:
        missing = "" if check.missing is None else str(check.missing)
        lines.add_row(check.what, check.wanted, str(check.there), missing, str(check.differs))
    print_grid(lines)
    for check in checks:
        for sentence in check.sentences[:MOST]:
            click.echo(f"\n{sentence}", nl=False)
        if len(check.sentences) > MOST:
            click.echo(f"\n... and {len(check.sentences) - MOST} more", nl=False)
        click.echo(nl=bool(check.sentences))
