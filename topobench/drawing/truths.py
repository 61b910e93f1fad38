"""`draw_truth`: an example of a data set's truth with its specks marked in place, widths, and 4 against 8."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from topobench.drawing.shapes import dot, outline
from topobench.drawing.sheet import GAP, HEAD, as_picture, panel, sheet, write
from topobench.metrics.truth import TruthReport, diagonal_contacts, isolated_pixels, pinholes
from topobench.types import BoolArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_truth"]

Places = NDArray[np.float64]

# Name, colour (Okabe and Ito) and symbol of what is marked; and of what is counted under 4 and under 8.
MARKS = (
    ("isolated pixel", "#D55E00", "o"),
    ("pinhole", "#56B4E9", "^"),
    ("diagonal contact", "#CC79A7", "s"),
)
COUNTS = (("b0", "components (b0)", "#D55E00", "o"), ("b1", "holes (b1)", "#0072B2", "^"),
          ("cells", "cells (b1, framed)", "#009E73", "x"))  # fmt: skip
CLOSE = 48  # pixels of a side of the part that is shown enlarged
SIDE, ENLARGED, PLOT, FOOT = 5.6, 3.6, 2.9, 0.95  # inches


def draw_truth(
    truth: ArrayLike,
    image: ArrayLike | None,
    widths: NDArray[np.float64],
    reports: Sequence[TruthReport],
    title: str = "",
    caption: str = "",
    valid: ArrayLike | None = None,
    name: str = "",
) -> Figure:
    """Draw an example truth, outlined on its image with its specks marked, beside two plots of all images.

    Parameters
    ----------
    truth : (H, W), bool or values 0 and 1
        The example.
    image : (H, W) or (C, H, W), in [0, 1], or None
        None: the truth itself is shown, structure black.
    widths : float64 (N,)
        Local widths of all images, for the histogram.
    reports : sequence of TruthReport
        Of all images, for Betti numbers under 4 against 8.
    title, caption : str
        Text above and below.
    valid : bool (H, W) or None
        Of the example.
    name : str
        Of the example, for the title of its panel.
    """
    mask = np.asarray(truth, bool)
    domain = np.ones_like(mask) if valid is None else np.asarray(valid, bool)
    places = _places(mask, domain)
    wide, high = _fit(mask.shape)
    top, right = 2.2 * HEAD, 2 * GAP + wide
    height = max(high, 2 * PLOT)
    figure, place = sheet(right + ENLARGED + PLOT + 5.5 * GAP, top + height + FOOT)
    whole, close = place(GAP, top, wide, high), place(right, top, ENLARGED, ENLARGED)
    _examples(whole, close, 1.0 - 0.5 * mask if image is None else as_picture(image, mask.shape), mask, domain, places)
    panel(whole, f"{name}: truth outlined" if name else "truth outlined")
    panel(close, "the part in the box")
    handles, texts = whole.get_legend_handles_labels()
    figure.legend(
        handles, texts, loc="upper left", fontsize=9, frameon=False, title="marked in this image", alignment="left",
        bbox_to_anchor=(right / figure.get_figwidth(), 1 - (top + ENLARGED) / figure.get_figheight()),
    )  # fmt: skip
    left = right + ENLARGED + 4.5 * GAP
    _histogram(place(left, top, PLOT, height / 2 - 3 * GAP), widths)
    _four_against_eight(place(left, top + height / 2 + HEAD, PLOT, height / 2 - 3 * GAP), reports)
    write(figure, title, caption, FOOT - 0.25)
    return figure


def _fit(shape: tuple[int, ...]) -> tuple[float, float]:
    """Return width and height, in inches, of the example: as large as fits a square, in its own shape."""
    scale = SIDE / max(shape)
    return shape[1] * scale, shape[0] * scale


def _places(mask: BoolArray, valid: BoolArray | None) -> list[Places]:
    """Return for each of MARKS where it is: (x, y), (N, 2). A contact lies between its four pixels."""
    found = (isolated_pixels(mask, valid), 0.0), (pinholes(mask, valid), 0.0), (diagonal_contacts(mask, valid), 0.5)
    return [np.argwhere(marks)[:, ::-1] + np.float64(shift) for marks, shift in found]


def _busiest(shape: tuple[int, ...], places: Sequence[Places]) -> tuple[int, int, int]:
    """Return (top, left, side) of the square part with the most marks; the middle where there are none."""
    side = min(CLOSE, *shape)
    counts = np.zeros(shape)
    columns, rows = np.concatenate(places).T.astype(int)
    np.add.at(counts, (rows, columns), 1)
    centre = ((shape[0] - 1) / 2, (shape[1] - 1) / 2)
    if counts.any():
        near = ndimage.uniform_filter(counts, side, mode="constant").round(9)
        busiest = np.argwhere(near == near.max())
        centre = tuple(busiest[len(busiest) // 2])
    top, left = (int(np.clip(round(c - side / 2), 0, size - side)) for c, size in zip(centre, shape, strict=True))
    return top, left, side


def _examples(
    whole: Axes, close: Axes, pixels: NDArray[Any], mask: BoolArray, valid: BoolArray, places: Sequence[Places]
) -> None:
    """Show the example, what is not valid under dots, and enlarged the part of it that holds the most marks."""
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    top, left, side = _busiest(mask.shape, places)
    box = slice(top, top + side), slice(left, left + side)
    inside = [points - (left, top) for points in places]
    inside = [points[((points >= 0) & (points < side)).all(axis=1)] for points in inside]
    _example(whole, pixels, mask & valid, places, 6.0)
    _example(close, pixels[box], (mask & valid)[box], inside, 15.0)
    dot(whole, ~valid)
    dot(close, ~valid[box])
    frame = Rectangle((left - 0.5, top - 0.5), side, side, fill=False, edgecolor="w", linewidth=1.2)
    frame.set_path_effects([withStroke(linewidth=2.6, foreground="k")])  # so that it is seen on any ground
    whole.add_patch(frame)


def _example(axis: Axes, pixels: NDArray[Any], mask: BoolArray, places: Sequence[Places], size: float) -> None:
    """Show an image with its truth outlined and the marks in place, `size` points large."""
    axis.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    outline(axis, mask, "#F0E442", size / 10)
    for (name, colour, symbol), points in zip(MARKS, places, strict=True):
        axis.plot(
            *points.T, symbol, markersize=size, markerfacecolor="none", markeredgecolor=colour, markeredgewidth=1.5,
            label=f"{len(points)} {name}{'' if len(points) == 1 else 's'}", clip_on=False, gid=name,
        )  # fmt: skip


def _histogram(axis: Axes, widths: NDArray[np.float64]) -> None:
    """Draw how wide the structure is along its centrelines; the last bar holds all that is wider than the axis."""
    middle, highest = (np.median(widths), widths.max()) if widths.size else (math.nan, math.nan)
    title = f"width of the structure at its centreline\nmedian {middle:.1f}, maximum {highest:.1f} pixels"
    axis.set_title(title, fontsize=9)
    axis.set_xlabel("pixels", fontsize=8)
    axis.set_ylabel("share of the centreline", fontsize=8)
    axis.tick_params(labelsize=8)
    if not widths.size:
        axis.text(0.5, 0.5, "no width is defined", ha="center", transform=axis.transAxes, fontsize=9)
        return
    last = int(max(6.0, np.ceil(np.percentile(widths, 99)))) + 1
    shares = np.full(widths.size, 1 / widths.size)
    axis.hist(np.minimum(widths, last), bins=last, range=(0.5, last + 0.5), weights=shares, color="0.55", edgecolor="w")
    axis.axvline(middle, color="#D55E00")


def _four_against_eight(axis: Axes, reports: Sequence[TruthReport]) -> None:
    """Draw each image's Betti numbers under 4 against those under 8; on the line they agree."""
    axis.set_title("the same mask under 4 and under 8", fontsize=9)
    axis.set_xlabel("count under connectivity 8", fontsize=8)
    axis.set_ylabel("count under connectivity 4", fontsize=8)
    axis.tick_params(labelsize=8)
    axis.set(xscale="symlog", yscale="symlog")  # logarithmic, yet with a place for 0
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter("{x:g}")
    highest = 1
    for name, text, colour, symbol in COUNTS:
        eight, four = ([getattr(report, f"{name}_{kind}") for report in reports] for kind in (8, 4))
        axis.plot(eight, four, symbol, markersize=5, markerfacecolor="none", color=colour, label=text)
        highest = max(highest, *eight, *four)
    axis.plot([0, 2 * highest], [0, 2 * highest], color="0.6", linewidth=0.8, zorder=0, label="no difference")
    axis.set(xlim=(-0.2, 2 * highest), ylim=(-0.2, 2 * highest))
    axis.legend(fontsize=8, frameon=False, loc="upper left")
