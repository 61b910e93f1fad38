"""`draw_mistakes`: a prediction beside its truth, and in place what is wrong with its topology.

What is wrong must be seen when it is one pixel, and by who cannot tell colours apart: each of the four kinds has a
colour of Okabe and Ito (jfly.uni-koeln.de/color), a hatch and a marker of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topobench.drawing.shapes import dot, outline, pixels_of, small_centres, tint
from topobench.drawing.sheet import GAP, HEAD, as_picture, panel, sheet, write
from topobench.errors import ArgumentError
from topobench.topology import betti_numbers
from topobench.topology.images import as_likelihood, as_mask
from topobench.topology.matching import unmatched_classes
from topobench.types import BoolArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["KINDS", "Kind", "draw_mistakes", "draw_mistakes_alone"]


FOOT = 1.85  # inches, for legend and caption
VAST, PALE = 0.2, 0.1  # what fills this share of the image is tinted so little that other mistakes show through


@dataclass(frozen=True)
class Kind:
    """One kind of mistake, and how it is shown."""

    name: str
    meaning: str
    colour: str
    hatch: str
    marker: str
    alpha: float = 0.6


# Holes come first: what is drawn later lies above, and holes are the larger.
KINDS = (
    Kind("missed_holes", "holes of the truth that the prediction leaves open or fills", "#56B4E9", "\\\\\\", "D", 0.45),
    Kind("false_holes", "holes too many in the prediction", "#E69F00", "///", "^", 0.45),
    Kind(
        "missed_components",
        "pieces of the truth that the prediction lacks or has joined to others",
        "#0072B2",
        "...",
        "s",
    ),
    Kind(
        "false_components",
        "pieces too many in the prediction: specks, or parts that a gap cuts off",
        "#D55E00",
        "xxx",
        "o",
    ),
)


def draw_mistakes(
    prediction: ArrayLike,
    truth: ArrayLike,
    image: ArrayLike | None = None,
    connectivity: int = 8,
    frame: bool = False,
    threshold: float = 0.5,
    title: str = "",
    valid: ArrayLike | None = None,
) -> Figure:
    """Draw the image, the truth, the prediction, and where the prediction's topology is wrong.

    Wrong is a class that the Betti matching (Stucki 2023) leaves without partner. Where two pieces of the
    prediction lie on one piece of the truth, one of them is without: it is shown whole, not the gap between them.

    Parameters
    ----------
    prediction : (H, W), real, in [0, 1]
        Likelihood of structure; a bool mask is one too.
    truth : (H, W), bool or values 0 and 1
    image : (H, W) or (C, H, W), in [0, 1], or None
        None: the likelihood is shown in its place, if it is no mask.
    connectivity : 8 or 4
        Of the structure.
    frame : bool
        Add a ring of structure outside first, so that cells cut by the border count as holes.
    threshold : float
        Structure is likelihood >= threshold.
    title : str
    valid : bool (H, W) or None
        Pixels outside are structure in both maps with a frame, else background; they are dotted.

    Returns
    -------
    matplotlib Figure, which `topobench.drawing.save_figure` writes

    Raises
    ------
    ArgumentError
        For shapes that differ or values out of range.
    """
    likelihood, wanted, domain = _maps(prediction, truth, valid)
    mask, wanted = (np.where(domain, part, frame) for part in (likelihood >= threshold, wanted))
    found = _unmatched(mask, wanted, connectivity, frame)
    beside = _beside(likelihood, image)
    figure, small, large = _panels(mask.shape, len(beside) + 2)
    for axis, (name, pixels) in zip(small, beside.items(), strict=False):
        axis.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        panel(axis, name)
    _mask(small[-2], wanted, "truth (structure is black)")
    _mask(small[-1], mask, f"prediction (likelihood ≥ {threshold:g})")
    _mistakes(large, mask, wanted, found)
    for axis in (*small[-2:], large):
        dot(axis, ~domain)
    panel(large, "where the topology is wrong")
    _legend(figure, found)
    write(figure, title, _caption(mask, wanted, found, connectivity, frame), FOOT)
    return figure


def draw_mistakes_alone(
    prediction: ArrayLike,
    truth: ArrayLike,
    connectivity: int = 8,
    frame: bool = False,
    threshold: float = 0.5,
    valid: ArrayLike | None = None,
) -> tuple[Figure, dict[str, int]]:
    """Draw the mistakes in place and nothing beside them: no title, no legend, the picture up to its edge.

    Parameters are those of `draw_mistakes`; returned are a matplotlib Figure, 5 inches on its longer side, and how many
    mistakes of each kind (a name of `KINDS`) there are.
    """
    likelihood, wanted, domain = _maps(prediction, truth, valid)
    mask, wanted = (np.where(domain, part, frame) for part in (likelihood >= threshold, wanted))
    found = _unmatched(mask, wanted, connectivity, frame)
    height, width = (5.0 * side / max(mask.shape) for side in mask.shape)
    figure, place = sheet(width, height)
    axis = place(0, 0, width, height)
    axis.set_axis_off()
    _mistakes(axis, mask, wanted, found)
    axis.set(xlim=(-0.5, mask.shape[1] - 0.5), ylim=(mask.shape[0] - 0.5, -0.5))
    dot(axis, ~domain)
    return figure, {name: int(labels.max()) for name, labels in found.items()}


def _maps(
    prediction: ArrayLike, truth: ArrayLike, valid: ArrayLike | None
) -> tuple[NDArray[Any], BoolArray, BoolArray]:
    likelihood, wanted = as_likelihood(prediction), as_mask(truth, "truth")
    domain = np.ones(wanted.shape, bool) if valid is None else as_mask(valid, "validity mask")
    for word, part in (("truth", wanted), ("validity mask", domain)):
        if part.shape != likelihood.shape:
            raise ArgumentError(
                f"the prediction has shape {likelihood.shape}, the {word} {part.shape}; they must agree."
            )
    return likelihood, wanted, domain


def _unmatched(mask: BoolArray, wanted: BoolArray, connectivity: int, frame: bool) -> dict[str, NDArray[np.int32]]:
    """Return where the mistakes of each kind are, as labels (H, W), by the kind's name."""
    unmatched = unmatched_classes(mask, wanted, connectivity, frame)
    return {kind.name: np.asarray(getattr(unmatched, kind.name)) for kind in KINDS}


