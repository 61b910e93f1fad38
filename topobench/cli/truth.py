"""What predictions are held against: a folder of truth masks, or the images of a data set; and one image of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from topobench.cards import Card
    from topobench.types import FloatArray, Sample

__all__ = ["Asked", "check_asked", "open_asked", "prediction_of", "sample_of"]


@dataclass(frozen=True)
class Asked:
    """What predictions are held against; `others` are images of the data set that are not asked for."""

    card: dict[str, Any]
    data_hash: Callable[[], str]
    fold: int | None
    image_ids: Sequence[str]
    others: Sequence[str]
    read: Callable[[str], Sample]
    phase: str
    connectivity: int
    of: Card | None = None  # the data set, if it is one


def check_asked(
    truth: Path | None, dataset: str | None, fold: int | None, connectivity: str | None, phase: str | None = None
) -> None:
    """Raise UsageError where the options do not name one truth, or contradict a data set's card."""
    if (truth is None) == (dataset is None):
        raise click.UsageError("Give either --truth DIR or --dataset NAME.")
    if dataset and (connectivity or phase):
        raise click.UsageError("--connectivity and --phase belong to --truth; a data set's card names its own.")
    if truth and fold is not None:
        raise click.UsageError("--fold belongs to --dataset.")


def open_asked(
    truth: Path | None,
    dataset: str | None,
    fold: int | None,
    data_dir: Path | None,
    connectivity: str | None,
    phase: str | None = None,
    partial: bool = False,
) -> Asked:
    """Return what was asked for; the options have passed `check_asked`."""
    if truth is not None:
        return _folder(truth, phase or "regions", int(connectivity or 8))
    return _dataset(str(dataset), data_dir, fold, partial)


def sample_of(asked: Asked, image_id: str) -> Sample:
    """Return the sample of that name; UnknownNameError says which there are."""
    from topobench.registry import unknown_name

    if image_id not in asked.image_ids:
        raise unknown_name("images", image_id, asked.image_ids)
    return asked.read(image_id)


def prediction_of(folder: Path, asked: Asked, sample: Sample) -> FloatArray:
    """Return the prediction of a sample: from its own file, or from a stack of all."""
    from topobench.data.folders import FolderOfPredictions, image_files

    files = list(image_files(folder))
    return FolderOfPredictions(folder, files if sample.image_id in files else asked.image_ids)(sample)


def _folder(truth: Path, phase: str, connectivity: int) -> Asked:
    from topobench.data.folders import FolderOfMasks

    masks = FolderOfMasks(truth)
    choices = {"phase": phase, "connectivity": connectivity}
    card = {"name": truth.resolve().name, "version": 1, "adapter": "folder", **choices}
    return Asked(card, masks.data_hash, None, masks.image_ids, (), masks.read, phase, connectivity)


def _dataset(name: str, data_dir: Path | None, fold: int | None, partial: bool) -> Asked:
    from topobench.data import open_dataset

    found = open_dataset(name, data_dir, partial)
    card = found.card
    others, image_ids = found.fold(fold)
    return Asked(
        found.identity(),
        lambda: found.data_hash,
        fold,
        image_ids,
        others,
        found.__getitem__,
        card.phase,
        card.connectivity,
        card,
    )
