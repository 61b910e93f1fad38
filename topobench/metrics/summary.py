"""Figures over many images: the mean of those that are defined, and how many are not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from topobench.errors import ArgumentError

__all__ = ["Mean", "average"]


class Mean(NamedTuple):
    """The mean of a figure over the images for which it is defined (NaN if for none), and the counts of both."""

    value: float
    defined: int
    undefined: int


def average(scores: Iterable[Mapping[str, float | None]]) -> dict[str, Mean]:
    """Return for each figure its mean over images; NaN and None are undefined, counted, and enter no mean.

    Examples
    --------
    >>> average([{"voi": 1.0}, {"voi": 2.0}, {"voi": float("nan")}])["voi"]
    Mean(value=1.5, defined=2, undefined=1)
    """
    if isinstance(scores, Mapping):
        raise ArgumentError("one score was given; average takes several, in a list.")
    found: dict[str, list[float]] = {}
    for figures in scores:
        for name, value in figures.items():
            found.setdefault(name, []).append(math.nan if value is None else value)
    return {name: _mean(values) for name, values in found.items()}


def _mean(values: list[float]) -> Mean:
    defined = [value for value in values if not math.isnan(value)]
    return Mean(math.fsum(defined) / len(defined) if defined else math.nan, len(defined), len(values) - len(defined))
