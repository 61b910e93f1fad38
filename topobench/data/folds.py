"""Folds: which images are scored and which are trained on."""

from __future__ import annotations

from collections.abc import Sequence

from topobench.cards import Folds
from topobench.errors import ArgumentError, CardError

__all__ = ["split"]


def split(image_ids: Sequence[str], folds: Folds, index: int) -> tuple[list[str], list[str]]:
    """Return (training ids, scored ids) of a fold.

    Fold k scores the k-th of `count` contiguous parts, whose sizes differ by at most one, and trains on the
    others; every image is scored in exactly one fold.
    """
    if not 0 <= index < folds.count:
        raise ArgumentError(f"fold {index} does not exist; the card has the folds 0 to {folds.count - 1}.")
    if len(image_ids) < folds.count:
        raise CardError(f"{len(image_ids)} images cannot make {folds.count} folds: some would be empty.")
    first, last = (len(image_ids) * part // folds.count for part in (index, index + 1))
    return [*image_ids[:first], *image_ids[last:]], list(image_ids[first:last])
