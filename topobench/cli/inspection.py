"""`topobench data inspect`: what a data set's truth is like, as a table, a CSV file and a picture."""

from __future__ import annotations

import csv
import io
import math
import statistics
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from topobench.cli.options import data_dir, partial, plugin

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from rich.table import Table

    from topobench.data import Dataset
    from topobench.metrics.truth import TruthReport

__all__ = ["inspect"]

FEW = 12  # images that get a line each

# What the table shows: heading, attribute of the report, digits.
NUMBERS = (
    ("structure, share", "structure_share", 3),
    ("b0, components, under 8", "b0_8", 0),
    ("b0, components, under 4", "b0_4", 0),
    ("b1, holes, under 8", "b1_8", 0),
    ("b1, holes, under 4", "b1_4", 0),
    ("cells (b1 framed) under 8", "cells_8", 0),
    ("cells (b1 framed) under 4", "cells_4", 0),
    ("closed by the frame alone, 8", "closed_by_frame_8", 0),
    ("isolated pixels", "isolated_pixels", 0),
    ("pinholes", "pinholes", 0),
    ("diagonal contacts", "diagonal_contacts", 0),
    ("border that is structure, share", "border_share", 3),
    ("components at the border, 8", "border_components_8", 0),
    ("width, 5th percentile", "width_p5", 1),
    ("width, median", "width_p50", 1),
    ("width, 95th percentile", "width_p95", 1),
    ("width, maximum", "width_max", 1),
)


@click.command()
@click.argument("name")
@plugin
@data_dir
@partial
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path("topobench-out"), show_default=True,
    help="Folder for inspect-NAME.csv and inspect-NAME.png.",
)  # fmt: skip
def inspect(name: str, data_dir: Path | None, partial: bool, output: Path) -> None:
    """Count what in a data set's truth depends on the connectivity: Betti numbers, specks, borders, widths."""
    from topobench.data import open_dataset
    from topobench.drawing import save_figure
    from topobench.files import check_writable, write_atomic

    check_writable(output)
    dataset = open_dataset(name, data_dir, partial)
    reports, widths = _reports(dataset)
    table, picture = (output / f"inspect-{dataset.card.name}.{kind}" for kind in ("csv", "png"))
    sentence = connectivity_sentence(list(reports.values()), dataset.card.connectivity)
    write_atomic(table, csv_of(reports).encode())
    save_figure(_picture(dataset, reports, widths, sentence), picture)
    print_table(reports, dataset.card.title)
    click.echo(f"{sentence}\n\nTable: {table}\nPicture: {picture}")


def _reports(dataset: Dataset) -> tuple[dict[str, TruthReport], NDArray[Any]]:
    """Return the report of each image by its id, and the local widths of all."""
    import numpy as np

    from topobench.metrics.truth import inspect_truth, local_widths

    reports, widths = {}, []
    with click.progressbar(dataset, length=len(dataset), label="inspecting", file=sys.stderr) as progress:
        for sample in progress:
            reports[sample.image_id] = inspect_truth(sample.truth, sample.valid)
            widths.append(local_widths(sample.truth, sample.valid))
    return reports, np.concatenate(widths)


def connectivity_sentence(reports: Sequence[TruthReport], connectivity: int) -> str:
    """Return in words how far the truth depends on the choice of connectivity, of which the card made one."""
    b0, b1 = (
        [abs(getattr(report, f"{name}_4") - getattr(report, f"{name}_8")) for report in reports]
        for name in ("b0", "b1")
    )
    changed = [sum(difference > 0 for difference in differences) for differences in (b0, b1)]
    contacts = sum(report.diagonal_contacts for report in reports)
    if not any(changed):
        return (
            f"Connectivity 4 and 8 give every one of {len(reports)} truths the same b0 and b1 ({contacts} diagonal "
            f"contacts): for the truth the choice is free, though for a prediction it is not. "
            f"The card says {connectivity}."
        )
    text = (
        f"Under connectivity 4 in place of 8, {changed[0]} of {len(reports)} images change their b0 (by up to "
        f"{max(b0)}) and {changed[1]} their b1 (by up to {max(b1)}), at {contacts} diagonal contacts in all. "
    )
    if sum(report.b0_4 for report in reports) > 2 * sum(report.b0_8 for report in reports):
        text += "The structure is drawn across corners and falls apart under 4: only 8 makes sense. "
    else:
        text += "These are few places, yet figures under 4 and under 8 are not comparable. "
    return f"{text}The card says {connectivity}."


