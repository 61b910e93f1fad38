"""`topobench explain`: a picture of what a loss does to a toy, or to somebody's prediction."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from topobench.cli.options import data_dir, options_of, partial, plugin
from topobench.cli.truth import check_asked, open_asked, prediction_of, sample_of
from topobench.errors import ArgumentError, TopobenchError, in_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from topobench.types import BoolArray, FloatArray

__all__ = ["explain"]


class _Crop(click.ParamType[tuple[int, int, int]]):
    """``Y,X,SIZE``: the first row and column of a square part, and its side."""

    name = "Y,X,SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int, int]:
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\d+),(\d+),(\d+)", str(value).replace(" ", ""))
        if not found or int(found[3]) < 1:
            self.fail(f"{value!r} is no part of an image; write row,column,side in pixels, e.g. 0,128,64.", param, ctx)
        return int(found[1]), int(found[2]), int(found[3])


@dataclass(frozen=True)
class _Case:
    """What the loss is shown on, in `words` for the title; the `connectivity` counts where the loss has none."""

    likelihood: FloatArray
    truth: BoolArray
    words: str
    connectivity: int = 8
    valid: BoolArray | None = None
    note: str = ""


@click.command()
@click.argument("loss", metavar="LOSS")
@click.option(
    "--toy", help="A likelihood that is wrong in one way: gap, false-bridge, island, 'gap 17x12 inverted' ..."
)
@click.option("--predictions", type=click.Path(path_type=Path), help="In place of a toy: a folder of likelihoods.")
@click.option("--truth", type=click.Path(path_type=Path), help="Folder of truth masks, named like the predictions.")
@click.option("--dataset", help="Take the truth of this data set in place of a folder.")
@click.option("--fold", type=click.IntRange(min=0), help="Of the data set, the images that this fold scores.")
@click.option("--image", "image_id", metavar="ID", help="Which image: its name without the suffix.")
@options_of("loss")
@click.option("--crop", type=_Crop(), help="Only this square part of the image: first row, first column, side.")
@plugin
@data_dir
@partial
@click.option(
    "-o", "--output", type=click.Path(path_type=Path),
    help="The picture, .png or .svg.  [default: LOSS-TOY.png or LOSS-ID.png]",
)  # fmt: skip
def explain(
    loss: str,
    toy: str | None,
    predictions: Path | None,
    truth: Path | None,
    dataset: str | None,
    fold: int | None,
    image_id: str | None,
    options: dict[str, Any],
    crop: tuple[int, int, int] | None,
    data_dir: Path | None,
    partial: bool,
    output: Path | None,
) -> None:
    """Draw what a LOSS does: which pixels it raises or lowers, and for the sake of which classes.

    Arrows stand where the loss has a gradient, up where descent raises the likelihood. A persistence diagram shows
    which classes it keeps and which it removes. A loss that draws patches is given the whole image as one, unless
    there is an --option patch_size.
    """
    from topobench.drawing import check_suffix, save_figure

    _check(toy, predictions, truth, dataset, fold, image_id)
    part = "".join(f"-{number}" for number in crop or ())
    path = output or Path(f"{loss}-{(toy or str(image_id)).replace(' ', '-')}{part}.png")
    check_suffix(path)
    made, patches = _loss(loss, options)
    if toy is not None:
        case = _toy(toy)
    else:
        case = _prediction(Path(str(predictions)), truth, dataset, fold, data_dir, partial, str(image_id))
    save_figure(_picture(loss, made, _seen(_cropped(case, crop), made), patches), path)
    click.echo(f"Picture: {path}")


def _check(
    toy: str | None,
    predictions: Path | None,
    truth: Path | None,
    dataset: str | None,
    fold: int | None,
    image_id: str | None,
) -> None:
    """Raise UsageError unless the options name one toy or one prediction."""
    if (toy is None) == (predictions is None):
        raise click.UsageError("Give either --toy NAME or --predictions DIR.")
    of_predictions = {"--truth": truth, "--dataset": dataset, "--fold": fold, "--image": image_id}
    given = [name for name, value in of_predictions.items() if value is not None]
    if toy is not None and given:
        raise click.UsageError(f"{given[0]} belongs to --predictions; a toy brings its own truth.")
    if toy is None:
        check_asked(truth, dataset, fold, None)
        if image_id is None:
            raise click.UsageError("Missing option '--image': name one of the predictions.")


def _loss(name: str, options: Mapping[str, Any]) -> tuple[Any, str]:
    """Return the loss, on whole images if it would else draw patches, and a sentence about that."""
    from topobench.losses import build_loss
    from topobench.losses.diagrams import DiagramLoss
    from topobench.registry import load

    given, about, maker = dict(options), "", load("losses", name)
    if (
        isinstance(maker, type)
        and issubclass(maker, DiagramLoss)
        and "patch_size" in inspect.signature(maker).parameters
    ):
        about = "the whole image is taken as one patch"
        if given.setdefault("patch_size", None) is not None:
            about = "the arrows are of the patches that the loss draws, the diagram is of the whole image"
    return build_loss(name, given), about


def _toy(name: str) -> _Case:
    from topobench.losses.toys import TOYS, toys
    from topobench.registry import unknown_name

    forms = {toy.name: toy for toy in toys()}  # oblong and inverted ones too, as `topobench check loss` names them
    if name not in forms:
        raise unknown_name("toys", name, TOYS)
    return _Case(forms[name].likelihood, forms[name].truth, f"the toy {name}")


def _prediction(
    folder: Path,
    truth: Path | None,
    dataset: str | None,
    fold: int | None,
    data_dir: Path | None,
    partial: bool,
    image_id: str,
) -> _Case:
    asked = open_asked(truth, dataset, fold, data_dir, None, partial=partial)
    sample = sample_of(asked, image_id)
    words = f"{folder.resolve().name} against {asked.card['name']}, {image_id}"
    return _Case(prediction_of(folder, asked, sample), sample.truth, words, asked.connectivity, sample.valid)


def _cropped(case: _Case, crop: tuple[int, int, int] | None) -> _Case:
    """Return the part of a case that is asked for; UsageError where it reaches beyond the image."""
    if crop is None:
        return case
    (row, column, side), (height, width) = crop, case.truth.shape
    if row + side > height or column + side > width:
        raise click.UsageError(
            f"--crop {row},{column},{side} reaches beyond the image, which has {height} rows and {width} columns."
        )
    part = slice(row, row + side), slice(column, column + side)
    words = f"{case.words}, rows {row} to {row + side - 1}, columns {column} to {column + side - 1}"
    valid = None if case.valid is None else case.valid[part]
    return replace(case, likelihood=case.likelihood[part], truth=case.truth[part], words=words, valid=valid)


def _seen(case: _Case, loss: Any) -> _Case:
    """Return a case as a loss sees it in training: what is not valid is structure where it frames, else background."""
    import numpy as np

    if case.valid is None or case.valid.all():
        return case
    frame = bool(getattr(loss, "frame", False))
    likelihood, truth = (np.where(case.valid, image, frame) for image in (case.likelihood, case.truth))
    note = f"pixels that are not valid are {'structure' if frame else 'background'}, as in training"
    return replace(case, likelihood=likelihood, truth=truth.astype(bool), note=note)


def _picture(name: str, loss: Any, case: _Case, patches: str) -> Figure:
    from topobench.drawing import draw_loss
    from topobench.losses.explain import explain_loss

    try:
        found, claim = explain_loss(loss, case.likelihood, case.truth), getattr(loss, "claim", None)
        choices = " ".join(loss.extra_repr().split())
    except TopobenchError:
        raise
    except (Exception, SystemExit) as error:  # a plugin's loss
        raise ArgumentError(f"loss {name!r} cannot be explained: it raises {in_words(error)}.") from error
    notes = "; ".join(part for part in (f"{name}: {choices}" if choices else "", patches, case.note) if part)
    return draw_loss(
        case.likelihood, case.truth, found.gradient, found.matching, found.value,
        claim.connectivity if claim else case.connectivity, bool(claim and claim.frame),
        f"{name} on {case.words}", textwrap.fill(notes, 170),
    )  # fmt: skip
