"""`topobench score`: anybody's predictions, scored like a trained run."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from topobench.cli.options import LIKELIHOOD, data_dir, output, partial, plugin
from topobench.cli.protocols import chosen_protocols
from topobench.cli.truth import Asked, check_asked, open_asked

if TYPE_CHECKING:
    from topobench.cards import Protocol
    from topobench.metrics.postprocess import Variant
    from topobench.types import RunRecord

__all__ = ["score"]


class _Postprocessing(click.ParamType[int]):
    """``remove-small=N``: the number of pixels that a component must have to stay."""

    name = "STEP"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"remove-small=(\d+)", str(value))
        if not found or int(found[1]) < 1:
            self.fail(f"{value!r} is no step; write remove-small=N with N pixels from 1 on.", param, ctx)
        return int(found[1])


@click.command()
@click.option("--predictions", required=True, type=click.Path(path_type=Path), help="Folder of likelihoods or masks.")
@click.option("--truth", type=click.Path(path_type=Path), help="Folder of truth masks, named like the predictions.")
@click.option("--dataset", help="Take the truth of this data set in place of a folder.")
@click.option("--fold", type=click.IntRange(min=0), help="Of the data set, the images that this fold scores.")
@click.option(
    "--protocol", "protocols", multiple=True, default=["hu2019"], show_default=True,
    help="May be repeated; a name, a variant (hu2019:129-c4), a file *.toml, or all.",
)  # fmt: skip
@click.option("--connectivity", type=click.Choice(["4", "8"]), help="With --truth; 8 if not given.")
@click.option("--phase", type=click.Choice(["regions", "structure"]), help="With --truth; regions if not given.")
@click.option("--threshold", type=LIKELIHOOD, help="Structure is >= this, in place of the protocol's 0.5.")
@click.option(
    "--postprocess", "smallest", type=_Postprocessing(), multiple=True,
    help="Score once more after a step: remove-small=N takes away components of fewer than N pixels. May be repeated.",
)  # fmt: skip
@click.option("--name", help="What the leaderboard calls the method; the folder's name if not given.")
@plugin
@data_dir
@partial
@output
def score(
    predictions: Path,
    truth: Path | None,
    dataset: str | None,
    fold: int | None,
    protocols: tuple[str, ...],
    connectivity: str | None,
    phase: str | None,
    threshold: float | None,
    smallest: tuple[int, ...],
    name: str | None,
    data_dir: Path | None,
    partial: bool,
    output: Path,
) -> None:
    """Score a folder of predictions against --truth or --dataset, into a record and a leaderboard.

    Predictions are PNG (8 or 16 bit), TIFF or .npy: likelihoods of structure, or masks; one file an image, named
    like the truth, or one stack of all. Figures of every image are written as CSV, too.
    """
    from topobench.cli.board import board
    from topobench.cli.figures import print_figures
    from topobench.cli.gallery import Gallery
    from topobench.files import check_writable, write_atomic
    from topobench.metrics.postprocess import Variant
    from topobench.scores import read_record, record_csv, stored, write_record

    check_asked(truth, dataset, fold, connectivity, phase)
    chosen = chosen_protocols(protocols, phase, connectivity)
    method = name or predictions.resolve().name
    if not re.fullmatch(r"\w[\w .+-]{0,99}", method):
        whose = (
            f"--name is {name!r}; it" if name else f"the folder of the predictions is {method!r}; give a --name, which"
        )
        raise click.UsageError(f"{whose} must consist of at most 100 letters, digits, spaces and _ . + -")
    asked = open_asked(truth, dataset, fold, data_dir, connectivity, phase, partial)
    if threshold is not None and all(protocol.threshold == threshold for protocol in chosen):
        threshold = None  # what the protocols do anyway
    variants = [Variant(threshold, pixels) for pixels in dict.fromkeys([None, *smallest])]
    check_writable(output)
    records = _score(asked, predictions, method, chosen, variants)
    lines = []
    for record in records:  # first of all nothing may be lost, whatever becomes of the terminal
        path = write_record(stored(record, output / "records"), output / "records")
        table = output / "scores" / f"{path.stem}.csv"
        write_atomic(table, record_csv(read_record(path)).encode())
        lines.append(f"Record: {path}\nFigures of every image: {table}")
    print_figures(records, [variant.words for variant in variants])
    click.echo("\n".join(lines))
    if all(row.figures.get("dice") == 0 for row in records[0].rows):
        click.echo(
            "Warning: prediction and truth share no pixel of structure in any image. Structure is bright (255, 1.0) in "
            "both; is one of them inverted, or scaled to less than the threshold?", err=True,
        )  # fmt: skip
    scored = {record.run_id: predictions for record in records} if dataset else {}
    board([output / "records"], output, Gallery(data_dir=data_dir, partial=partial, scored=scored))


def _score(
    asked: Asked, folder: Path, method: str, protocols: Sequence[Protocol], variants: Sequence[Variant]
) -> list[RunRecord]:
    """Return a record for each variant; every prediction is read once for each."""
    from topobench.data.folders import FolderOfPredictions
    from topobench.environment import environment
    from topobench.run.provenance import plugins_of_scoring
    from topobench.scores import make_record, protocol_settings, score_samples

    predict = FolderOfPredictions(folder, asked.image_ids, asked.others)
    settings, data_hash = protocol_settings(protocols, asked.phase, asked.connectivity), asked.data_hash()
    plugins = plugins_of_scoring(asked.of, protocols)
    records = []
    for variant in variants:
        samples = (asked.read(image_id) for image_id in asked.image_ids)
        with click.progressbar(
            score_samples(samples, predict, protocols, asked.phase, asked.connectivity, variant),
            length=len(asked.image_ids), label=f"scoring {variant.words}".rstrip(), file=sys.stderr,
        ) as progress:  # fmt: skip
            rows = [row for found in progress for row in found]
        identity = {
            "kind": "scored", "recipe": {
                "name": f"{method}, {variant.words}" if variant.words else method, "version": 1,
                "predictions": predict.data_hash(), **variant.choices,
            },
            "card": asked.card, "data_hash": data_hash, "fold": asked.fold, "seed": None, "budget": {},
            "device": "", "precision": "", "threads": 0, "training_version": 0,
        }  # fmt: skip
        records.append(make_record(identity, "finished", settings, rows, {}, environment(), plugins=plugins))
    return records
