"""The statistics of a leaderboard: intervals, paired tests, groups and mean ranks. Arrays in, numbers out.

Two things would differ if a benchmark were done again: the images, of which only whole resampling units are independent
of each other, and the seeds of the trainings. So both are resampled, and both are in the variance of a difference; what
is measured about one seed says nothing about another, however many images it is measured on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from topobench.errors import ArgumentError
from topobench.seeds import generator

__all__ = [
    "LEVEL", "REPLICATES", "Comparison", "Scores", "compare", "differences", "groups", "holm", "interval", "mean_ranks",
    "p_of_none", "replicates_of", "taus",
]  # fmt: skip

LEVEL = 0.95
ENDS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
REPLICATES = 2000
ROUNDING = 1e-12  # of values: what is less apart is the same
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class _Part:
    """A part of a variance, and the degrees of freedom it was estimated with."""

    variance: float
    freedom: float


@dataclass(frozen=True)
class Scores:
    """One figure of one method: what each of its runs gives on each image.

    Attributes
    ----------
    values : float64 (R, I)
        NaN where a run did not score an image, or the figure is not defined.
    folds : int64 (R,)
        Of each run. Runs of one fold differ in their seed.
    units : int64 (I,)
        The resampling unit of each image.
    """

    values: Floats
    folds: Integers
    units: Integers

    @cached_property
    def images(self) -> Floats:
        """Each image's value, the mean over seeds (I,); NaN where it is defined for none."""
        return np.asarray(np.where(self._covering > 0, self._shares.sum(axis=0), np.nan))

    @property
    def mean(self) -> float:
        """The mean over images, each first averaged over seeds; NaN where there is none."""
        known = self.images[~np.isnan(self.images)]
        return float(known.mean()) if len(known) else np.nan

    def of(self, images: NDArray[Any]) -> Scores:
        """Return the same of some images: a mask or indices."""
        return Scores(self.values[:, images], self.folds, self.units[images])

    @property
    def replicates(self) -> Floats:
        """What the mean could as well have been (`REPLICATES`,): its draws, as far from it as few units and seeds ask.

        All NaN where the figure is defined in fewer than two units.
        """
        return np.asarray(self.mean + self.stretch * self.draws)

    @cached_property
    def draws(self) -> Floats:
        """How far each replicate of the hierarchical bootstrap lies from the mean (`REPLICATES`,).

        Units are drawn with replacement, and in each fold seeds, independently (the pigeonhole bootstrap, Owen 2007,
        doi:10.1214/07-AOAS122), one fewer than there are of each, so that the variance is unbiased (McCarthy and
        Snowden 1985). All NaN where the figure is defined in fewer than two units.
        """
        units, sizes = np.unique(self.units[~np.isnan(self.images)], return_counts=True)
        if len(units) < 2:
            return np.full(REPLICATES, np.nan)
        totals = np.stack([self._shares[:, self.units == unit].sum(axis=1) for unit in units])
        drawn = _draws("units", len(units))
        by_run = np.einsum("bu,ur->br", drawn, totals)  # not BLAS, whose threads cost more than they save
        found = (by_run * self._seeds_drawn()).sum(axis=1) / np.einsum("bu,u->b", drawn, sizes.astype(np.float64))
        return np.asarray(found - self.mean)

    @cached_property
    def stretch(self) -> float:
        """By how much draws are too close to the mean: their 95 % interval is to be as wide as Student's.

        Variances of few units and seeds are themselves uncertain (after Hesterberg 2015,
        doi:10.1080/00031305.2015.1089789), and draws of two or three reach no further than one of them.
        """
        low, high = np.quantile(self.draws, ENDS)
        wanted = 2 * float(stdtrit(_freedom(self.parts), ENDS[1])) * sum(part.variance for part in self.parts) ** 0.5
        return wanted / float(high - low) if high > low else 1.0

    @property
    def parts(self) -> list[_Part]:
        """The parts of the variance of the mean that can be known: that of units, and that of seeds."""
        return [*_unit_part(self.images, self.units), *self.seed_part()]

    def seed_part(self) -> list[_Part]:
        """Return the part of the mean's variance that is due to seeds; nothing where each fold has one run."""
        count = (~np.isnan(self.images)).sum()
        runs = self._shares.sum(axis=1) / max(count, 1)
        parts = []
        for fold in np.unique(self.folds):
            of_fold = runs[self.folds == fold]
            if len(of_fold) > 1:
                parts.append(_Part(len(of_fold) * float(of_fold.var(ddof=1)), len(of_fold) - 1))
        return parts

    @cached_property
    def _filled(self) -> Floats:
        """The values, where a run of a fold lacks an image by the mean of its other runs; NaN where all lack it."""
        filled = self.values.copy()
        for fold in np.unique(self.folds):
            rows = np.flatnonzero(self.folds == fold)
            known = ~np.isnan(filled[rows])
            means = np.where(known, filled[rows], 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
            means[~known.any(axis=0)] = np.nan
            filled[rows] = np.where(known, filled[rows], means)
        return filled

    @cached_property
    def _covering(self) -> Integers:
        """How many runs cover each image (I,)."""
        return np.asarray((~np.isnan(self._filled)).sum(axis=0))

    @cached_property
    def _shares(self) -> Floats:
        """What each run adds to the value of each image (R, I)."""
        return np.nan_to_num(self._filled) / np.maximum(self._covering, 1)

    def _seeds_drawn(self) -> Floats:
        """Return how often each run is drawn in each replicate (`REPLICATES`, R), 1 on average."""
        drawn = np.ones((REPLICATES, len(self.folds)))
        for fold in np.unique(self.folds):
            rows = np.flatnonzero(self.folds == fold)
            drawn[:, rows] = _draws(f"seeds of fold {fold}", len(rows))
        return drawn


def replicates_of(methods: Sequence[Scores]) -> Floats:
    """Return what the means of the methods of a table could as well have been (M, `REPLICATES`); NaN if not known.

    All are stretched alike, as far as any: what is hard for all methods must not part them.
    """
    stretch = max(found.stretch for found in methods)
    return np.stack([found.mean + stretch * found.draws for found in methods])


def interval(replicates: Floats) -> tuple[float, float] | None:
    """Return the ends of the 95 % interval of replicates; None where there are none."""
    if np.isnan(replicates).all():
        return None
    low, high = np.nanquantile(replicates, ENDS)
    return float(low), float(high)


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
    units = _unit_part(differences, first.units)
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

    Their mean over its standard error, in which are the variance between units and that between seeds, as in `compare`.
    """
    parts = found.parts
    return _p_value(found.mean, parts, 0.0) if _unit_part(found.images, found.units) else np.nan


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


def _unit_part(values: Floats, units: Integers) -> list[_Part]:
    """Return the variance of the mean of values (I,) between units, NaN left out; nothing for fewer than two."""
    known = ~np.isnan(values)
    values, units = values[known], np.unique(units[known], return_inverse=True)[1]
    count = int(units.max(initial=-1)) + 1
    if count < 2:
        return []
    residuals = np.bincount(units, values - values.mean())
    return [_Part(float(count / (count - 1) * (residuals**2).sum() / len(values) ** 2), count - 1)]


def _freedom(parts: Sequence[_Part]) -> float:
    """Return the degrees of freedom of a sum of variances (Satterthwaite 1946)."""
    total = sum(part.variance for part in parts)
    if total == 0:
        return min((part.freedom for part in parts), default=1.0)
    return total**2 / sum(part.variance**2 / part.freedom for part in parts)


def _p_value(difference: float, parts: Sequence[_Part], rounding: float) -> float:
    """Return the two-sided p value of a difference; where nothing varies, that of as many equal signs as there are.

    An error that is not above `rounding` is none.
    """
    error = sum(part.variance for part in parts) ** 0.5
    if difference == 0:
        return 1.0
    if error <= rounding:
        return float(2.0 ** -parts[0].freedom)
    return float(2 * stdtr(_freedom(parts), -abs(difference) / error))


@cache
def _draws(what: str, count: int) -> Floats:
    """Return how often each of `count` is drawn in each replicate (`REPLICATES`, count), 1 on average."""
    if count == 1:
        return np.ones((REPLICATES, 1))
    drawn = generator("bootstrap", what, count).multinomial(count - 1, np.full(count, 1 / count), REPLICATES)
    return np.asarray(drawn * count / (count - 1))


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
