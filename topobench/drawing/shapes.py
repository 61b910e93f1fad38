"""Masks as shapes: the edges between pixels as a path, and the pixels as one that can be hatched.

Axes are as `imshow` sets them: the pixel [y, x] is the unit square around (x, y).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from topobench.types import BoolArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

__all__ = ["dot", "edges_of", "outline", "pixels_of", "small_centres", "tint"]


def tint(axis: Axes, alpha: NDArray[np.float64], colour: str) -> None:
    """Lay a colour over the image, as opaque at each pixel as `alpha` (H, W) says, from 0 to 1."""
    from matplotlib.colors import to_rgb

    layer = np.concatenate([np.broadcast_to(to_rgb(colour), (*alpha.shape, 3)), alpha[..., None]], axis=2)
    axis.imshow(layer, interpolation="nearest")


def outline(axis: Axes, labels: NDArray[Any], colour: str, width: float) -> None:
    """Draw the edges between pixels of different labels, and around the image those of labels that are not 0."""
    from matplotlib.patches import PathPatch

    axis.add_artist(PathPatch(edges_of(labels), facecolor="none", edgecolor=colour, linewidth=width, capstyle="round"))


def dot(axis: Axes, where: BoolArray) -> None:
    """Cover pixels with dots: they are not valid."""
    from matplotlib.patches import PathPatch

    if where.any():
        axis.add_artist(PathPatch(pixels_of(where), facecolor="0.85", edgecolor="0.5", hatch="..", linewidth=0))


def edges_of(labels: NDArray[Any]) -> Path:
    """Return the path of all edges between pixels of different labels; around the image the label is 0."""
    from matplotlib.path import Path

    padded = np.pad(labels.astype(np.int64), 1)
    rows, first, last = _runs(padded[1:, 1:-1] != padded[:-1, 1:-1])
    across = np.stack([np.stack([first, rows], -1), np.stack([last, rows], -1)], 1)
    columns, first, last = _runs((padded[1:-1, 1:] != padded[1:-1, :-1]).T)
    down = np.stack([np.stack([columns, first], -1), np.stack([columns, last], -1)], 1)
    corners = np.concatenate([across, down]).reshape(-1, 2) - 0.5
    return Path(corners, np.tile([Path.MOVETO, Path.LINETO], len(corners) // 2))


def pixels_of(mask: BoolArray) -> Path:
    """Return a path that encloses the pixels of a mask, one rectangle a run of them in a row."""
    from matplotlib.path import Path

    row, first, last = _runs(mask)
    corners = [(first, row), (last, row), (last, row + 1), (first, row + 1), (first, row)]
    vertices = np.stack([np.stack(corner, -1) for corner in corners], 1).reshape(-1, 2) - 0.5
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return Path(vertices, np.tile(codes, len(row)))


def small_centres(labels: NDArray[np.int32], side: float) -> NDArray[np.float64]:
    """Return the middles (x, y) of the labels whose boxes are at most `side` pixels high and wide: (N, 2)."""
    boxes = [box for box in ndimage.find_objects(labels) if box is not None]
    spans = np.array([[[part.start, part.stop] for part in box] for box in boxes], float).reshape(-1, 2, 2)
    small = spans[(spans[..., 1] - spans[..., 0]).max(axis=1, initial=0) <= side]
    return np.asarray((small.sum(axis=2) - 1)[:, ::-1] / 2)


def _runs(mask: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the runs of True along rows: their row, their first column, and the column after their last."""
    steps = np.diff(np.pad(np.asarray(mask, np.int8), ((0, 0), (1, 1))), axis=1)
    row, first = np.nonzero(steps == 1)
    return row, first, np.nonzero(steps == -1)[1]
