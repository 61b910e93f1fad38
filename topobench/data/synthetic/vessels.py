"""Vessels: trees that enter the image from outside and branch, never joined to each other nor to themselves."""

from __future__ import annotations

import heapq
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from topobench.cards import Part
from topobench.data.synthetic.family import Family, Made, NotNegative, Positive, Shape
from topobench.data.synthetic.looks import Look
from topobench.data.synthetic.networks import Floats, Plan, check_width, hermite, lattice, triangulation
from topobench.types import BoolArray, IntArray

__all__ = ["Vessels"]

CLEARANCE = 3  # pixels between a vessel along the border and the border, at least
JITTER = 0.3  # spacings
REACH = 1.7  # spacings: the longest stretch between two nodes
DETOUR = 0.35  # 0: as little vessel as possible; 1: every way from the root as short as possible
BEND = 0.35  # radians: standard deviation of the turn of a vessel at a node


Tree = dict[int, int]  # node -> its parent; parents come before their children, roots have no entry


class Vessels(Family):
    """Dark vessels on a bright ground under uneven light, as fundus photographs show them.

    Without a frame b0 is the number of trees and b1 is 0; framed, every vessel that leaves the image closes a loop.

    Parameters
    ----------
    trees : (fewest, most) trees in an image
    spacing : pixels between the nodes at which vessels may branch
    width : (lowest, highest) width, pixels: of the last twigs, and the most that a trunk may have
    twigs : part of the last twigs that is drawn
    shade : standard deviation of the uneven light
    """

    trees: tuple[Annotated[int, Field(ge=0)], int]
    spacing: Positive
    width: tuple[float, float]
    twigs: Part
    shade: NotNegative

    @model_validator(mode="after")
    def _fits_together(self) -> Vessels:
        if self.trees[0] > self.trees[1]:
            raise ValueError(f"trees is {list(self.trees)}; wanted fewest <= most")
        check_width(self.width, self.spacing)
        return self

    @property
    def look(self) -> Look:
        """Dark on a smooth ground under uneven light."""
        return Look(
            self.contrast, self.blur, self.noise, self.gaps, 0.0,
            ground=0.62, texture=0.03, shade=self.shade, gap_radius=3.0,
        )  # fmt: skip

    @property
    def remedy(self) -> str:
        """What gives trees room."""
        return (
            f"lower trees ({list(self.trees)}) or width ({list(self.width)}), or to change spacing ({self.spacing:g})"
        )

    def draw(self, shape: Shape, random: np.random.Generator) -> Made | None:
        """Return one attempt at a truth; None where there is no room for the trees."""
        trees = int(random.integers(self.trees[0], self.trees[1] + 1))
        margin = self.width[1] / 2 + CLEARANCE
        grid = lattice(shape, self.spacing, JITTER, random.uniform(0, np.pi / 2), margin, random)
        nodes, inside, edges = triangulation(grid, shape, REACH * self.spacing, 2 * margin, random)
        trunks = _trunks(inside, edges, trees)
        if len(trunks) < trees:
            return None
        tree = _grow(nodes, inside, edges, trunks, random)
        parents = {*tree.values(), *trunks.values()}
        pruned = {
            node: parent
            for node, parent in tree.items()
            if node in parents or node in trunks or random.random() < self.twigs
        }
        return self._plan(nodes, pruned, random).make(shape)

    def _plan(self, nodes: Floats, tree: Tree, random: np.random.Generator) -> Plan:
        """Return the curves: smooth along the widest way through a node, so that other branches leave at its side.

        By Murray's law the cubes of the widths of the branches add up to the cube of the width of their stem.
        """
        leaves = _leaves(tree, len(nodes))
        ends = np.array([(parent, node) for node, parent in tree.items()], dtype=np.int64).reshape(-1, 2)
        parent, node = ends.T
        heir = np.full(len(nodes), -1)  # the child that a vessel goes on to
        by_size = np.argsort(leaves[node], kind="stable")
        heir[parent[by_size]] = node[by_size]
        step = nodes[node] - nodes[parent]
        tangent = np.zeros_like(nodes)
        tangent[parent] = nodes[heir[parent]] - nodes[parent]
        goes_on = heir[node] >= 0
        tangent[node] = np.where(goes_on[:, None], (nodes[heir[node]] - nodes[parent]) / 2, step)
        tangent = _turned(tangent, random.normal(0.0, BEND, size=len(nodes)))
        leaving = np.where((heir[parent] == node)[:, None], tangent[parent], step)
        points = hermite(nodes[parent], nodes[node], leaving, tangent[node])
        width = np.minimum(self.width[1], self.width[0] * np.cbrt(leaves))
        return Plan(ends, points, _falling(width, ends, heir, points.shape[1]))


