"""`topobench draw`: a picture of one prediction's topological mistakes."""

from __future__ import annotations

from pathlib import Path

import click

from topobench.cli.options import LIKELIHOOD, data_dir, partial, plugin
from topobench.cli.truth import check_asked, open_asked, prediction_of, sample_of

__all__ = ["draw"]


@click.command()
@click.option("--predictions", required=True, type=click.Path(path_type=Path), help="Folder of likelihoods or masks.")
@click.option("--truth", type=click.Path(path_type=Path), help="Folder of truth masks, named like the predictions.")
@click.option("--dataset", help="Take truth and image of this data set in place of a folder.")
@click.option("--fold", type=click.IntRange(min=0), help="Of the data set, the images that this fold scores.")
@click.option("--image", "image_id", required=True, metavar="ID", help="Which image: its name without the suffix.")
@click.option("--connectivity", type=click.Choice(["4", "8"]), help="With --truth; 8 if not given.")
@click.option("--frame", is_flag=True, help="Close cells at the border by a ring of structure outside.")
@click.option("--threshold", type=LIKELIHOOD, default=0.5, show_default=True, help="Structure is >= this.")
@plugin
@data_dir
@partial
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The picture, .png or .svg.  [default: ID.png]")
def draw(
    predictions: Path,
    truth: Path | None,
    dataset: str | None,
    fold: int | None,
    image_id: str,
    connectivity: str | None,
    frame: bool,
    threshold: float,
    data_dir: Path | None,
    partial: bool,
    output: Path | None,
) -> None:
    """Draw where one prediction's topology differs from the truth.

    Components and holes without partner in the Betti matching are shown in place, those of the prediction as false
    and those of the truth as missed. Predictions are as for `topobench score`; other images may be lacking.
    """
    from topobench.drawing import check_suffix, draw_mistakes, save_figure

    check_asked(truth, dataset, fold, connectivity)
    path = output or Path(f"{image_id}.png")
    check_suffix(path)
    asked = open_asked(truth, dataset, fold, data_dir, connectivity, partial=partial)
    sample = sample_of(asked, image_id)
    figure = draw_mistakes(
        prediction_of(predictions, asked, sample), sample.truth, sample.image if dataset else None,
        asked.connectivity, frame, threshold, f"{predictions.resolve().name} against {asked.card['name']}, {image_id}",
        sample.valid,
    )  # fmt: skip
    save_figure(figure, path)
    click.echo(f"Picture: {path}")
