"""Which methods differ: paired tests, groups, mean ranks, and how far two orders agree. Arrays in, numbers out.

What is measured about one seed says nothing about another, however many images it is measured on: so the variance
between seeds is in that of every difference, as that between resampling units is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from topobench.errors import ArgumentError
from topobench.leaderboard.resampling import ENDS, Floats, Part, Scores, freedom, unit_part
from topobench.seeds import generator

__all__ = ["Comparison", "compare", "differences", "groups", "holm", "mean_ranks", "p_of_none", "taus"]

ROUNDING = 1e-12  # of values: what is less apart is the same


@dataclass(frozen=True)
class Comparison:
    """Two methods on the images for which a figure is defined with both.

    `difference` is the mean of the first less that of the second, `better` and `worse` the parts of the images on which
    the first is so, `p` of the two-sided test that the expected difference is 0 (NaN where it cannot be tested).
    """

    difference: float
    better: float
    worse: float
    p: float


def compare(first: Scores, second: Scores, high_is_better: bool) -> Comparison:
    """Compare two methods image by image, each image's value averaged over seeds first.

    The images, and their units, must be the same. The test is Welch's: the difference over its standard error, in which
    are the variance of the paired differences between units (Liang and Zeger 1986, doi:10.1093/biomet/73.1.13) and
    those of both methods between seeds; degrees of freedom by Satterthwaite 1946 (doi:10.2307/3002019).
    """
    both = ~np.isnan(first.images) & ~np.isnan(second.images)
    first, second = first.of(both), second.of(both)
    if not both.any():
        return Comparison(np.nan, np.nan, np.nan, np.nan)
    rounding = ROUNDING * np.maximum(np.abs(first.images), np.abs(second.images))
    differences = first.images - second.images
    differences[np.abs(differences) <= rounding] = 0
    gains = differences if high_is_better else -differences
    units = unit_part(differences, first.units)
    parts = [*units, *first.seed_part(), *second.seed_part()]
    p = _p_value(float(differences.mean()), parts, float(rounding.max())) if units else np.nan
    return Comparison(float(differences.mean()), float((gains > 0).mean()), float((gains < 0).mean()), p)


def differences(first: Scores, second: Scores) -> Scores:
    """Return the first's values less the second's, run by run: what both have in common cancels out.

    For trainings that share more than a seed, such as a warm-up and all batches after it. Images must be the same, and
    runs, by fold and seed, in the same order. NaN where either is.
    """
    if first.values.shape != second.values.shape or not (first.folds == second.folds).all():
        raise ArgumentError(
            "runs can be paired only where both methods have the same folds and seeds, on the same images."
        )
    found = first.values - second.values
    found[np.abs(found) <= ROUNDING * np.maximum(np.abs(first.values), np.abs(second.values))] = 0
    return Scores(found, first.folds, first.units)


def p_of_none(found: Scores) -> float:
    """Return the two-sided p value of differences whose expected mean is 0; NaN for fewer than two units.

    Their mean over its standard error, in which are the variance between units and that between seeds, as in `compare`:
    of one seed a fold it knows nothing of others, and finds differences that another seed would not have.
    """
    if not unit_part(found.images, found.units):
        return np.nan
    return _p_value(found.mean, found.parts, ROUNDING * abs(found.mean))


def holm(values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number (Holm 1979, Scand. J. Statist. 6:65); NaN, no test, stays NaN."""
    found = np.asarray(values, dtype=np.float64)
    order = [index for index in np.argsort(found, kind="stable") if not np.isnan(found[index])]
    corrected, highest = found.copy(), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, float(found[index]) * (len(order) - place)))
        corrected[index] = highest
    return [float(value) for value in corrected]


def groups(differ: NDArray[np.bool_]) -> list[tuple[str, ...]]:
    """Return for each of N methods its letters, so that two share one exactly if they cannot be told apart.

    The compact letter display, by insert and absorb (Piepho 2004, doi:10.1198/1061860043515); `differ` is (N, N),
    symmetric, best first. Letters go on after z: aa, ab. The methods of a letter are the bits of a number.
    """
    columns = [2 ** len(differ) - 1]
    for first, second in zip(*np.nonzero(np.triu(differ)), strict=True):
        columns = _parted(columns, 1 << int(first), 1 << int(second))
    members = sorted([m for m in range(len(differ)) if column >> m & 1] for column in columns)
    return [tuple(_letter(place) for place, column in enumerate(members) if m in column) for m in range(len(differ))]


def mean_ranks(replicates: Sequence[Floats], means: Sequence[Floats]) -> tuple[Floats, Floats, Floats]:
    """Return the mean rank over tables of each of M methods, and the ends of its 95 % interval, each (M,).

    `means` has for each table the methods' figures (M,), lower better, `replicates` what they could as well have been
    (M, `REPLICATES`). Methods that are equal share the mean of their ranks. The tables are taken as they are: the
    interval says what other images and seeds would make of the mean rank, not other data sets. Each table's replicates
    are shuffled, for what is drawn of one data set says nothing of another.
    """
    point = np.mean([_ranks(found[:, None])[:, 0] for found in means], axis=0)
    orders = [generator("tables", number).permutation(found.shape[1]) for number, found in enumerate(replicates)]
    drawn = np.mean([_ranks(found[:, order]) for found, order in zip(replicates, orders, strict=True)], axis=0)
    low, high = np.quantile(drawn, ENDS, axis=1)
    return point, low, high


def taus(means: Floats, others: Floats) -> Floats:
    """Return Kendall's tau-b of the order of M values (M,) and each of B others (M, B): 1 the same, -1 turned round.

    Pairs that are equal in one of them count for neither side (Kendall 1945, doi:10.1093/biomet/33.3.239). NaN where
    all of one are equal.
    """
    first, second = np.triu_indices(len(means), 1)
    ours, theirs = np.sign(means[first] - means[second]), np.sign(others[first] - others[second])
    with np.errstate(invalid="ignore"):
        return np.asarray(ours @ theirs / np.sqrt((ours**2).sum() * (theirs**2).sum(axis=0)))


def _ranks(found: Floats) -> Floats:
    """Return ranks of M methods in each of B replicates (M, B), 1 the lowest; ties share their mean."""
    below = (found[None] < found[:, None]).sum(axis=1)
    alike = (found[None] == found[:, None]).sum(axis=1)
    return np.asarray(below + (alike + 1) / 2)


def _p_value(difference: float, parts: Sequence[Part], rounding: float) -> float:
    """Return the two-sided p value of a difference; where nothing varies, that of as many equal signs as there are.

    An error that is not above `rounding` is none.
    """
    error = sum(part.variance for part in parts) ** 0.5
    if difference == 0:
        return 1.0
    if error <= rounding:
        return float(2.0 ** -parts[0].freedom)
    return float(2 * stdtr(freedom(parts), -abs(difference) / error))


def _parted(columns: Sequence[int], first: int, second: int) -> list[int]:
    """Return columns of which none has both: those that had are two, without what is within another."""
    both = first | second
    kept = [column for column in columns if column & both != both]
    parts = dict.fromkeys(column & ~one for column in columns if column & both == both for one in (first, second))
    whole = [*kept, *parts]
    return kept + [part for part in parts if not any(part & other == part != other for other in whole)]


def _letter(place: int) -> str:
    """Return the letter of a group: a ... z, then aa, ab ..."""
    return (_letter(place // 26 - 1) if place >= 26 else "") + chr(ord("a") + place % 26)