def _trunks(inside: BoolArray, edges: IntArray, trees: int) -> Tree:
    """Return the first edges of so many trees, each from a node outside; fewer where there are not so many."""
    trunks: Tree = {}
    for first, second in edges[~inside[edges].all(axis=1)].tolist():
        node, root = (first, second) if inside[first] else (second, first)
        if len(trunks) < trees and node not in trunks:
            trunks[node] = root
    return trunks


def _grow(nodes: Floats, inside: BoolArray, edges: IntArray, trunks: Tree, random: np.random.Generator) -> Tree:
    """Return trees over the nodes that can be reached without a turn back, by the rule of Prim and Dijkstra.

    Always the edge is added next for which DETOUR x (way from the root to its start) + (its own length) is least.
    Trees do not grow on from a node outside.
    """
    neighbours = _neighbours(edges, random.uniform(0.6, 1.4, size=len(edges)))
    tree: Tree = {}
    queue = [(0.0, 0.0, node, root) for node, root in trunks.items()]
    reached = set(trunks.values())
    while queue:
        _, way, node, parent = heapq.heappop(queue)
        if node in reached:
            continue
        reached.add(node)
        tree[node] = parent
        for child, stretch in neighbours[node] if inside[node] else []:
            step = nodes[child] - nodes[node]
            if child not in reached and step @ (nodes[node] - nodes[parent]) >= 0:
                length = stretch * float(np.linalg.norm(step))
                heapq.heappush(queue, (DETOUR * way + length, way + length, child, node))
    return tree


def _neighbours(edges: IntArray, stretch: Floats) -> dict[int, list[tuple[int, float]]]:
    """Return for each node the nodes beside it, with a factor by which the way there counts as longer."""
    found: dict[int, list[tuple[int, float]]] = {}
    for (first, second), factor in zip(edges.tolist(), stretch.tolist(), strict=True):
        found.setdefault(first, []).append((second, factor))
        found.setdefault(second, []).append((first, factor))
    return found


def _leaves(tree: Tree, count: int) -> Floats:
    """Return for each of so many nodes the number of leaves above it; 1 for a leaf."""
    leaves = np.zeros(count)
    for node, parent in reversed(tree.items()):
        leaves[node] = max(leaves[node], 1.0)
        leaves[parent] += leaves[node]
    return leaves


def _turned(vectors: Floats, angles: Floats) -> Floats:
    """Return vectors (N, 2), each turned by its angle (N,) in radians."""
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack([cos * vectors[:, 0] - sin * vectors[:, 1], sin * vectors[:, 0] + cos * vectors[:, 1]], axis=1)


def _falling(width: Floats, ends: IntArray, heir: IntArray, length: int) -> Floats:
    """Return widths (E, length) along curves: from that of the stem, where a vessel goes on, to that of its end."""
    parent, node = ends.T
    is_stem = (heir[parent] == node) & np.isin(parent, node)
    start = np.where(is_stem, width[parent], width[node])
    falling: Floats = start[:, None] + np.linspace(0.0, 1.0, length) * (width[node] - start)[:, None]
    return falling
