"""`topobench score`: anybody's predictions, scored like a trained run."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from topobench.cli.options import data_dir, output
from topobench.cli.truth import Asked, check_asked, open_asked

if TYPE_CHECKING:
    from topobench.types import RunRecord

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

    check_asked(truth, dataset, fold, connectivity, phase)
    protocols = tuple(dict.fromkeys(protocols))
    _check_choices(protocols, phase, connectivity)
    method = name or predictions.resolve().name
    if not re.fullmatch(r"\w[\w .+-]*", method):
        raise click.UsageError(f"--name is {method!r}; it must consist of letters, digits, spaces and _ . + -")
    asked = open_asked(truth, dataset, fold, data_dir, connectivity, phase)
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


def _score(asked: Asked, folder: Path, method: str, protocols: Sequence[str]) -> RunRecord:
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
