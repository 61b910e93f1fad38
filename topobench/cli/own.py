"""The data sets that a command is given: by name, by a card of one's own, or as two folders of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from topobench.data import Dataset

__all__ = ["check_own", "opened", "own_dataset"]


def check_own(
    images: Path | None, masks: Path | None, others: Mapping[str, Any], connectivity: str | None, phase: str | None
) -> None:
    """Raise UsageError where the options do not name one kind of data set."""
    if (images is None) != (masks is None):
        raise click.UsageError("--images and --masks go together: a folder of images, and a folder of their masks.")
    if images and (given := [name for name, value in others.items() if value]):
        raise click.UsageError(f"Give either --images and --masks, or {given[0]}.")
    if images is None and (connectivity or phase):
        raise click.UsageError("--connectivity and --phase belong to --images; a data set's card names its own.")


def own_dataset(images: Path, masks: Path, connectivity: str | None, phase: str | None) -> Dataset:
    """Return two folders as a data set, named after the folder that holds them; a warning where much is structure."""
    from topobench.data.dataset import open_card
    from topobench.data.own import binary_labels, card_of, slug
    from topobench.data.survey import survey

    found = survey(images, masks)
    labels = binary_labels(found)
    share = sum(found.values[value] for value in labels.structure) / found.values.total()
    if share > 0.5:
        click.echo(
            f"Warning: {100 * share:.0f} % of the masks is structure (not 0); are they inverted? `topobench data new` "
            "writes a card in which you say what is structure.", err=True,
        )  # fmt: skip
    card = card_of(
        slug(found.folder.name), found, labels, 4 if connectivity == "4" else 8,
        "structure" if phase == "structure" else "regions",
    )  # fmt: skip
    click.echo(f"{found.count} images of your own, {found.folder}: the data set {card.name!r}.", err=True)
    return open_card(card)


def opened(names: Sequence[str], data_dir: Path | None, partial: bool) -> list[Dataset]:
    """Return the data sets of these names, and say which are not complete; DataError for all that are missing."""
    from topobench.data import open_dataset
    from topobench.errors import DataError

    found, missing = [], []
    for name in names:
        try:
            found.append(open_dataset(name, data_dir, partial))
        except DataError as error:
            missing.append(str(error))
    if missing:
        raise DataError("\n".join(missing))
    for dataset in found:
        if len(dataset) < dataset.card.count:
            click.echo(
                f"{dataset.card.name}: {len(dataset)} of {dataset.card.count} images, as --partial allows.", err=True
            )
    return found
