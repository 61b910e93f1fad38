"""Small images for the conformance suite of metrics: a net of lines, predictions of it with known faults, choices.

`topobench.data.faults` makes faults in any truth; here are a few that are drawn by hand, for data lie above metrics.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from topobench.metrics.case import Case
from topobench.types import BoolArray

__all__ = ["CONTEXTS", "FAULTS", "SHAPES", "Context", "case_of", "mask_of", "net", "words"]

SHAPES = ((1, 1), (1, 13), (13, 1), (2, 17), (9, 31))
"""Sizes of images that a metric must take: a pixel, a row, a column, and oblong ones."""


@dataclass(frozen=True)
class Context:
    """Choices of a protocol under which a metric is asked; `masked`: only a part of the image is valid."""

    connectivity: int
    phase: str
    frame: bool
    sampling: str
    masked: bool = False

    def __str__(self) -> str:
        """Return them in words."""
        words = [f"{self.phase}, {self.connectivity}-connected", "framed" if self.frame else "not framed"]
        return ", ".join(
            [*words, {"whole": "whole image"}.get(self.sampling, self.sampling), *["masked"] * self.masked]
        )


CONTEXTS = (
    Context(8, "regions", True, "random"),
    Context(4, "structure", False, "whole"),
    Context(8, "structure", False, "grid", masked=True),
    Context(4, "regions", True, "whole", masked=True),
)


def net() -> BoolArray:
    """Return the truth (26, 33): two lines across, three down, 2 pixels wide; in one cell a free end, in one a spot."""
    mask = np.zeros((26, 33), bool)
    for row in (6, 18):
        mask[row : row + 2, 2:31] = True
    for column in (4, 15, 26):
        mask[3:23, column : column + 2] = True
    mask[12, 15:21] = True
    mask[11:14, 9:12] = True
    return mask


def _faults() -> dict[str, BoolArray]:
    """Return predictions of the net by what is wrong with them: ``none`` is the net itself."""
    truth = net()
    found = {"none": truth}
    for name, rows, columns, value in (
        ("gap", slice(6, 8), slice(9, 11), False),
        ("false bridge", slice(8, 18), slice(10, 11), True),
        ("island", slice(21, 23), slice(8, 12), True),
        ("lost line", slice(8, 18), slice(15, 21), False),
    ):
        found[name] = truth.copy()
        found[name][rows, columns] = value
    found["false hole"] = truth.copy()
    found["false hole"][18:21, 14:18], found["false hole"][19, 15:17] = True, False
    thicker = truth.copy()
    thicker[1:] |= truth[:-1]
    thicker[:, 1:] |= truth[:, :-1]
    return found | {
        "thicker": thicker, "shifted": np.roll(truth, (3, 2), (0, 1)), "inverted": ~truth,
        "all background": np.zeros_like(truth), "all structure": np.ones_like(truth),
    }  # fmt: skip


FAULTS = _faults()


def words(fault: str) -> str:
    """Return a prediction in words."""
    return "the truth itself" if fault == "none" else f"a prediction with the fault '{fault}'"


def mask_of(shape: tuple[int, int], seed: int) -> BoolArray:
    """Return a random mask with structure in it."""
    mask = np.random.default_rng([seed, *shape]).random(shape) < 0.4
    mask[0, 0] = True
    return mask


def case_of(
    context: Context, prediction: BoolArray, image_id: str, truth: BoolArray | None = None,
    valid: BoolArray | None = None,
) -> Case:  # fmt: skip
    """Return a case whose arrays are its own; `truth` is the net unless given.

    Parameters
    ----------
    prediction, truth : bool (H, W)
    valid : bool (H, W) or None
        None: everywhere, or in a masked context all but the last rows and columns.

    Notes
    -----
    What is not valid is filled as `topobench.metrics.score` fills it.
    """
    truth = net() if truth is None else truth
    if valid is None and context.masked:
        valid = np.zeros_like(truth)
        valid[: -(len(truth) // 12) or None, : -(truth.shape[1] // 8) or None] = True
    ours, theirs = (
        mask.copy() if valid is None else np.where(valid, mask, context.frame) for mask in (prediction, truth)
    )
    size = {"random": 17, "grid": 17, "whole": None}[context.sampling]
    return Case(
        ours, theirs, None if valid is None else valid.copy(), context.connectivity, context.phase, size,
        5 if context.sampling == "random" else None, context.frame, (0, 1), 0, image_id, context.sampling,
    )  # fmt: skip
