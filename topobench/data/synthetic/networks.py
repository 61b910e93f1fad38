"""Networks of curves: where their nodes lie, how a plan of them becomes pixels, and which Betti numbers it has.

Nodes lie on a jittered square grid that reaches beyond the image, so that curves leave it. No node lies near the
border, and curves leave the image by going to a node outside, so that curves rarely graze the border. A plan is a
planar graph whose edges are curves with a width; it is counted as a graph: b1 = E - V + C.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse, spatial
from scipy.sparse import csgraph

from topobench.data.synthetic.family import Made, Numbers, Shape
from topobench.types import BoolArray, IntArray

__all__ = ["Floats", "Lattice", "Plan", "check_width", "exits_apart", "hermite", "lattice", "triangulation"]

STEP = 0.4  # pixels between neighbouring points of a curve, about
SLIVER = 12  # pixels: a smaller piece of background is a gap between lines that meet at an acute angle
THINNEST = 1.5  # pixels: a line at least sqrt(2) wide is 4-connected whatever its direction

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lattice:
    """Nodes of a square grid, jittered and turned.

    Attributes
    ----------
    nodes : float64 array (rows, columns, 2)
        Row and column of each node in the image, pixels; pixel centres lie on integers.
    inside : bool array (rows, columns)
        True for nodes inside the image; these lie at least `margin` away from its border, as do all others.
    """

    nodes: Floats
    inside: BoolArray


@dataclass(frozen=True)
class Plan:
    """A planar graph of E curves.

    Attributes
    ----------
    ends : int64 array (E, 2)
        The nodes that a curve joins.
    points : float64 array (E, P, 2)
        Points of each curve from its first node to its second, row and column; neighbours lie about STEP apart.
    width : float64 array (E, P)
        Width at each point, pixels.
    """

    ends: IntArray
    points: Floats
    width: Floats

    def make(self, shape: Shape) -> Made:
        """Draw the plan: a pixel is structure if its centre lies within half the width of a point."""
        return Made(_without_slivers(self._drawn(shape)), *self._counted(shape))

    def _drawn(self, shape: Shape) -> BoolArray:
        points, half = self.points.reshape(-1, 2), self.width.ravel() / 2
        reach = np.arange(-int(half.max(initial=0.0) + 0.5), int(half.max(initial=0.0) + 0.5) + 1)
        corner = np.rint(points).astype(np.int64)
        rows, columns = (corner[:, axis, None] + reach for axis in (0, 1))  # (points, pixels near)
        across, along = (rows - points[:, :1]) ** 2, (columns - points[:, 1:]) ** 2
        near = across[:, :, None] + along[:, None, :] <= half[:, None, None] ** 2
        near &= ((rows >= 0) & (rows < shape[0]))[:, :, None] & ((columns >= 0) & (columns < shape[1]))[:, None, :]
        drawn = np.zeros(shape, dtype=bool)
        drawn.ravel()[(rows[:, :, None] * shape[1] + columns[:, None, :])[near]] = True
        return drawn

    def _counted(self, shape: Shape) -> tuple[Numbers, Numbers]:
        """Return (b0, b1) without and with a frame, of the finer graph whose vertices are the points of the curves.

        Vertices outside the image are cut off. Framed, the ring is one more vertex with a loop of its own, and what
        crosses the border is an edge to it.
        """
        count, length = self.points.shape[:2]
        vertex = int(self.ends.max(initial=0)) + 1 + np.arange(count * length).reshape(count, length)
        vertex[:, [0, -1]] = self.ends
        inside: BoolArray = np.all((self.points >= -0.5) & (self.points <= np.array(shape) - 0.5), axis=2)
        edges = np.stack([vertex[:, :-1], vertex[:, 1:]], axis=2)[inside[:, :-1] & inside[:, 1:]]
        vertices = np.unique(vertex[inside])
        out, into = inside[:, :-1] & ~inside[:, 1:], ~inside[:, :-1] & inside[:, 1:]
        crossing = np.concatenate([vertex[:, :-1][out], vertex[:, 1:][into]])
        ring = int(vertex.max(initial=0)) + 1
        framed_edges = np.concatenate([edges, [[ring, ring]], np.stack([crossing, np.full_like(crossing, ring)], 1)])
        return _betti(vertices, edges), _betti(np.append(vertices, ring), framed_edges)


def lattice(
    shape: Shape, spacing: float, jitter: float, angle: float, margin: float, random: np.random.Generator
) -> Lattice:
    """Return the nodes of a grid turned by `angle` (radians), each moved by up to `jitter` spacings along each axis.

    The grid reaches at least 1.5 spacings beyond the image. Nodes nearer than `margin` pixels to the border are moved
    out to that distance.
    """
    side = int(np.hypot(*shape) / spacing) + 4
    steps = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), axis=-1) - (side - 1) / 2
    steps += random.uniform(-jitter, jitter, size=steps.shape) + random.uniform(-0.5, 0.5, size=2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    nodes = steps @ turn.T * spacing + (np.array(shape) - 1) / 2
    depths = np.concatenate([nodes + 0.5, np.array(shape) - 0.5 - nodes], axis=-1)  # from the four sides
    side_of, depth = depths.argmin(axis=-1), depths.min(axis=-1)
    near = np.abs(depth) < margin
    outward = np.array([[-1.0, 0.0], [0.0, -1.0], [1.0, 0.0], [0.0, 1.0]])
    nodes[near] += (outward[side_of] * (depth + margin)[..., None])[near]
    return Lattice(nodes, depth >= margin)


def triangulation(
    grid: Lattice, shape: Shape, reach: float, apart: float, random: np.random.Generator
) -> tuple[Floats, BoolArray, IntArray]:
    """Return nodes (N, 2), which of them are inside (N,), and edges (E, 2) of the Delaunay triangulation.

    Edges have an end inside the image and are at most `reach` pixels long. Those that leave the image do so at least
    `apart` pixels from each other.
    """
    nodes, inside = grid.nodes.reshape(-1, 2), grid.inside.ravel()
    corners = spatial.Delaunay(nodes).simplices
    sides = np.sort(corners[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    edges = random.permutation(np.unique(sides, axis=0).astype(np.int64))
    lengths = np.linalg.norm(nodes[edges[:, 0]] - nodes[edges[:, 1]], axis=1)
    edges = edges[inside[edges].any(axis=1) & (lengths <= reach)]
    return nodes, inside, edges[exits_apart(nodes, inside, edges, shape, apart)]


def exits_apart(nodes: Floats, inside: BoolArray, edges: IntArray, shape: Shape, apart: float) -> BoolArray:
    """Say which edges (E, 2) to keep so that none leaves the image beside another: all inside, and the first to leave.

    Less than `apart` pixels from each other, along the border, two edges and the frame might enclose no pixel.
    """
    kept: BoolArray = np.all(inside[edges], axis=1)
    places: list[float] = []
    length = 2.0 * sum(shape)
    for index in np.flatnonzero(~kept):
        first, second = edges[index] if inside[edges[index, 0]] else edges[index, ::-1]
        here = _exit(nodes[first] + 0.5, nodes[second] + 0.5, shape)
        if all(apart <= abs(here - place) <= length - apart for place in places):
            kept[index] = True
            places.append(here)
    return kept


def _exit(start: Floats, end: Floats, shape: Shape) -> float:
    """Return where a straight way from a point inside to one outside leaves the image: the place along its border."""
    before, after = (np.concatenate([point, shape - point]) for point in (start, end))  # distances from the sides
    part = min(b / (b - a) for b, a in zip(before, after, strict=True) if a < 0)
    row, column = start + part * (end - start)
    is_first_half = row < 1e-6 or column > shape[1] - 1e-6  # the upper and the right side, clockwise
    return float(row + column if is_first_half else 2 * sum(shape) - row - column)


def hermite(starts: Floats, ends: Floats, leaving: Floats, arriving: Floats) -> Floats:
    """Return cubic curves (E, P, 2) from starts to ends (E, 2) with these tangents (E, 2) at both."""
    longest = np.linalg.norm(ends - starts, axis=1).max(initial=1.0)
    t = np.linspace(0.0, 1.0, int(1.2 * longest / STEP) + 2)[None, :, None]
    p, q, u, v = (array[:, None, :] for array in (starts, ends, leaving, arriving))
    curve: Floats = p + t**2 * (3 - 2 * t) * (q - p) + t * (1 - t) ** 2 * u - t**2 * (1 - t) * v
    return curve


def check_width(width: tuple[float, float], spacing: float) -> None:
    """Raise ValueError, a sentence, for widths that no network of this spacing can have."""
    if not THINNEST <= width[0] <= width[1] < spacing / 2:
        raise ValueError(
            f"width is {list(width)} and spacing {spacing:g}; wanted {THINNEST} <= lowest <= highest < spacing / 2"
        )


def _without_slivers(drawn: BoolArray) -> BoolArray:
    """Return the structure with the tiny pieces of background filled that lie where lines meet at an acute angle."""
    pieces, _ = ndimage.label(~drawn)
    sizes = np.bincount(pieces[~drawn], minlength=1)
    return np.asarray(drawn | (sizes < min(SLIVER, sizes.max()))[pieces])  # the largest piece is none


def _betti(vertices: IntArray, edges: IntArray) -> Numbers:
    """Return (b0, b1) of a graph: components, and edges less vertices plus components."""
    if not vertices.size:
        return 0, 0
    first, second = np.searchsorted(vertices, edges).T
    matrix = sparse.coo_matrix((np.ones(len(edges)), (first, second)), shape=(vertices.size, vertices.size))
    components = int(csgraph.connected_components(matrix, directed=False)[0])
    return components, len(edges) - vertices.size + components
