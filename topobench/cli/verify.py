"""`topobench data verify`: what is there, what is missing, what is not as the card says, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from topobench.cli.each import each_of, known_card
from topobench.cli.options import data_dir, partial, plugin

if TYPE_CHECKING:
    from topobench.cards import Card
    from topobench.data.verify import Check

__all__ = ["verify"]

MOST = 10  # faults of a kind that are shown


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@plugin
@data_dir
@partial
def verify(names: tuple[str, ...], data_dir: Path | None, partial: bool) -> int:
    """Compare files with their card: hashes, counts, shapes, label values. Every byte is read.

    NAME is a data set, the file of a card, or vgg19-imagenet (weights). Exit code 1 where anything is missing or
    differs; with --partial, where no image is there or anything differs.
    """
    return each_of(names, lambda name: _verify(name, data_dir, partial))


def _verify(name: str, data_dir: Path | None, partial: bool) -> int:
    from topobench.cli.transfer import reading
    from topobench.data.dataset import folder_of
    from topobench.data.fetch import WEIGHTS
    from topobench.data.verify import verify

    if name in WEIGHTS:
        return _verify_weights(name, data_dir)
    card = known_card(name)
    click.echo(f"{card.name}: {' '.join(card.title.split())}\n{folder_of(card, data_dir).resolve()}\n")
    with reading() as progress:
        checks = verify(card, data_dir, progress)
    _print(checks)
    click.echo(f"\n{_verdict(card, checks, data_dir, name)}\n")
    differs, images = any(check.differs for check in checks), checks[0]
    return int(differs or not images.there or (bool(images.missing) and not partial))


def _verify_weights(name: str, data_dir: Path | None) -> int:
    """Say whether a file of weights is there; DataError where it is not the official one."""
    from topobench.data.fetch import check_weights
    from topobench.data.hints import weights_command

    if path := check_weights(name, data_dir):
        click.echo(f"{name}: {path} is the official file.")
        return 0
    click.echo(f"{name}: missing. To get it: {weights_command('fetch', name, data_dir)}")
    return 1


def _verdict(card: Card, checks: Sequence[Check], data_dir: Path | None, name: str) -> str:
    """Return in a sentence what the checks come to, and what to do."""
    from topobench.data.hints import command

    images, *others = checks
    faulty = [check.what for check in others if check.differs]
    get = f"`{command('fetch', card, data_dir, name)}` {'downloads them' if card.downloads else 'says where they are'}"
    if faulty == ["known sha256"]:
        return (
            "What is there fits the card, yet not all files are those that are known byte for byte. They may be of "
            "another release, or hold other labels (exchanged, inverted). Unless you know why, remove them and get "
            f"them anew: {get}."
        )
    if faulty:
        return f"Not all is as the card says. Remove files that are wrong; then get them, and what is missing: {get}."
    if images.missing:
        some = "A part is there, and as the card says" if images.there else "No image is there"
        return f"{some}. To get those that are missing: {get}."
    return "All is there, and as the card says."


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
    for check in filter(lambda check: check.sentences, checks):
        more = [f"... and {len(check.sentences) - MOST} more"] if len(check.sentences) > MOST else []
        click.echo("\n".join(["", *check.sentences[:MOST], *more]))
