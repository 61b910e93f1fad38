"""`topobench data`: what is on disk, and what its truth is like."""

from __future__ import annotations

from pathlib import Path

import click

from topobench.cli.inspection import inspect
from topobench.cli.options import data_dir

__all__ = ["data"]


@click.group()
def data() -> None:
    """Data sets on disk."""


data.add_command(inspect)


@data.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@data_dir
def status(names: tuple[str, ...], data_dir: Path | None) -> int:
    """Show for each data set whether its files are there, and how to get them; of a NAMED one its folds, too.

    Exit code 1 if a named one is not there.
    """
    from topobench import cards
    from topobench.data.locate import data_root
    from topobench.errors import CardError

    root = data_root(data_dir)
    click.echo(f"Looking in {root.resolve()}.")
    fault = False
    for name in names or cards.names("datasets"):
        try:
            ready, sentence = _status(name, root)
        except CardError as error:  # the others are still shown
            click.echo(f"Error: {error}", err=True)
            fault = True
            continue
        click.echo(f"{name}: {sentence}")
        if names:
            click.echo(_folds(name, root))
        fault |= bool(names) and not ready
    return 1 if fault else 0


def _folds(name: str, root: Path) -> str:
    """Return which images each fold of a data set scores, a line each."""
    from topobench.cards import load_card
    from topobench.data.dataset import open_adapter
    from topobench.data.folds import split

    card = load_card(name)
    image_ids = open_adapter(card, root / card.name).image_ids
    parts = [split(image_ids, card.folds, index)[1] for index in range(card.folds.count)]
    return "\n".join(
        f"  fold {index} scores {scored[0]} to {scored[-1]} ({len(scored)} images) and trains on the others"
        for index, scored in enumerate(parts)
    )


def _status(name: str, root: Path) -> tuple[bool, str]:
    """Return whether a data set can be read, and a sentence about it."""
    from topobench.cards import load_card
    from topobench.data.dataset import open_adapter

    card = load_card(name)
    missing = open_adapter(card, root / card.name).missing()
    if missing:
        return False, f"missing {', '.join(map(str, missing))}. {' '.join(card.access.split())}"
    return True, f"ready, {card.count} images."
