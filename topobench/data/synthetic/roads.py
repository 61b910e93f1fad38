"""Roads: the streets of a grid, some left out, with a few main roads; blocks are the holes between them."""

from __future__ import annotations

import numpy as np
from pydantic import model_validator

from topobench.cards import Part
from topobench.data.synthetic.family import Family, Made, NotNegative, Positive, Shape
from topobench.data.synthetic.looks import Look
from topobench.data.synthetic.networks import Floats, Plan, check_width, exits_apart, hermite, lattice
from topobench.types import BoolArray, IntArray

__all__ = ["Roads"]

CLEARANCE = 3  # pixels between a road along the border and the border, at least
JITTER = 0.17  # spacings
MAIN = 0.3  # part of the lines of the grid that are main roads: of the highest width, and without a break


class Roads(Family):
    """Bright roads on darker ground, as aerial photographs show them.

    `gaps` are trees that hide a stretch of road.

    Parameters
    ----------
    spacing : pixels between parallel roads, on average
    width : (lowest, highest) width of a road, pixels
    missing : part of the streets between two crossings that is left out
    houses : roofs as bright as roads for each 26x26 pixels, on average
    """

    spacing: Positive
    width: tuple[float, float]
    missing: Part
    houses: NotNegative

    @model_validator(mode="after")
    def _fits_together(self) -> Roads:
        check_width(self.width, self.spacing)
        return self

    @property
    def look(self) -> Look:
        """Bright on a ground that is as uneven as fields and gardens are."""
        return Look(
            self.contrast, self.blur, self.noise, self.gaps, self.houses,
            bright=True, ground=0.36, texture=0.06, texture_scale=5.0, gap_radius=3.0, granule_radius=2.2,
        )  # fmt: skip

    @property
    def remedy(self) -> str:
        """What keeps roads apart."""
        return f"raise spacing ({self.spacing:g}) or lower width ({list(self.width)})"

    def draw(self, shape: Shape, random: np.random.Generator) -> Made:
        """Return one attempt at a truth."""
        margin = self.width[1] / 2 + CLEARANCE
        grid = lattice(shape, self.spacing, JITTER, random.uniform(0, np.pi / 2), margin, random)
        nodes, inside = grid.nodes.reshape(-1, 2), grid.inside.ravel()
        ends, tangents, width = self._streets(grid.nodes, random)
        kept: BoolArray = np.any(inside[ends], axis=1)
        kept[kept] = exits_apart(nodes, inside, ends[kept], shape, 2 * margin)
        ends, tangents, width = ends[kept], tangents[kept], width[kept]
        points = hermite(nodes[ends[:, 0]], nodes[ends[:, 1]], tangents[:, 0], tangents[:, 1])
        return Plan(ends, points, np.broadcast_to(width[:, None], points.shape[:2])).make(shape)

    def _streets(self, nodes: Floats, random: np.random.Generator) -> tuple[IntArray, Floats, Floats]:
        """Return the nodes at both ends of each street (E, 2), its tangents there (E, 2, 2) and width (E,); wide first.

        Tangents point along the lines of the grid, so that a street goes on smoothly from the one before it.
        """
        number: IntArray = np.arange(nodes[..., 0].size).reshape(nodes.shape[:2])
        ends, tangents, widths = [], [], []
        for axis, lines in enumerate((number, number.T)):
            main, width = self._lines(lines.shape[1], random)
            drawn = main | (random.random(lines[1:].shape) >= self.missing)
            ends.append(np.stack([lines[:-1][drawn], lines[1:][drawn]], axis=1))
            tangents.append(np.gradient(nodes, axis=axis).reshape(-1, 2)[ends[-1]])
            widths.append(np.broadcast_to(width, drawn.shape)[drawn])
        order = np.argsort(-np.concatenate(widths), kind="stable")
        return np.concatenate(ends)[order], np.concatenate(tangents)[order], np.concatenate(widths)[order]

    def _lines(self, count: int, random: np.random.Generator) -> tuple[BoolArray, Floats]:
        """Return which of so many lines are main roads, and all widths: the highest for these, else the lower half."""
        low, high = self.width
        main = random.random(count) < MAIN
        return main, np.where(main, high, random.uniform(low, (low + high) / 2, size=count))
