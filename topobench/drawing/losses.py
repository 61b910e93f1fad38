"""`draw_loss`: what a loss does to a likelihood, at which pixels, and, where it is known, for which classes' sake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topobench.drawing.diagrams import diagram, halo
from topobench.drawing.sheet import GAP, HEAD, panel, sheet, write
from topobench.errors import ArgumentError
from topobench.topology import betti_numbers
from topobench.topology.images import as_array, as_likelihood, as_mask
from topobench.types import BoolArray, DiagramMatching, PersistencePairs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MOST", "draw_loss"]

MOST = 200  # arrows at the most: the largest
NAMED = 8  # moved classes at the most that get a number, in the image and in the diagram
SIDE, SMALL = 4.9, 2.2  # inches: likelihood and what is beside it, truth and prediction
LEGEND, LINE = 0.8, 0.178  # inches: below the panels, and of the caption
FAINT = 0.35  # opacity of the least gradient's colour

# Which way, what it means, colour (Okabe and Ito), and the arrow as a polygon in a unit square.
UP = ((-0.5, 0.0), (0.0, 0.5), (0.5, 0.0), (0.17, 0.0), (0.17, -0.5), (-0.17, -0.5), (-0.17, 0.0))
ARROWS = (
    ("up", "descent raises the likelihood here", "#D55E00", UP),
    ("down", "descent lowers the likelihood here", "#0072B2", tuple((x, -y) for x, y in UP)),
)

Gradient = NDArray[np.float64]


def draw_loss(
    likelihood: ArrayLike,
    truth: ArrayLike,
    gradient: ArrayLike,
    matching: DiagramMatching | None = None,
    value: float | None = None,
    connectivity: int = 8,
    frame: bool = False,
    title: str = "",
    note: str = "",
) -> Figure:
    """Draw a likelihood with arrows where a loss moves it, its truth, and its persistence diagram with the matching.

    Of a loss that knows no matching, all pixels with a gradient are coloured in place of the diagram.

    Parameters
    ----------
    likelihood : (H, W), real, in [0, 1]
    truth : (H, W), bool or values 0 and 1
    gradient : (H, W), real
        Of the loss with respect to the likelihood. An arrow points up where it is negative, for there descent
        raises the likelihood; it is the larger the greater the gradient. At most `MOST` are drawn, and without a
        matching none where there are more, for the colours tell.
    matching : DiagramMatching or None
        What the loss wants of each persistence pair of this likelihood; None for a loss that knows no pairs.
    value : float or None
        Of the loss, for the caption.
    connectivity : 8 or 4
        Of the structure, for Betti numbers.
    frame : bool
        Whether a ring of structure is added outside first, for the same.
    title : str
    note : str
        What the caption ends with.

    Returns
    -------
    matplotlib Figure, which `topobench.drawing.save_figure` writes. Arrows have the gid ``up`` and ``down``.

    Raises
    ------
    ArgumentError
        For shapes that differ, values out of range, a gradient that is not finite, and a matching of several images.
    """
    values, wanted, slope = _checked(likelihood, truth, gradient, matching)
    numbers = _numbers(matching, slope) if matching else None
    count = int(np.count_nonzero(slope))
    shown = count if matching or count <= MOST else 0
    lines = [
        _about_gradient(slope, value, shown), _about_topology(values >= 0.5, wanted, connectivity, frame),
        *([_about_matching(matching, numbers)] if matching else []), *note.splitlines(),
    ]  # fmt: skip
    foot = LEGEND + LINE * len(lines)
    figure, (above, below, large, beside) = _panels(values.shape, foot, matching is not None)
    _image(above, wanted, "truth (structure is white)")
    _image(below, values >= 0.5, "prediction: likelihood ≥ 0.5")
    _image(large, values, "likelihood (white is 1), and what one step of descent does to it")
    _arrows(large, slope, min(shown, MOST))
    if matching:
        if numbers:
            _name_pixels(large, matching.pairs, numbers, slope)
        title_beside = "persistence diagram: what the loss wants of each component and hole"
        beside.set_title(title_beside, fontsize=9, loc="left")
        diagram(beside, matching, numbers)
    else:
        _image(beside, values, "gradient of the loss: the stronger the colour, the greater")
        beside.imshow(_colours(slope), interpolation="nearest", gid="gradient")
    write(figure, title, "\n".join(lines), foot - LEGEND + 0.25)
    return figure


def _checked(
    likelihood: ArrayLike, truth: ArrayLike, gradient: ArrayLike, matching: DiagramMatching | None
) -> tuple[NDArray[Any], BoolArray, Gradient]:
    values, wanted, slope = as_likelihood(likelihood), as_mask(truth, "truth"), as_array(gradient, "gradient")
    for word, part in (("truth", wanted), ("gradient", slope)):
        if part.shape != values.shape:
            raise ArgumentError(f"the likelihood has shape {values.shape}, the {word} {part.shape}; they must agree.")
    if not np.isfinite(slope).all():
        count = int(np.count_nonzero(~np.isfinite(slope)))
        raise ArgumentError(f"the gradient is not finite at {count} of {slope.size} pixels; it cannot be drawn.")
    if matching and matching.pairs.image.any():
        raise ArgumentError(
            f"the matching is of {int(matching.pairs.image.max()) + 1} images; one likelihood has one of one image."
        )
    return values, wanted, slope.astype(np.float64)


def _panels(shape: tuple[int, ...], foot: float, square: bool) -> tuple[Figure, list[Axes]]:
    """Return a figure and its axes, in inches: truth above prediction, the likelihood, a square or another image."""
    low = (SIDE - HEAD) / 2
    top, second, third = 2.2 * HEAD, 2 * GAP + SMALL, 6 * GAP + SMALL + SIDE
    figure, place = sheet(third + SIDE + 2 * GAP, top + SIDE + foot)
    small, large = min(SMALL / shape[1], low / shape[0]), SIDE / max(shape)
    boxes = (
        (GAP, top, small), (GAP, top + low + HEAD, small), (second, top, large)
    )  # fmt: skip
    axes = [place(left, upper, shape[1] * scale, shape[0] * scale) for left, upper, scale in boxes]
    width, height = (SIDE, SIDE) if square else (shape[1] * large, shape[0] * large)
    return figure, [*axes, place(third, top, width, height)]


def _image(axis: Axes, pixels: NDArray[Any], title: str) -> None:
    axis.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    panel(axis, title)


def _colours(gradient: Gradient) -> NDArray[np.float64]:
    """Return an image (H, W, 4) of the colours of the arrows: opaque where the gradient is greatest, none where 0."""
    from matplotlib.colors import to_rgb

    share = np.abs(gradient) / max(np.abs(gradient).max(), np.finfo(float).tiny)
    up, down = (to_rgb(colour) for _, _, colour, _ in ARROWS)
    colours = np.where((gradient < 0)[..., None], up, down)
    return np.dstack([colours, np.where(gradient != 0, FAINT + (1 - FAINT) * share, 0)])


def _arrows(axis: Axes, gradient: Gradient, most: int) -> None:
    """Draw so many of the largest arrows, with size and opacity of their gradients, and below what they mean."""
    from matplotlib.path import Path

    row, column = np.unravel_index(_largest(gradient, most), gradient.shape)
    strength = gradient[row, column]
    side = float(np.clip(0.6 * _pixel(gradient), 8.0, 16.0))  # points
    highest = np.abs(strength).max(initial=0.0)
    for name, meaning, colour, shape in ARROWS:
        sign = -1 if name == "up" else 1
        those = np.sign(strength) == sign
        share = np.abs(strength[those]) / highest
        opacity = 0.5 + 0.5 * share if len(share) else None
        style: dict[str, Any] = {
            "c": colour, "marker": Path([*shape, shape[0]], closed=True), "edgecolors": "w", "linewidths": 0.7,
        }  # fmt: skip
        axis.scatter(
            column[those], row[those], s=(side * np.sqrt(0.15 + 0.85 * share)) ** 2, alpha=opacity, gid=name,
            clip_on=False, zorder=4, **style,
        )  # fmt: skip
        count = _count(np.count_nonzero(np.sign(gradient) == sign))
        axis.scatter([], [], s=110, label=f"{meaning} ({count})", **style)
    axis.legend(loc="upper left", bbox_to_anchor=(0, 0), fontsize=9, frameon=False, borderaxespad=0.7, borderpad=0.2)


def _largest(gradient: Gradient, most: int) -> NDArray[np.int64]:
    """Return the flat indices of so many pixels of the largest gradient, the largest last, so that they lie above."""
    return np.argsort(-np.abs(gradient).ravel(), kind="stable")[:most][::-1]


def _numbers(matching: DiagramMatching, gradient: Gradient) -> list[str] | None:
    """Return a number for each moved pair, and nothing for the others; None where there are too many.

    None, too, where these pairs do not account for the gradient: it is then that of patches, or of more than pairs.
    """
    moved = matching.matched | matching.removed
    pixels = np.concatenate([matching.pairs.birth_pixel[moved], matching.pairs.death_pixel[moved]])
    if np.count_nonzero(moved) > NAMED or not set(np.flatnonzero(gradient)) <= set(pixels.tolist()):
        return None
    numbers = np.cumsum(moved)
    return [str(number) if one else "" for one, number in zip(moved, numbers, strict=True)]


def _name_pixels(axis: Axes, pairs: PersistencePairs, numbers: list[str], gradient: Gradient) -> None:
    """Write beside each arrow the birth or death of which pair it moves."""
    texts: dict[int, list[str]] = {}
    for word, pixels in (("birth", pairs.birth_pixel), ("death", pairs.death_pixel)):
        for pixel, number in zip(pixels.tolist(), numbers, strict=True):
            if number and pixel >= 0 and gradient.flat[pixel]:
                texts.setdefault(pixel, []).append(f"{word} {number}")
    for pixel, lines in texts.items():
        row, column = divmod(pixel, gradient.shape[1])
        above = (gradient.shape[0] - row) * _pixel(gradient) < 12  # points: there is no room below
        text = axis.annotate(
            "\n".join(lines), (column, row), (0, 9 if above else -9), textcoords="offset points", fontsize=7,
            ha="center", va="bottom" if above else "top", zorder=5, gid="critical",
        )  # fmt: skip
        text.set_path_effects(halo())


def _pixel(gradient: Gradient) -> float:
    """Return how many points wide a pixel is drawn."""
    return float(72 * SIDE / max(gradient.shape))


def _count(number: int | np.integer[Any]) -> str:
    return f"{number} pixel" if number == 1 else f"{number} pixels"


def _about_gradient(gradient: Gradient, value: float | None, shown: int) -> str:
    count, highest = np.count_nonzero(gradient), np.abs(gradient).max()
    text = "" if value is None else f"loss {value:.4g}; "
    if not count:
        return text + "no pixel has a gradient: descent changes nothing"
    text += f"{_count(count)} of {gradient.size} with a gradient, the largest {highest:.3g} per unit of likelihood"
    if not shown:
        return text + "; too many for arrows, see the colours"
    if count > MOST:
        text += f"; arrows show the {MOST} largest"
    return text + "; an arrow is smaller and paler where the gradient is smaller"


def _about_topology(mask: BoolArray, wanted: BoolArray, connectivity: int, frame: bool) -> str:
    found = [betti_numbers(part, connectivity, frame) for part in (mask, wanted)]
    (b0, b1), (true_b0, true_b1) = found
    return (
        f"components (b0): prediction {b0}, truth {true_b0}; holes (b1): prediction {b1}, truth {true_b1}; "
        f"connectivity {connectivity}, "
        + (
            "with a frame of structure outside, a component that closes what lies at the border"
            if frame
            else "without a frame of structure"
        )
    )


def _about_matching(matching: DiagramMatching, numbers: list[str] | None) -> str:
    total = int(matching.matched.sum()) + matching.missing
    text = f"classes of the truth: {total}, of which {matching.missing} have no partner in the likelihood"
    if any(numbers or ()):
        text += "; numbers name classes of the likelihood, and the pixels of their birth and death"
    return text
