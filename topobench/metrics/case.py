"""One image to be scored: masks, validity and choices, as every family of figures receives them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from topobench.metrics.contingency import Table, tabulate
from topobench.topology import label_components
from topobench.types import BoolArray, Score

__all__ = ["NO_PIXEL", "Case", "Found", "Labels", "Undefined", "score_of"]

Labels = NDArray[np.int32]


class Undefined(NamedTuple):
    """A figure that its definition gives no value, and why."""

    reason: str


Found = dict[str, float | Undefined]
NO_PIXEL = Undefined("no pixel is valid")


@dataclass(frozen=True)
class Case:
    """What a family of figures is computed from.

    Attributes
    ----------
    prediction, truth : bool (H, W)
        Structure. Pixels outside `valid` are structure in both where the protocol frames, else background.
    valid : bool (H, W) or None
    connectivity : 4 or 8, of the structure; the background has the dual one
    phase : ``regions`` (components of the background) or ``structure``
    patch_size, patches, frame, dimensions, sampling
        How Betti errors are taken: in ``random`` patches, a ``grid`` of tiles, or on the ``whole`` image.
    seed, image_id
        The key of the patches' places.
    """

    prediction: BoolArray
    truth: BoolArray
    valid: BoolArray | None
    connectivity: int
    phase: str
    patch_size: int | None
    patches: int | None
    frame: bool
    dimensions: tuple[int, ...]
    seed: int
    image_id: str
    sampling: str = "random"

    @property
    def nowhere(self) -> bool:
        """Whether no pixel is valid, so that no figure is defined."""
        return self.valid is not None and not self.valid.any()

    @cached_property
    def labels(self) -> tuple[Labels, Labels]:
        """The components of the phase in prediction and truth, numbered from 1 on; 0 is what is not of the phase."""
        return self._labels(self.prediction), self._labels(self.truth)

    @cached_property
    def table(self) -> Table:
        """The contingency table of the labels over all valid pixels: labelled once, it serves Rand and VOI."""
        return tabulate(*self.labels, self.valid)

    def _labels(self, mask: BoolArray) -> Labels:
        if self.phase == "structure":
            return label_components(mask, self.connectivity)
        return label_components(~mask, 12 - self.connectivity)  # the dual: 8 <-> 4


def score_of(found: Mapping[str, float | Undefined], settings: Mapping[str, Any]) -> Score:
    """Return figures as a Score: what is undefined becomes NaN with its reason."""
    figures = {name: math.nan if isinstance(value, Undefined) else value for name, value in found.items()}
    reasons = {name: value.reason for name, value in found.items() if isinstance(value, Undefined)}
    return Score(figures, reasons, settings)
