"""Membranes between cells, whose number is known while they are made.

The plane is parted by random sites into convex cells; the walls between them get a width each. A cell is kept if
some pixel lies deep enough inside its walls, and it keeps the pixels that are joined to its deepest one. So the
kept cells are known, they are simply connected, no two touch, and all the rest is one membrane: framed,
b0 = 1 and b1 = number of kept cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator
from scipy import ndimage, spatial

from topobench.data.synthetic.family import Family, Made, NotNegative, Positive, Shape
from topobench.data.synthetic.looks import Look
from topobench.types import BoolArray, IntArray

__all__ = ["Membranes", "membranes"]

NEIGHBOURS = 8  # walls between a pixel's cell and the cells of its next nearest sites
DEEP = 1.5  # pixels: a cell with no pixel this deep inside its walls is swallowed by them

Floats = NDArray[np.float64]


class Membranes(Family):
    """Dark membranes between bright cells, as electron microscopy shows them.

    Parameters
    ----------
    spacing : pixels between sites, about the diameter of a cell
    width : (lowest, highest) width of a wall, pixels; at least 2, so that no two cells touch
    granules : dark spots inside cells for each 26x26 pixels, on average
    """

    spacing: Positive
    width: tuple[float, float]
    granules: NotNegative

    @model_validator(mode="after")
    def _fits_together(self) -> Membranes:
        if not 2.0 <= self.width[0] <= self.width[1] < self.spacing:
            raise ValueError(f"width is {list(self.width)}; wanted 2 <= lowest <= highest < spacing")
        return self

    @property
    def look(self) -> Look:
        """Dark on a bright ground."""
        return Look(self.contrast, self.blur, self.noise, self.gaps, self.granules)

    @property
    def remedy(self) -> str:
        """What keeps cells apart."""
        return f"raise spacing ({self.spacing:g}) or lower width ({list(self.width)})"

    def draw(self, shape: Shape, random: np.random.Generator) -> Made:
        """Return a truth."""
        return membranes(shape, self.spacing, self.width, random)


def membranes(shape: Shape, spacing: float, width: tuple[float, float], random: np.random.Generator) -> Made:
    """Make a truth of that shape; see the module and `Membranes` for the rules and the options."""
    cell, depth = _tessellation(shape, spacing, width, random)
    names = np.unique(cell)
    deepest = np.array(ndimage.maximum_position(depth, cell, names))
    anchors = deepest[depth[tuple(deepest.T)] >= DEEP]
    seeds = np.zeros(shape, dtype=bool)
    seeds[tuple(anchors.T)] = True
    kept = ndimage.binary_propagation(seeds, mask=depth > 0)
    return Made(~kept, _unframed(cell, kept, len(anchors)), (1, len(anchors)))


def _tessellation(
    shape: Shape, spacing: float, width: tuple[float, float], random: np.random.Generator
) -> tuple[IntArray, Floats]:
    """Return for each pixel the number of its cell, and how deep inside that cell's walls it lies (< 0: in a wall)."""
    sites = _sites(shape, spacing, random)
    pixels = np.argwhere(np.ones(shape, dtype=bool)).astype(np.float64)
    distance, near = map(np.asarray, spatial.KDTree(sites).query(pixels, k=NEIGHBOURS))
    own, others = near[:, :1], near[:, 1:]
    apart = np.linalg.norm(sites[:, None] - sites, axis=-1)
    to_wall = (distance[:, 1:] ** 2 - distance[:, :1] ** 2) / (2 * apart[own, others])  # distance to the bisector
    walls = random.uniform(*width, size=(len(sites), len(sites)))
    half = np.maximum(walls, walls.T)[own, others] / 2
    depth = (to_wall - half).min(axis=1)
    return own.reshape(shape).astype(np.int64), depth.reshape(shape)


def _sites(shape: Shape, spacing: float, random: np.random.Generator) -> Floats:
    """Return one random site in each square of a grid that reaches two squares beyond the image."""
    rows, columns = (np.arange(-2, int(side / spacing) + 3) for side in shape)
    corners = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    return (corners + random.uniform(0.1, 0.9, size=corners.shape)) * spacing


def _unframed(cell: IntArray, kept: BoolArray, cells: int) -> tuple[int, int]:
    """Return (b0, b1) of the membrane without the frame.

    Holes are the cells that do not reach the border. Taking the frame away cuts the membrane once for each cell
    at the border, and joins nothing: b0 = 1 + (pieces of membrane along the border) - (cells at the border),
    where cells that reach it in several places count once; at least one piece stays if no cell reaches it.
    """
    ring = _ring(np.where(kept, cell, -1))
    border = np.unique(ring[ring >= 0]).size
    membrane = ring < 0
    pieces = int(np.count_nonzero(membrane & ~np.roll(membrane, 1)))
    return (1 + pieces - border if border else 1), cells - border


def _ring(image: IntArray) -> IntArray:
    """Return the border pixels in cyclic order."""
    if image.size == 1:
        return image.ravel()
    return np.concatenate([image[0, :-1], image[:-1, -1], image[-1, :0:-1], image[:0:-1, 0]])
