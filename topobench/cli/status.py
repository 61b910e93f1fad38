"""`topobench data status`: how many images of each data set are there, how the rest is got, which folds there are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from topobench.cli.each import each_of, known_card
from topobench.cli.options import data_dir, plugin

if TYPE_CHECKING:
    from topobench.cards import Card
    from topobench.data.contract import Adapter

__all__ = ["status"]


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@plugin
@data_dir
def status(names: tuple[str, ...], data_dir: Path | None) -> int:
    """Show for each data set how many of its images are there, and how to get it; of a NAMED one its folds, too.

    Only headers are read; what the files hold, `topobench data verify` compares. Exit code 1 if a named data set is not
    there.
    """
    from topobench.data.locate import data_root

    if not all(name.endswith(".toml") for name in names) or not names:
        click.echo(f"Looking in {data_root(data_dir).resolve()}.")
    if not names:
        return _table(data_dir)
    return each_of(names, lambda name: _status(name, data_dir))


def _table(data_dir: Path | None) -> int:
    """Print a line for each data set and each file of weights; the exit code is 1 if a card is not valid."""
    from topobench import cards
    from topobench.cli.tables import grid, print_grid
    from topobench.data.dataset import state_of
    from topobench.data.fetch import WEIGHTS, find_weights
    from topobench.errors import TopobenchError

    lines, faults = grid(), []
    for head, figures in (("data set", False), ("images", True), ("of", True), ("is", False), ("to get it", False)):
        lines.add_column(head, justify="right" if figures else "left", no_wrap=True)
    for name in cards.names("datasets"):
        try:
            card, adapter = _open(name, data_dir)
            lines.add_row(name, str(len(adapter.members)), str(card.count), state_of(adapter), _way(card, adapter))
        except TopobenchError as error:  # the others are still shown
            lines.add_row(name, "", "", "does not fit", "")
            faults.append(error)
    for name in WEIGHTS:
        there = find_weights(name, data_dir)
        lines.add_row(name, "", "", "ready" if there else "missing", "" if there else "fetch")
    print_grid(lines)
    click.echo(
        "\nfetch: topobench data fetch NAME downloads it. by hand: topobench data fetch NAME says how.\n"
        "a part: can be used with --partial. does not fit: topobench data status NAME says what."
    )
    for fault in faults:
        click.echo(f"Error: {fault}", err=True)
    return 1 if faults else 0


def _way(card: Card, adapter: Adapter) -> str:
    """Return in a word or two how what is missing of a data set is got."""
    if not adapter.missing():
        return ""
    return "fetch" if card.downloads else "by hand"


def _status(name: str, data_dir: Path | None) -> int:
    """Say of a data set whether it can be read, and which folds it has; the exit code is 1 where it cannot."""
    from topobench.data.fetch import WEIGHTS, find_weights
    from topobench.data.hints import command, how_to_get, weights_command

    if name in WEIGHTS:
        there = find_weights(name, data_dir)
        missing = f"missing. To get it: {weights_command('fetch', name, data_dir)}"
        click.echo(f"{name}: {there or missing}")
        return int(there is None)
    card, adapter = _open(name, data_dir)
    lacking, faults = adapter.missing(), adapter.faults()
    folds, unfit = _folds(card, adapter)
    ready = not (lacking or faults or unfit)
    lines = [f"ready, {card.count} images." if ready else _what_is_there(card, adapter, lacking, faults, unfit)]
    lines += [f"  {how_to_get(card, data_dir, name)}"] if lacking else []
    lines += [f"  {fault}" for fault in faults[:10]]
    lines += [f"  Remove files that are wrong, then: {command('fetch', card, data_dir, name)}"] if faults else []
    click.echo(f"{name}: " + "\n".join([*lines, *([f"  {unfit}"] if unfit else folds)]))
    return int(not ready)


def _open(name: str, data_dir: Path | None) -> tuple[Card, Adapter]:
    from topobench.data.dataset import folder_of, open_adapter

    card = known_card(name)
    return card, open_adapter(card, folder_of(card, data_dir))


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
