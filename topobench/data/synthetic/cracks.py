"""Cracks: a few jagged lines whose components and loops are chosen first and then drawn.

Each crack is a way through a planar graph over nodes that no other crack uses. A loop is a second way between two of
its nodes, over unused nodes too; a twig ends at an unused node. So a loop adds one to b1, and a twig nothing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator
from scipy import sparse
from scipy.sparse import csgraph

from topobench.cards import Part
from topobench.data.synthetic.family import Family, Made, NotNegative, Positive, Shape
from topobench.data.synthetic.looks import Look
from topobench.data.synthetic.networks import STEP, Floats, Plan, check_width, lattice, triangulation
from topobench.types import BoolArray, IntArray

__all__ = ["Cracks", "Growth"]

CLEARANCE = 3  # pixels between a crack along the border and the border, at least
JITTER = 0.25  # spacings
REACH = 1.7  # spacings: the longest stretch between two nodes
ROUGH = 0.13  # standard deviation of a midpoint's displacement, as a part of the stretch that it halves
TRIES = 20  # nodes tried as the start of a crack, or of a loop
GOALS = 6  # nodes that the end of a crack, or of a loop, is chosen from
FREE = -1  # owner of a node that no crack has

Number = Annotated[int, Field(ge=0)]


class Cracks(Family):
    """Dark, faint cracks on a grainy ground, as photographs of pavement and concrete show them.

    Without a frame b0 and b1 are as many as `components` and `loops` say.

    Parameters
    ----------
    components : (fewest, most) cracks in an image
    loops : (fewest, most) loops in an image, of all its cracks together
    spacing : pixels between the nodes at which cracks may turn
    width : (lowest, highest) width of a crack, pixels
    twigs : chance that a side crack leaves a node
    grain : standard deviation of the ground
    """

    components: tuple[Number, Number]
    loops: tuple[Number, Number]
    spacing: Positive
    width: tuple[float, float]
    twigs: Part
    grain: NotNegative

    @model_validator(mode="after")
    def _fits_together(self) -> Cracks:
        for key, (fewest, most) in (("components", self.components), ("loops", self.loops)):
            if fewest > most:
                raise ValueError(f"{key} is {[fewest, most]}; wanted fewest <= most")
        if self.loops[1] and not self.components[0]:
            raise ValueError(f"components is {list(self.components)}, but loops need a crack; wanted at least 1")
        check_width(self.width, self.spacing)
        return self

    @property
    def look(self) -> Look:
        """Dark and faint on grains about as large as a crack is wide."""
        return Look(
            self.contrast, self.blur, self.noise, self.gaps, 0.0,
            ground=0.6, texture=self.grain, texture_scale=1.2, gap_radius=3.0,
        )  # fmt: skip

    @property
    def remedy(self) -> str:
        """What gives cracks room."""
        return (
            f"lower components ({list(self.components)}), loops ({list(self.loops)}) or width ({list(self.width)}), "
            f"or to change spacing ({self.spacing:g})"
        )

    def draw(self, shape: Shape, random: np.random.Generator) -> Made | None:
        """Return one attempt at a truth; None where there is no room for what was chosen."""
        components, loops = (int(random.integers(low, high + 1)) for low, high in (self.components, self.loops))
        margin = self.width[1] / 2 + CLEARANCE
        grid = lattice(shape, self.spacing, JITTER, random.uniform(0, np.pi / 2), margin, random)
        growth = Growth(*triangulation(grid, shape, REACH * self.spacing, 2 * margin, random), random)
        if not all(growth.crack() for _ in range(components)) or not all(growth.loop() for _ in range(loops)):
            return None
        growth.branch(self.twigs)
        ends = np.array(growth.drawn, dtype=np.int64).reshape(-1, 2)
        points = _jagged(growth.nodes[ends[:, 0]], growth.nodes[ends[:, 1]], random)
        made = Plan(ends, points, self._widths(growth, points.shape[1], random)).make(shape)
        return made if made.betti == (components, loops) else None

    def _widths(self, growth: Growth, length: int, random: np.random.Generator) -> Floats:
        """Return widths (E, length) that change from node to node."""
        at = random.uniform(*self.width, size=len(growth.nodes))
        first, second = np.array(growth.drawn, dtype=np.int64).reshape(-1, 2).T
        return at[first, None] + np.linspace(0.0, 1.0, length) * (at[second] - at[first])[:, None]


class Growth:
    """Cracks that grow over the edges of a planar graph.

    `owner` names the crack of each node, `drawn` the edges that cracks have.
    """

    def __init__(self, nodes: Floats, inside: BoolArray, edges: IntArray, random: np.random.Generator) -> None:
        self.nodes, self.inside, self.random = nodes, inside, random
        self.steps = np.concatenate([edges, edges[:, ::-1]])  # each edge in both directions
        lengths = np.linalg.norm(np.diff(nodes[edges], axis=1)[:, 0], axis=1)
        self.costs = np.tile(lengths * random.uniform(0.6, 1.4, size=len(edges)), 2)
        self.owner = np.full(len(nodes), FREE)
        self.drawn: list[tuple[int, int]] = []
        self.cracks = 0

    def crack(self) -> bool:
        """Add a crack from a random node to one far away; False where no two nodes are left."""
        nodes = np.unique(self.steps)
        for start in self.random.permutation(nodes[self.owner[nodes] == FREE])[:TRIES].tolist():
            before, cost = self._ways(start)
            reached = np.flatnonzero(before >= 0)
            if reached.size:
                goals = self.random.choice(reached, size=GOALS)
                self._take(_way(before, int(goals[cost[goals].argmax()])), self.cracks)
                self.cracks += 1
                return True
        return False

    def loop(self) -> bool:
        """Add a second way between two nodes of a crack, over at least one free node; False where there is none."""
        for start in self.random.permutation(np.flatnonzero((self.owner >= 0) & self.inside))[:TRIES].tolist():
            before, cost = self._ways(start)
            free, home = self.steps.T
            closing = (before[free] >= 0) & self.inside[free] & self.inside[home] & (home != start)
            closing &= self.owner[home] == self.owner[start]
            if closing.any():
                choice = np.flatnonzero(closing)[np.argsort(cost[free[closing]] + self.costs[closing])[:GOALS]]
                last, goal = self.steps[self.random.choice(choice)].tolist()
                self._take([*_way(before, last), goal], int(self.owner[start]))
                return True
        return False

    def branch(self, chance: float) -> None:
        """Let twigs leave the nodes that cracks have now, each to a free node."""
        cracked = (self.owner >= 0) & self.inside
        for node, free in self.random.permutation(self.steps[cracked[self.steps[:, 0]]]).tolist():
            if self.owner[free] == FREE and self.random.random() < chance:
                self._take([node, free], int(self.owner[node]))

    def _ways(self, start: int) -> tuple[IntArray, Floats]:
        """Return for each node the one before it on the cheapest way from `start` over free nodes, and its cost.

        Negative and infinite where there is no way; a way ends where it leaves the image.
        """
        free = self.owner == FREE
        goes_on = free & self.inside
        goes_on[start] = True
        usable = goes_on[self.steps[:, 0]] & free[self.steps[:, 1]]
        size = len(self.nodes)
        graph = sparse.coo_matrix((self.costs[usable], self.steps[usable].T), shape=(size, size)).tocsr()
        cost, before = csgraph.dijkstra(graph, indices=start, return_predecessors=True)
        return before, cost

    def _take(self, way: list[int], crack: int) -> None:
        """Give a way to a crack."""
        self.drawn += pairwise(way)
        self.owner[way] = crack


def _way(before: IntArray, goal: int) -> list[int]:
    """Return the way to `goal`, from its start, by what `_ways` found."""
    way = [goal]
    while before[way[-1]] >= 0:
        way.append(int(before[way[-1]]))
    return way[::-1]


def _jagged(starts: Floats, ends: Floats, random: np.random.Generator) -> Floats:
    """Return lines (E, P, 2) from starts to ends (E, 2), displaced at the midpoints of ever shorter stretches."""
    line = np.stack([starts, ends], axis=1)
    stretch = float(np.linalg.norm(ends - starts, axis=1).max(initial=1.0))
    while stretch > STEP:
        step = np.diff(line, axis=1)
        normal = np.stack([-step[..., 1], step[..., 0]], axis=-1)
        middle = line[:, :-1] + step / 2 + ROUGH * random.normal(size=(*step.shape[:2], 1)).clip(-2, 2) * normal
        finer = np.empty((len(line), 2 * line.shape[1] - 1, 2))
        finer[:, ::2], finer[:, 1::2] = line, middle
        line, stretch = finer, stretch / 2
    return line
