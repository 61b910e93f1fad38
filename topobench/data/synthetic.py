"""Adapter `synthetic`: membranes made by code, whose Betti numbers are counted while they are made.

The plane is parted by random sites into convex cells; the walls between them get a width each. A cell is kept if
some pixel lies deep enough inside its walls, and it keeps the pixels that are joined to its deepest one. So the
kept cells are known, they are simply connected, no two touch, and all the rest is one membrane: framed,
b0 = 1 and b1 = number of kept cells. What makes the task hard (blur, noise, gaps in contrast, granules) happens
to the image alone, never to the truth.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, spatial

from topobench.cards import Card
from topobench.data.samples import member_of
from topobench.errors import CardError
from topobench.files import digest
from topobench.seeds import generator
from topobench.types import BoolArray, IntArray, Sample

__all__ = ["Membranes", "SyntheticMembranes", "membranes"]

VERSION = 1  # raised whenever the same options give other pixels
NEIGHBOURS = 8  # walls between a pixel's cell and the cells of its next nearest sites
DEEP = 1.5  # pixels: a cell with no pixel this deep inside its walls is swallowed by them

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Membranes:
    """A truth (bool, True = membrane) and what was counted while it was made.

    `cells` is the number of cells and so the framed b1 (framed b0 is 1); `betti` is (b0, b1) without a frame.
    """

    truth: BoolArray
    cells: int
    betti: tuple[int, int]


@dataclass(frozen=True)
class Look:
    """How an image shows its truth: all lengths in pixels, all intensities as parts of the range [0, 1]."""

    contrast: float
    blur: float
    noise: float
    gaps: float
    granules: float


class SyntheticMembranes:
    """Dark membranes between bright cells, as electron microscopy shows them.

    Parameters
    ----------
    seed : int
        Image k is a pure function of (seed, k) and the options below.
    spacing : pixels between sites, about the diameter of a cell
    width : (lowest, highest) width of a wall, pixels; at least 2, so that no two cells touch
    contrast : intensity of a cell less that of a membrane
    blur : sigma of the Gaussian, pixels
    noise : standard deviation of the noise
    gaps : faint stretches of membrane for each 26x26 pixels, on average
    granules : dark spots inside cells for each 26x26 pixels, on average
    """

    def __init__(
        self, card: Card, folder: Path, seed: int, spacing: float, width: tuple[float, float],
        contrast: float, blur: float, noise: float, gaps: float, granules: float,
    ) -> None:  # fmt: skip
        if not 2.0 <= width[0] <= width[1] < spacing:
            raise CardError(f"card {card.name!r}: width is {list(width)}; wanted 2 <= lowest <= highest < spacing.")
        self.card, self.seed = card, seed
        self.spacing, self.width = spacing, width
        self.look = Look(contrast, blur, noise, gaps, granules)
        self.members = tuple(member_of(card, f"image-{index:02d}") for index in range(card.count))
        self._shape = card.shapes[0]

    def missing(self) -> list[str]:
        """Return nothing: no file is read."""
        return []

    def faults(self) -> list[str]:
        """Return nothing: no file is read."""
        return []

    def data_hash(self) -> str:
        """Return the hash of all that the pixels depend on."""
        options = [self.seed, self.spacing, self.width, asdict(self.look), list(self._shape)]
        return digest(["synthetic-membranes", VERSION, self.card.count, options])

    def make(self, image_id: str) -> Membranes:
        """Return the truth of an image with what was counted while it was made."""
        random = generator("synthetic-membranes", "truth", self.seed, self._index(image_id))
        return membranes(self._shape, self.spacing, self.width, random)

    def _index(self, image_id: str) -> int:
        return [member.image_id for member in self.members].index(image_id)

    def read(self, image_id: str) -> Sample:
        """Return a sample: the image as float32 (1, H, W) in [0, 1], in steps of 1/255; each is a unit of its own."""
        truth = self.make(image_id).truth
        random = generator("synthetic-membranes", "image", self.seed, self._index(image_id))
        return Sample(image_id, render(truth, self.look, random)[None], truth, None, image_id)


def membranes(
    shape: tuple[int, int], spacing: float, width: tuple[float, float], random: np.random.Generator
) -> Membranes:
    """Make a truth of that shape; see the module and `SyntheticMembranes` for the rules and the options."""
    cell, depth = _tessellation(shape, spacing, width, random)
    names = np.unique(cell)
    deepest = np.array(ndimage.maximum_position(depth, cell, names))
    anchors = deepest[depth[tuple(deepest.T)] >= DEEP]
    seeds = np.zeros(shape, dtype=bool)
    seeds[tuple(anchors.T)] = True
    kept = ndimage.binary_propagation(seeds, mask=depth > 0)
    return Membranes(~kept, len(anchors), _unframed(cell, kept, len(anchors)))


def render(truth: BoolArray, look: Look, random: np.random.Generator) -> NDArray[np.float32]:
    """Return an image (H, W) of a truth: float32 in [0, 1], in steps of 1/255."""
    strength = np.clip(1.0 - _spots(truth, look.gaps, 2.5, random), 0.0, 1.0)
    granules = np.clip(_spots(~truth, look.granules, 1.6, random), 0.0, 1.0)
    dark = np.maximum(truth * strength, 0.8 * granules * ~truth)
    texture = ndimage.gaussian_filter(random.normal(size=truth.shape), 6.0)
    image = 0.72 + 0.05 * texture / texture.std() - look.contrast * ndimage.gaussian_filter(dark, look.blur)
    image += look.noise * random.normal(size=truth.shape)
    return np.asarray(np.rint(np.clip(image, 0.0, 1.0) * 255) / 255, dtype=np.float32)


def _tessellation(
    shape: tuple[int, int], spacing: float, width: tuple[float, float], random: np.random.Generator
) -> tuple[IntArray, Floats]:
    """Return for each pixel the number of its cell, and how deep inside that cell's walls it lies (< 0: in a wall)."""
    sites = _sites(shape, spacing, random)
    pixels = np.argwhere(np.ones(shape, dtype=bool)).astype(np.float64)
    distance, near = map(np.asarray, spatial.KDTree(sites).query(pixels, k=NEIGHBOURS))
    own, others = near[:, :1], near[:, 1:]
    apart = np.linalg.norm(sites[own] - sites[others], axis=-1)
    to_wall = (distance[:, 1:] ** 2 - distance[:, :1] ** 2) / (2 * apart)  # distance to the bisector
    walls = random.uniform(*width, size=(len(sites), len(sites)))
    half = np.maximum(walls[own, others], walls[others, own]) / 2
    depth = (to_wall - half).min(axis=1)
    return own.reshape(shape).astype(np.int64), depth.reshape(shape)


def _sites(shape: tuple[int, int], spacing: float, random: np.random.Generator) -> Floats:
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


def _spots(where: BoolArray, density: float, radius: float, random: np.random.Generator) -> Floats:
    """Return Gaussian spots of height 1 or so, centred on random pixels of a mask, `density` for each 26x26 pixels."""
    count = random.poisson(density * where.size / 26**2)
    places = np.flatnonzero(where)
    spots = np.zeros(where.size)
    if places.size:
        spots[random.choice(places, size=count)] = 1.0
    blurred: Floats = ndimage.gaussian_filter(spots.reshape(where.shape), radius)
    return 1.3 * 2 * np.pi * radius**2 * blurred  # the peak of the Gaussian is 1 / (2 pi radius^2)
