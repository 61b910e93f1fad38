"""Figures on disk: whole or not at all, and the same bytes every time."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from topobench.errors import ArgumentError
from topobench.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_suffix", "save_figure"]

# What each format would else write of the moment at which it was saved.
METADATA: dict[str, dict[str, Any]] = {".png": {}, ".svg": {"Date": None}}


def check_suffix(path: Path) -> None:
    """Raise ArgumentError where `path` does not end in a format that can be written."""
    if path.suffix.lower() not in METADATA:
        raise ArgumentError(f"{path} ends in {path.suffix or 'nothing'!r}; a picture is written as .png or .svg.")


def save_figure(figure: Figure, path: str | Path, dpi: int = 150) -> None:
    """Write a figure as PNG or SVG, by the path's suffix; one figure gives the same bytes each time.

    Parameters
    ----------
    figure : matplotlib Figure
    path : str or Path
        Its folder is made where it is not there; a file that is there is replaced.
    dpi : int
        Pixels an inch, of a PNG and of the images within an SVG.
    """
    import matplotlib as mpl

    path = Path(path)
    check_suffix(path)
    kind, buffer = path.suffix.lower(), io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "topobench"}):
        figure.savefig(buffer, format=kind[1:], dpi=dpi, metadata=METADATA[kind])
    write_atomic(path, buffer.getvalue())
