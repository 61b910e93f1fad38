"""`topobench score`: anybody's predictions, scored like a trained run."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from topobench.cli.options import data_dir, output

if TYPE_CHECKING:
    from topobench.types import RunRecord, Sample

__all__ = ["score"]


@click.command()
@click.option("--predictions", required=True, type=click.Path(path_type=Path), help="Folder of likelihoods or masks.")
@click.option("--truth", type=click.Path(path_type=Path), help="Folder of truth masks, named like the predictions.")
@click.option("--dataset", help="Take the truth of this data set in place of a folder.")
@click.option("--fold", type=click.IntRange(min=0), help="Of the data set, the images that this fold scores.")
@click.option("--protocol", "protocols", multiple=True, default=["hu2019"], show_default=True, help="May be repeated.")
@click.option("--connectivity", type=click.Choice(["4", "8"]), help="With --truth; 8 if not given.")
@click.option("--phase", type=click.Choice(["regions", "structure"]), help="With --truth; regions if not given.")
@click.option("--name", help="What the leaderboard calls the method; the folder's name if not given.")
@data_dir
@output
def score(
    predictions: Path,
    truth: Path | None,
    dataset: str | None,
    fold: int | None,
    protocols: tuple[str, ...],
    connectivity: str | None,
    phase: str | None,
    name: str | None,
    data_dir: Path | None,
    output: Path,
) -> None:
    """Score a folder of predictions against --truth or --dataset, into a record and a leaderboard.

    Predictions are PNG (8 or 16 bit), TIFF or .npy: likelihoods of structure, or masks; one file an image, named
    like the truth, or one stack of all.
    """
    from topobench.cli.board import board
    from topobench.scores import write_record

    if (truth is None) == (dataset is None):
        raise click.UsageError("Give either --truth DIR or --dataset NAME.")
    if dataset and (connectivity or phase):
        raise click.UsageError("--connectivity and --phase belong to --truth; a data set's card names its own.")
    if truth and fold is not None:
        raise click.UsageError("--fold belongs to --dataset.")
    protocols = tuple(dict.fromkeys(protocols))
    _check_choices(protocols, phase, connectivity)
    method = name or predictions.resolve().name
    if not re.fullmatch(r"\w[\w .+-]*", method):
        raise click.UsageError(f"--name is {method!r}; it must consist of letters, digits, spaces and _ . + -")
    if truth is not None:
        asked = _folder(truth, phase or "regions", int(connectivity or 8))
    else:
        asked = _dataset(str(dataset), data_dir, fold)
    record = _score(asked, predictions, method, protocols)
    click.echo(f"Record: {write_record(record, output / 'records')}")
    board([output / "records"], output)


def _check_choices(protocols: Sequence[str], phase: str | None, connectivity: str | None) -> None:
    """Raise UsageError where a choice contradicts what a protocol fixes."""
    from topobench.metrics import load_protocol

    for protocol in map(load_protocol, protocols):
        if phase and protocol.phase not in (None, phase):
            raise click.UsageError(f"Protocol {protocol.name} fixes the phase to {protocol.phase}; leave out --phase.")
        if connectivity and protocol.connectivity not in (None, int(connectivity)):
            raise click.UsageError(
                f"Protocol {protocol.name} fixes the connectivity to {protocol.connectivity}; leave out --connectivity."
            )


@dataclass(frozen=True)
class _Asked:
    """What predictions are scored against."""

    card: dict[str, Any]
    data_hash: str
    fold: int | None
    image_ids: Sequence[str]
    read: Callable[[str], Sample]
    phase: str
    connectivity: int


def _folder(truth: Path, phase: str, connectivity: int) -> _Asked:
    from topobench.data.folders import FolderOfMasks

    masks = FolderOfMasks(truth)
    card = {"name": truth.resolve().name, "version": 1, "adapter": "folder"}
    return _Asked(card, masks.data_hash(), None, masks.image_ids, masks.read, phase, connectivity)


def _dataset(name: str, data_dir: Path | None, fold: int | None) -> _Asked:
    from topobench.data import open_dataset

    found = open_dataset(name, data_dir)
    card, image_ids = found.card, found.image_ids if fold is None else found.fold(fold)[1]
    return _Asked(card.identity(), found.data_hash, fold, image_ids, found.__getitem__, card.phase, card.connectivity)


def _score(asked: _Asked, folder: Path, method: str, protocols: Sequence[str]) -> RunRecord:
    from topobench.data.folders import FolderOfPredictions
    from topobench.environment import environment
    from topobench.scores import make_record, protocol_settings, score_samples

    predict = FolderOfPredictions(folder, asked.image_ids)
    samples = (asked.read(image_id) for image_id in asked.image_ids)
    with click.progressbar(
        score_samples(samples, predict, protocols, asked.phase, asked.connectivity),
        length=len(asked.image_ids), label="scoring", file=sys.stderr,
    ) as progress:  # fmt: skip
        rows = [row for found in progress for row in found]
    identity = {
        "kind": "scored", "recipe": {"name": method, "version": 1, "predictions": predict.data_hash()},
        "card": asked.card, "data_hash": asked.data_hash, "fold": asked.fold, "seed": None, "budget": {},
        "device": "", "precision": "", "threads": 0, "training_version": 0,
    }  # fmt: skip
    settings = protocol_settings(protocols, asked.phase, asked.connectivity)
    return make_record(identity, "finished", settings, rows, {}, environment())