def csv_of(reports: dict[str, TruthReport]) -> str:
    """Return all numbers as CSV, one line an image; what is undefined is ``nan``."""
    text = io.StringIO()
    lines = [
        {"image": image_id, **asdict(report)}
        | {key: getattr(report, key) for key in ("closed_by_frame_8", "closed_by_frame_4")}
        for image_id, report in reports.items()
    ]
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def print_table(reports: dict[str, TruthReport], title: str) -> None:
    """Print a line an image where there are few; else the lowest, median and highest of each number."""
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    console.print(f"\n{title}: the truth of {len(reports)} images\n")
    console.print(_lines(reports) if len(reports) <= FEW else _summary(reports))
    console.print(
        "\nWidths are 2 d - 1 pixels at the centreline, d to the nearest background: 1, 3, 5 pixels read as they are, "
        "2, 4, 6 as 1, 3, 5.\n",
    )


def _grid(*headings: str) -> Table:
    """Return an empty table that fits 80 columns, of which the first and a last one called ``highest in`` are text."""
    from topobench.cli.tables import grid

    lines = grid(gap=1)
    for number, heading in enumerate(headings):
        text = number == 0 or heading == "highest in"
        lines.add_column(heading, justify="left" if text else "right", overflow="fold", no_wrap=not text)
    return lines


def _lines(reports: dict[str, TruthReport]) -> Table:
    """Return the table with one line an image; what is not in it is in the CSV file."""
    grid = _grid(
        "image", "struc-\nture", "b0\n8/4", "b1\n8/4", "cells\n8/4", "iso-\nlated", "pin-\nholes", "con-\ntacts",
        "width\n5/50/95/100 %",
    )  # fmt: skip
    for image_id, report in reports.items():
        widths = (report.width_p5, report.width_p50, report.width_p95, report.width_max)
        grid.add_row(
            image_id, f"{report.structure_share:.3f}", f"{report.b0_8}/{report.b0_4}", f"{report.b1_8}/{report.b1_4}",
            f"{report.cells_8}/{report.cells_4}", str(report.isolated_pixels), str(report.pinholes),
            str(report.diagonal_contacts), "/".join(f"{width:.3g}" for width in widths),
        )  # fmt: skip
    return grid


def _summary(reports: dict[str, TruthReport]) -> Table:
    """Return the table with one line a number, over the images in which it is defined."""
    grid = _grid("", "lowest", "median", "highest", "highest in")
    for label, attribute, digits in NUMBERS:
        found = {image_id: float(getattr(report, attribute)) for image_id, report in reports.items()}
        values = {image_id: value for image_id, value in found.items() if not math.isnan(value)}
        if not values:
            grid.add_row(label, *["nan"] * 3, "")
            continue
        low, middle, high = min(values.values()), statistics.median(values.values()), max(values.values())
        where = [image_id for image_id, value in values.items() if value == high]
        more = f" and {len(where) - 1} more" if len(where) > 1 else ""
        figures = [
            f"{value:.{digits}f}" if digits or value % 1 == 0 else f"{value:.1f}" for value in (low, middle, high)
        ]
        grid.add_row(label, *figures, where[0] + more if low < high else "")
    return grid


def _picture(dataset: Dataset, reports: dict[str, TruthReport], widths: NDArray[Any], sentence: str) -> Figure:
    """Draw the image with the most specks, with what was counted in all."""
    from topobench.drawing import draw_truth

    def specks(image_id: str) -> int:
        report = reports[image_id]
        return report.isolated_pixels + report.pinholes + report.diagonal_contacts

    example = dataset[max(reports, key=specks)]
    title = f"{dataset.card.title}: the truth of {len(dataset)} images"
    return draw_truth(
        example.truth, example.image, widths, list(reports.values()), title, textwrap.fill(sentence, 180),
        example.valid, example.image_id,
    )  # fmt: skip