def _beside(likelihood: NDArray[Any], image: ArrayLike | None) -> dict[str, NDArray[Any]]:
    """Return what is shown beside truth and prediction, by its title: the image, else the likelihood, or nothing."""
    if image is None:
        mask = bool(((likelihood == 0) | (likelihood == 1)).all())
        return {} if mask else {"predicted likelihood (white is 1)": likelihood}
    return {"image": as_picture(image, likelihood.shape)}


def _panels(shape: tuple[int, ...], count: int) -> tuple[Figure, list[Axes], Axes]:
    """Return a figure, its `count` small axes one above the other, and the large one beside them.

    All is placed in inches from the top left, each panel in the image's shape, with room for the text below.
    """
    height, width = min((7.0 * shape[0] / shape[1], 7.0), (8.0, 8.0 * shape[1] / shape[0]))
    height = max(height, count * 0.9)  # of a flat image the panels still stand apart
    low = (height - HEAD * (count - 1)) / count
    narrow = min(low * shape[1] / shape[0], 3.5)
    beside = max(narrow, 2.2)  # the titles want room too
    figure, place = sheet(3 * GAP + beside + max(width, 5.5), 2.2 * HEAD + height + FOOT)
    small = [place(GAP, 2.2 * HEAD + index * (low + HEAD), narrow, low) for index in range(count)]
    return figure, small, place(2 * GAP + beside, 2.2 * HEAD, width, height)


def _mask(axis: Axes, mask: BoolArray, name: str) -> None:
    axis.imshow(mask, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    panel(axis, name)


def _mistakes(axis: Axes, mask: BoolArray, wanted: BoolArray, found: dict[str, NDArray[np.int32]]) -> None:
    """Show both masks in grey and the mistakes above them; those too small to be seen get a marker."""
    from matplotlib.patches import PathPatch

    axis.imshow(1.0 - 0.12 * (mask | wanted) - 0.28 * (mask & wanted), cmap="gray", vmin=0, vmax=1)
    side = max(1.0, 0.025 * max(mask.shape))
    centres = {kind.name: small_centres(found[kind.name], side) for kind in KINDS}
    size = float(np.clip(60.0 / np.sqrt(1 + sum(map(len, centres.values()))), 2.5, 9.0))
    for kind in KINDS:
        labels = found[kind.name]
        vast = np.bincount(labels.ravel()) > VAST * labels.size
        tint(axis, np.where(vast, PALE, kind.alpha)[labels] * (labels > 0), kind.colour)
        axis.images[-1].set_gid(kind.name)
        hatched = PathPatch(
            pixels_of(labels > 0), facecolor="none", edgecolor=kind.colour, hatch=kind.hatch, linewidth=0
        )
        axis.add_artist(hatched)
        outline(axis, labels, kind.colour, 0.8)
        axis.plot(
            *centres[kind.name].T, kind.marker, markersize=size, markerfacecolor="none", markeredgecolor=kind.colour,
            markeredgewidth=max(0.5, size / 6), clip_on=False, gid=kind.name,
        )  # fmt: skip


def _legend(figure: Figure, found: dict[str, NDArray[np.int32]]) -> None:
    from matplotlib.legend_handler import HandlerTuple
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []  # a tuple is drawn side by side
    texts = []
    for kind in reversed(KINDS):
        patch = Patch(facecolor=kind.colour + "99", edgecolor=kind.colour, hatch=kind.hatch)
        symbol = Line2D([], [], linestyle="", marker=kind.marker, markerfacecolor="none", markeredgecolor=kind.colour)
        handles.append((patch, symbol))
        texts.append(f"{kind.name.replace('_', ' ')}: {found[kind.name].max()} ({kind.meaning})")
    figure.legend(
        handles, texts, loc="lower left", fontsize=9, frameon=False, handlelength=3.5,
        handler_map={tuple: HandlerTuple(ndivide=None)},
    )  # fmt: skip


def _caption(
    mask: BoolArray, wanted: BoolArray, found: dict[str, NDArray[np.int32]], connectivity: int, frame: bool
) -> str:
    """Return the Betti numbers and the Betti matching error in words, a line each dimension."""
    lines = []
    pairs = zip(betti_numbers(mask, connectivity, frame), betti_numbers(wanted, connectivity, frame), strict=True)
    for (ours, theirs), word, number in zip(pairs, ("components", "holes"), ("b0", "b1"), strict=True):
        false, missed = (int(found[f"{kind}_{word}"].max()) for kind in ("false", "missed"))
        lines.append(
            f"{word} ({number}): prediction {ours}, truth {theirs}; "
            f"Betti matching error {false + missed} = {false} false + {missed} missed"
        )
    lines += [
        f"connectivity {connectivity}, "
        + ("with a frame of structure, itself a component of both" if frame else "without a frame of structure"),
        "grey: structure in both; light grey: in one of the two; a symbol marks what is small; hatches cross where two "
        "kinds overlap",
    ]
    return "\n".join(lines)
