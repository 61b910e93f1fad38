"""`topobench data fetch`: download what may be downloaded; of the rest, say how it is got."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from topobench.cli.each import each_of
from topobench.cli.options import data_dir
from topobench.cli.signals import ending_on_sigterm

if TYPE_CHECKING:
    from topobench.cards import Card
    from topobench.data.fetch import Watcher

__all__ = ["fetch"]


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@data_dir
def fetch(names: tuple[str, ...], data_dir: Path | None) -> int:
    """Download the files of a data set that are missing, or say how to get those that topobench may not download.

    NAME is a data set, the file of a card, or vgg19-imagenet (weights). A download that broke is gone on with; a data
    set is in place whole or not at all, and what is there already is never changed. Exit code 1 where not all is there
    in the end.
    """
    from topobench.cli.transfer import downloading

    with ending_on_sigterm(), downloading() as watcher:
        return each_of(names, lambda name: _fetch(name, data_dir, watcher))


def _fetch(name: str, data_dir: Path | None, watcher: Watcher) -> int:
    """Fetch one data set, or file of weights; return an exit code."""
    from topobench.cards import load_card
    from topobench.data.dataset import folder_of, open_adapter
    from topobench.data.fetch import WEIGHTS, by_hand, fetch, weights_file
    from topobench.data.hints import command

    if name in WEIGHTS:
        click.echo(f"{name}: {weights_file(name, data_dir=data_dir, watcher=watcher).resolve()}")
        return 0
    card = load_card(name)
    folder = folder_of(card, data_dir)
    if not open_adapter(card, folder).missing():
        check = f"in {folder.resolve()}. To check them: {command('verify', card, data_dir, name)}"
        click.echo(f"{name}: all {card.count} images are there, {check if card.labels else 'made by code.'}")
        fetch(card, data_dir, watcher)  # removes what is left of an earlier attempt, if anything is
        return 0
    if not card.downloads:
        click.echo(by_hand(card, data_dir, name))
        return 1
    click.echo(_terms(card))
    click.echo(f"{name}: {card.count} images in {fetch(card, data_dir, watcher)}")
    return 0


def _terms(card: Card) -> str:
    """Return what whoever uses a data set has to know."""
    return f"{card.name}: {' '.join(card.licence.split())}\n  Cite: {' '.join(card.citation.split())}"
