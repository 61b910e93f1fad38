"""`topobench data`: what is on disk."""

from __future__ import annotations

from pathlib import Path

import click

from topobench.cli.options import data_dir

__all__ = ["data"]


@click.group()
def data() -> None:
    """Data sets on disk."""


@data.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@data_dir
def status(names: tuple[str, ...], data_dir: Path | None) -> int:
    """Show for each data set whether its files are there, and how to get them; exit code 1 if a NAMED one is not."""
    from topobench import cards
    from topobench.data.dataset import open_adapter
    from topobench.data.locate import data_root

    root = data_root(data_dir)
    click.echo(f"Looking in {root.resolve()}.")
    lacking = False
    for name in names or cards.names("datasets"):
        card = cards.load_card(name)
        missing = open_adapter(card, root / card.name).missing()
        lacking |= bool(missing)
        if missing:
            click.echo(f"{name}: missing {', '.join(str(path) for path in missing)}. {' '.join(card.access.split())}")
        else:
            click.echo(f"{name}: ready, {card.count} images.")
    return 1 if names and lacking else 0
