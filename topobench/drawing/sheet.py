"""A sheet of panels: placed in inches from the top left, so that text keeps its size and nothing overlaps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topobench.errors import ArgumentError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["GAP", "HEAD", "as_picture", "panel", "sheet", "write"]

GAP, HEAD = 0.15, 0.25  # inches: between panels, and above each for its title


def sheet(across: float, down: float) -> tuple[Figure, Callable[[float, float, float, float], Axes]]:
    """Return an empty figure, inches wide and high, and a function (left, top, width, height) that adds axes to it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(across, down))

    def place(left: float, top: float, width: float, height: float) -> Axes:
        return figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))

    return figure, place


def as_picture(image: ArrayLike, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return an image (H, W) or (C, H, W) as `imshow` takes it: three channels as colours, of others the mean.

    ArgumentError where H and W are not those of `shape`.
    """
    pixels = np.asarray(image)
    if pixels.shape[-2:] != shape or pixels.ndim not in (2, 3):
        height, width = shape
        raise ArgumentError(
            f"the image has shape {pixels.shape}; it must be ({height}, {width}) or (C, {height}, {width}), "
            "like the truth."
        )
    if pixels.ndim == 2:
        return pixels
    return np.moveaxis(pixels, 0, -1) if len(pixels) == 3 else np.asarray(pixels.mean(axis=0))


def panel(axis: Axes, title: str) -> None:
    """Make an axis one of a picture: a title, a thin frame, no ticks."""
    axis.set_title(title, fontsize=9, loc="left", parse_math=False)
    axis.set(xticks=[], yticks=[])


def write(figure: Figure, title: str, caption: str, foot: float) -> None:
    """Write the title at the top left, and a caption that begins `foot` inches above the bottom."""
    across, down = figure.get_size_inches()
    figure.text(GAP / across, 1 - 0.1 / down, title, fontsize=11, va="top", weight="bold", parse_math=False)
    figure.text(GAP / across, (foot - 0.12) / down, caption, fontsize=9, va="top", linespacing=1.4, parse_math=False)
