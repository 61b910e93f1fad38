"""What every family of synthetic data does: draw a truth and count its Betti numbers on the way.

The numbers come from the plan that the pixels are drawn by (cells, a graph), never from the pixels. Labelling then
says whether the pixels show them, under both connectivities, with and without a frame; where pixels are too coarse
for the plan, the next attempt draws another one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field
from scipy import ndimage

from topobench.cards import Part, Strict
from topobench.data.synthetic.looks import Look
from topobench.errors import CardError
from topobench.seeds import generator
from topobench.types import BoolArray

__all__ = ["Family", "Made", "NotNegative", "Numbers", "Positive", "Shape", "make"]

ATTEMPTS = 100

Shape = tuple[int, int]
Numbers = tuple[int, int]
Positive = Annotated[float, Field(gt=0.0)]
NotNegative = Annotated[float, Field(ge=0.0)]


@dataclass(frozen=True)
class Made:
    """A truth and what was counted while it was made.

    Attributes
    ----------
    truth : bool array (H, W)
        True = structure.
    betti : (b0, b1) of the truth, without a frame
    framed : (b0, b1) with a ring of structure around it; an empty truth has (1, 1), the ring's own component and loop
    """

    truth: BoolArray
    betti: Numbers
    framed: Numbers

    def holds(self) -> bool:
        """Say whether the pixels have the counted numbers, under both connectivities."""
        return all(
            _labelled(self.truth, connectivity, frame) == counted
            for connectivity in (8, 4)
            for frame, counted in ((False, self.betti), (True, self.framed))
        )


class Family(Strict, ABC):
    """The options of one family: the keys of a card's ``[layout]``; how a family adds to them stands in its class.

    Parameters
    ----------
    seed : int
        Image k is a pure function of (seed, k) and the other options.
    contrast : difference of structure and ground, in [0, 1]
    blur : sigma of the Gaussian, pixels
    noise : standard deviation of the noise
    gaps : faint stretches of structure for each 26x26 pixels, on average
    """

    version: ClassVar[int] = 1  # raised whenever the same options give other pixels

    seed: int
    contrast: Part
    blur: NotNegative
    noise: NotNegative
    gaps: NotNegative

    @property
    @abstractmethod
    def look(self) -> Look:
        """How the images show their truths."""

    @property
    @abstractmethod
    def remedy(self) -> str:
        """What to change where no attempt succeeds, as words that follow "it may help to"."""

    @abstractmethod
    def draw(self, shape: Shape, random: np.random.Generator) -> Made | None:
        """Return one attempt at a truth; None where it has not what the options ask for."""

    def identity(self) -> list[Any]:
        """Return what the pixels depend on, beside the shape: the family's own options, and the look."""
        look = self.look.identity()
        return [*(value for key, value in self if key not in Look.__dataclass_fields__), look]


def make(family: Family, shape: Shape, *key: int | str) -> Made:
    """Return the first attempt whose pixels have the counted numbers; a pure function of its arguments.

    CardError where none of 100 attempts does, with what may help.
    """
    for attempt in range(ATTEMPTS):
        made = family.draw(shape, generator(*key, attempt) if attempt else generator(*key))
        if made is not None and made.holds():
            return made
    raise CardError(
        f"{ATTEMPTS} attempts gave no truth of {shape[0]}x{shape[1]} pixels with the topology asked for; "
        f"it may help to {family.remedy}, or to take larger images."
    )


def _labelled(truth: BoolArray, connectivity: int, frame: bool) -> Numbers:
    """Return (b0, b1) of the pixels: components of the structure, and of the background but for the unbounded one."""
    around, dual = (ndimage.generate_binary_structure(2, rank) for rank in ((2, 1) if connectivity == 8 else (1, 2)))
    structure = np.pad(truth, 1, constant_values=True) if frame else truth
    return ndimage.label(structure, around)[1], ndimage.label(np.pad(~structure, 1, constant_values=True), dual)[1] - 1
