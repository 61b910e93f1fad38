"""One way to make a row: the figures of one image under one protocol, with the one seed that is used for scoring."""

from __future__ import annotations

from numpy.typing import ArrayLike

from topobench.cards import Protocol
from topobench.metrics.scoring import score
from topobench.types import Row

__all__ = ["SCORING_SEED", "row_of"]

SCORING_SEED = 0  # of the patches' places: one for all methods, whatever seed they were trained with


def row_of(
    likelihood: ArrayLike,
    truth: ArrayLike,
    protocol: Protocol,
    phase: str | None,
    connectivity: int | None,
    valid: ArrayLike | None,
    image_id: str,
    unit: str,
) -> Row:
    """Return the row of an image (H, W); arguments and errors are those of `score`."""
    figures = score(likelihood, truth, protocol, phase, connectivity, valid, SCORING_SEED, image_id)
    return Row.of(image_id, unit, protocol.name, figures)
