"""What a truth mask is like: Betti numbers under 4 and 8, specks, borders and widths, before anything is scored.

A figure on a truth with one-pixel components or diagonal contacts depends on the connectivity more than on the
method. This report counts what makes it so.

The image ends where it is not valid: pixels outside `valid` count as structure nowhere and as background nowhere,
so that they close no hole, break no line and set no width. Pixels on either side of that edge are its border.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from topobench.errors import ArgumentError
from topobench.metrics.case import NO_PIXEL, Case, Found
from topobench.topology import label_components
from topobench.topology.images import as_mask
from topobench.topology.nearest import squared_distances
from topobench.types import BoolArray

__all__ = [
    "TruthReport",
    "artefacts",
    "diagonal_contacts",
    "inspect_truth",
    "isolated_pixels",
    "local_widths",
    "pinholes",
]


@dataclass(frozen=True)
class TruthReport:
    """The numbers of one truth mask. A name that ends in ``_8`` or ``_4`` is under that connectivity of structure.

    Attributes
    ----------
    height, width, valid_pixels : int
    structure_share : float
        Share of the valid pixels that are structure; NaN where none is valid.
    b0_8, b0_4 : int
        Components.
    b1_8, b1_4 : int
        Holes: components of the background that reach neither the image's border nor a pixel that is not valid.
    cells_8, cells_4 : int
        b1 with a frame: all components of the background.
    isolated_pixels : int
        Components of one pixel under 8: structure without a structure 8-neighbour.
    pinholes : int
        Holes of one pixel under 8: background whose four 4-neighbours all are structure.
    diagonal_contacts : int
        2x2 windows of which one diagonal is structure and the other background: where 4 and 8 disagree.
    border_share : float
        Share of the border's pixels that are structure; NaN where there is no border.
    border_components_8, border_components_4 : int
        Components with a pixel on the border.
    width_p5, width_p50, width_p95, width_max : float
        Percentiles and maximum of `local_widths`, pixels; NaN where there are none.
    """

    height: int
    width: int
    valid_pixels: int
    structure_share: float
    b0_8: int
    b0_4: int
    b1_8: int
    b1_4: int
    cells_8: int
    cells_4: int
    isolated_pixels: int
    pinholes: int
    diagonal_contacts: int
    border_share: float
    border_components_8: int
    border_components_4: int
    width_p5: float
    width_p50: float
    width_p95: float
    width_max: float

    @property
    def closed_by_frame_8(self) -> int:
        """Cells that only the frame closes, under 8."""
        return self.cells_8 - self.b1_8

    @property
    def closed_by_frame_4(self) -> int:
        """Cells that only the frame closes, under 4."""
        return self.cells_4 - self.b1_4


def inspect_truth(truth: ArrayLike, valid: ArrayLike | None = None) -> TruthReport:
    """Return the report of a truth mask.

    Parameters
    ----------
    truth : (H, W), bool or values 0 and 1
        True where there is structure.
    valid : bool (H, W) or None
        False where the truth means nothing; the module says how such pixels are taken.

    Raises
    ------
    ArgumentError
        For what is no mask, and for shapes that differ.

    Examples
    --------
    >>> report = inspect_truth([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    >>> report.b0_8, report.b0_4, report.diagonal_contacts
    (1, 3, 2)
    """
    structure, domain = _masks(truth, valid)
    edge = domain & ~ndimage.binary_erosion(domain)
    b0_8, b1_8, cells_8, border_8 = _counts(structure, domain, edge, 8)
    b0_4, b1_4, cells_4, border_4 = _counts(structure, domain, edge, 4)
    widths = local_widths(structure, domain)
    p5, p50, p95, highest = np.percentile(widths, [5, 50, 95, 100]).tolist() if widths.size else [math.nan] * 4
    height, width = structure.shape
    return TruthReport(
        height=height, width=width, valid_pixels=int(np.count_nonzero(domain)),
        structure_share=_share(structure, domain),
        b0_8=b0_8, b0_4=b0_4, b1_8=b1_8, b1_4=b1_4, cells_8=cells_8, cells_4=cells_4,
        isolated_pixels=int(np.count_nonzero(isolated_pixels(structure, domain))),
        pinholes=int(np.count_nonzero(pinholes(structure, domain))),
        diagonal_contacts=int(np.count_nonzero(diagonal_contacts(structure, domain))),
        border_share=_share(structure, edge), border_components_8=border_8, border_components_4=border_4,
        width_p5=p5, width_p50=p50, width_p95=p95, width_max=highest,
    )  # fmt: skip


def artefacts(case: Case) -> Found:
    """Return ``truth_isolated_pixels`` and ``truth_pinholes``: what of the truth no method should be blamed for."""
    if case.nowhere:
        return dict.fromkeys(("truth_isolated_pixels", "truth_pinholes"), NO_PIXEL)
    return {
        "truth_isolated_pixels": float(np.count_nonzero(isolated_pixels(case.truth, case.valid))),
        "truth_pinholes": float(np.count_nonzero(pinholes(case.truth, case.valid))),
    }


def isolated_pixels(truth: ArrayLike, valid: ArrayLike | None = None) -> BoolArray:
    """Return where structure has no structure among its 8 neighbours: bool (H, W)."""
    structure, _ = _masks(truth, valid)
    near = ndimage.convolve(structure.astype(np.uint8), np.ones((3, 3), np.uint8), mode="constant")
    return np.asarray(structure & (near == 1))


def pinholes(truth: ArrayLike, valid: ArrayLike | None = None) -> BoolArray:
    """Return where background has structure as all its four 4-neighbours: bool (H, W)."""
    structure, domain = _masks(truth, valid)
    around = np.pad(structure, 1)
    closed = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    return np.asarray(closed & ~structure & domain)


def diagonal_contacts(truth: ArrayLike, valid: ArrayLike | None = None) -> BoolArray:
    """Return where a 2x2 window is a diagonal: bool (H - 1, W - 1), at [y, x] the window of the pixels y..y+1, x..x+1.

    Windows with a pixel that is not valid count for nothing.
    """
    structure, domain = _masks(truth, valid)
    first, second, third, fourth = _corners(structure)
    known = np.logical_and.reduce(_corners(domain))
    return np.asarray(known & (first == fourth) & (second == third) & (first != second))


def local_widths(truth: ArrayLike, valid: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return the width of the structure at each pixel of its centreline, in pixels: float64 (N,).

    The width is 2 d - 1, with d the Euclidean distance from the pixel's centre to that of the nearest background
    pixel: 1 for a line of one pixel, 3 for three. A line of an even number of pixels reads one less (2 as 1, 4 as
    3), for its middle lies between two pixels. The centreline is `skimage.morphology.skeletonize`. Empty where
    there is no structure or, in the valid pixels, no background.
    """
    from skimage.morphology import skeletonize  # slow to import

    structure, domain = _masks(truth, valid)
    background = domain & ~structure
    if not background.any():
        return np.empty(0)
    distance = np.sqrt(squared_distances(background))
    thin: Callable[[BoolArray], BoolArray] = skeletonize
    centreline = thin(structure)
    return np.asarray(2.0 * distance[centreline] - 1.0)


def _masks(truth: ArrayLike, valid: ArrayLike | None) -> tuple[BoolArray, BoolArray]:
    """Return the structure that is valid, and what is valid."""
    structure = as_mask(truth, "truth")
    if valid is None:
        return structure, np.ones_like(structure)
    domain = as_mask(valid, "validity mask")
    if domain.shape != structure.shape:
        raise ArgumentError(
            f"the validity mask has shape {domain.shape}, the truth {structure.shape}; they must agree."
        )
    return structure & domain, domain


def _counts(structure: BoolArray, domain: BoolArray, edge: BoolArray, connectivity: int) -> tuple[int, int, int, int]:
    """Return b0, b1, b1 with a frame, and how many components touch the border, under one connectivity."""
    components = label_components(structure, connectivity)
    dual = 12 - connectivity
    cells = int(label_components(domain & ~structure, dual).max())
    # A hole reaches nothing that lies outside; to that belong the ring around the image and what is not valid.
    empty = label_components(np.pad(~structure, 1, constant_values=True), dual)
    reached = np.unique(empty[np.pad(~domain, 1, constant_values=True)])
    touching = np.unique(components[edge & structure])
    return int(components.max()), int(empty.max()) - len(reached), cells, len(touching)


def _corners(mask: BoolArray) -> tuple[BoolArray, BoolArray, BoolArray, BoolArray]:
    """Return the four pixels of every 2x2 window, row by row."""
    return mask[:-1, :-1], mask[:-1, 1:], mask[1:, :-1], mask[1:, 1:]


def _share(structure: BoolArray, where: BoolArray) -> float:
    return float(np.mean(structure[where])) if where.any() else math.nan
