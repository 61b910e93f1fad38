"""`topobench data`: what is on disk, what its truth is like, and cards for what is one's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from topobench.cli.inspection import inspect
from topobench.cli.new import new
from topobench.cli.options import data_dir

if TYPE_CHECKING:
    from topobench.cards import Card
    from topobench.data.adapter import Adapter

__all__ = ["data"]


@click.group()
def data() -> None:
    """Data sets on disk."""


data.add_command(inspect)
data.add_command(new)


@data.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@data_dir
def status(names: tuple[str, ...], data_dir: Path | None) -> int:
    """Show for each data set whether its files are there, and how to get them; of a NAMED one its folds, too.

    Exit code 1 if a named one is not there.
    """
    from topobench import cards
    from topobench.data.locate import data_root
    from topobench.errors import TopobenchError

    root = data_root(data_dir)
    if not all(name.endswith(".toml") for name in names) or not names:
        click.echo(f"Looking in {root.resolve()}.")
    fault = False
    for name in names or cards.names("datasets"):
        try:
            ready, sentence = _status(name, data_dir, bool(names))
        except TopobenchError as error:  # the others are still shown
            click.echo(f"Error: {error}", err=True)
            fault = True
            continue
        click.echo(f"{name}: {sentence}")
        fault |= bool(names) and not ready
    return 1 if fault else 0


def _status(name: str, data_dir: Path | None, whole: bool) -> tuple[bool, str]:
    """Return whether a data set can be read, and what to say of it: where it is `whole`, also of its folds."""
    from topobench.cards import load_card
    from topobench.data.dataset import folder_of, open_adapter

    card = load_card(name)
    adapter = open_adapter(card, folder_of(card, data_dir))
    missing, faults = adapter.missing(), adapter.faults()
    folds, unfit = _folds(card, adapter)
    ready = not (missing or faults or unfit)
    lines = [f"ready, {card.count} images." if ready else _what_is_there(card, adapter, missing, faults, unfit)]
    if whole:
        lines += [f"  {' '.join(card.access.split())} {card.homepage}"] if missing and card.access else []
        lines += [f"  {fault}" for fault in faults[:10]]
        lines += [f"  {unfit}"] if unfit else folds
    elif not ready:
        lines[0] += f" More: topobench data status {name}"
    return ready, "\n".join(lines)


def _what_is_there(card: Card, adapter: Adapter, missing: Sequence[str], faults: Sequence[str], unfit: str) -> str:
    """Return how much of a data set is there, and what it is good for, as a sentence."""
    if not adapter.members:
        return f"missing {', '.join(missing)}."
    there = f"{len(adapter.members)} of {card.count} images"
    if faults:
        return f"{there}, and not all fits."
    return f"{there}, of which no folds can be made." if unfit else f"{there}, which --partial uses."


def _folds(card: Card, adapter: Adapter) -> tuple[list[str], str]:
    """Return which images each fold of a data set scores, a line each, and what is wrong with the folds if anything."""
    from topobench.data.folds import split
    from topobench.errors import CardError

    lines = []
    for index in range(card.folds.number if adapter.members else 0):
        try:
            train, scored = split(adapter.members, card.folds, index)
        except CardError as error:
            return [], str(error)
        some = ", ".join(scored[:3]) + (f" ... {scored[-1]}" if len(scored) > 3 else "")
        images = "1 image" if len(scored) == 1 else f"{len(scored)} images"
        lines.append(f"  fold {index} scores {images} ({some}) and trains on {len(train)}")
    return lines, ""
