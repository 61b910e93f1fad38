"""`topobench data fetch`: download what may be downloaded; of the rest, say how it is got."""

from __future__ import annotations

from pathlib import Path

import click

from topobench.cli.each import each_of, known_card
from topobench.cli.options import data_dir
from topobench.cli.signals import ending_on_sigterm

__all__ = ["fetch"]


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@data_dir
def fetch(names: tuple[str, ...], data_dir: Path | None) -> int:
    """Download the files of a data set that are missing, or say how to get those that topobench may not download.

    NAME is a data set, the file of a card, or vgg19-imagenet (weights). A download that broke is gone on with; a data
    set is in place whole or not at all, and what is there already is never changed. Exit code 1 where not all is there
    in the end, or files that were there are not those of the card.
    """
    with ending_on_sigterm():
        return each_of(names, lambda name: _fetch(name, data_dir))


def _fetch(name: str, data_dir: Path | None) -> int:
    """Fetch one data set, or file of weights; return an exit code."""
    from topobench.cli.transfer import downloading
    from topobench.data.dataset import folder_of, open_adapter
    from topobench.data.fetch import WEIGHTS, by_hand, fetch, weights_file
    from topobench.data.hints import command

    if name in WEIGHTS:
        click.echo(f"{name}: {WEIGHTS[name].terms}")
        with downloading() as watcher:
            path = weights_file(name, data_dir=data_dir, watcher=watcher).resolve()
        click.echo(f"{name}: {path}")
        return 0
    card = known_card(name)
    missing = open_adapter(card, folder_of(card, data_dir)).missing()
    if missing and not card.downloads:
        click.echo(by_hand(card, data_dir, name))
        return 1
    if missing:
        click.echo(f"{name}: {' '.join(card.licence.split())}")
        if card.citation:
            click.echo(f"  Cite: {' '.join(card.citation.split())}")
    with downloading() as watcher:
        folder = fetch(card, data_dir, watcher)
    check = f"in {folder}. To check them: {command('verify', card, data_dir, name)}"
    click.echo(f"{name}: all {card.count} images are there, {check if card.labels else 'made by code.'}")
    return 0
