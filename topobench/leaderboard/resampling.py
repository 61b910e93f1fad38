"""What the means of a leaderboard could as well have been: intervals. Arrays in, numbers out.

Two things would differ if a benchmark were done again: the images, of which only whole resampling units are independent
of each other, and the seeds of the trainings. So both are resampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from topobench.seeds import generator

__all__ = [
    "LEVEL", "REPLICATES", "Floats", "Integers", "Part", "Scores", "freedom", "interval", "replicates_of", "unit_part",
]  # fmt: skip

LEVEL = 0.95
ENDS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
REPLICATES = 2000
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
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
        wanted = 2 * float(stdtrit(freedom(self.parts), ENDS[1])) * sum(part.variance for part in self.parts) ** 0.5
        return wanted / float(high - low) if high > low else 1.0

    @property
    def parts(self) -> list[Part]:
        """The parts of the variance of the mean that can be known: that of units, and that of seeds."""
        return [*unit_part(self.images, self.units), *self.seed_part()]

    def seed_part(self) -> list[Part]:
        """Return the part of the mean's variance that is due to seeds; nothing where each fold has one run."""
        count = (~np.isnan(self.images)).sum()
        runs = self._shares.sum(axis=1) / max(count, 1)
        parts = []
        for fold in np.unique(self.folds):
            of_fold = runs[self.folds == fold]
            if len(of_fold) > 1:
                parts.append(Part(len(of_fold) * float(of_fold.var(ddof=1)), len(of_fold) - 1))
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


def unit_part(values: Floats, units: Integers) -> list[Part]:
    """Return the variance of the mean of values (I,) between units, NaN left out; nothing for fewer than two."""
    known = ~np.isnan(values)
    values, units = values[known], np.unique(units[known], return_inverse=True)[1]
    count = int(units.max(initial=-1)) + 1
    if count < 2:
        return []
    residuals = np.bincount(units, values - values.mean())
    return [Part(float(count / (count - 1) * (residuals**2).sum() / len(values) ** 2), count - 1)]


def freedom(parts: Sequence[Part]) -> float:
    """Return the degrees of freedom of a sum of variances (Satterthwaite 1946)."""
    total = sum(part.variance for part in parts)
    if total == 0:
        return min((part.freedom for part in parts), default=1.0)
    return total**2 / sum(part.variance**2 / part.freedom for part in parts)


@cache
def _draws(what: str, count: int) -> Floats:
    """Return how often each of `count` is drawn in each replicate (`REPLICATES`, count), 1 on average."""
    if count == 1:
        return np.ones((REPLICATES, 1))
    drawn = generator("bootstrap", what, count).multinomial(count - 1, np.full(count, 1 / count), REPLICATES)
    return np.asarray(drawn * count / (count - 1))
