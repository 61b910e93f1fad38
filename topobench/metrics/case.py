"""One image to be scored: masks, validity and choices, as every family of figures receives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from topobench.types import BoolArray

__all__ = ["Case", "Found", "Undefined"]


class Undefined(NamedTuple):
    """A figure that its definition gives no value, and why."""

    reason: str


Found = dict[str, float | Undefined]


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
    patch_size, patches, frame, dimensions
        How Betti errors are taken.
    seed, image_id
        The key of the patches' places.
    """

    prediction: BoolArray
    truth: BoolArray
    valid: BoolArray | None
    connectivity: int
    phase: str
    patch_size: int
    patches: int
    frame: bool
    dimensions: tuple[int, ...]
    seed: int
    image_id: str
