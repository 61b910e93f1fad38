"""Entries: what the runs of each method come to on the images of a table, ranked, and told apart where they can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np

from topobench.leaderboard.outcomes import Outcome, held_out_of, name_of
from topobench.leaderboard.resampling import Integers, Scores, interval
from topobench.leaderboard.statistics import Comparison, compare, groups, holm
from topobench.metrics import Figure, figure_of
from topobench.types import RunRecord

__all__ = [
    "ALPHA", "ENOUGH_SEEDS", "Entry", "Frame", "Pair", "distinct", "entry_of", "fewest_seeds", "grouped", "pairs_of",
    "ranked", "scores_of",
]  # fmt: skip

ALPHA = 0.05  # two methods are told apart where the corrected p value is below
ENOUGH_SEEDS = 3  # with fewer a rank is provisional


@dataclass(frozen=True)
class Frame:
    """The images of a table, and the resampling unit of each (I,)."""

    images: tuple[str, ...]
    units: Integers

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> Frame:
        """Return the images that were scored, sorted."""
        unit_of = {image: unit for one in outcomes for image, unit in zip(one.images, one.units, strict=True)}
        images = tuple(sorted(unit_of))
        units = np.unique([unit_of[image] for image in images], return_inverse=True)[1] if images else np.empty(0)
        return cls(images, units.astype(np.int64))


@dataclass(frozen=True)
class Entry:
    """A method in a table: means over its images (first over seeds), and what stands behind them.

    `version` is the beginning of the hash of its recipe; it stands behind the name where two share one.
    `intervals` has the 95 % interval of each mean, where one can be given. `undefined` counts, for each figure, the
    images for which it is not defined and which its mean leaves out. `letters` are those of its groups: methods that
    share one cannot be told apart. `complete` says that it was scored on every image of the table: only then it has a
    rank, and only if the figure that ranks is undefined for no more images than with others, whose mean would else be
    of harder ones. `seeds` is the fewest in any fold; `held_out` the mean over runs of what the scored state gave on
    the images held out of the training, if it was chosen by them. `scores` are those of the figure that ranks.
    """

    method: str
    version: str
    key: str
    kind: str
    rank: int | None
    means: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    undefined: dict[str, int]
    runs: int
    seeds: int
    images: int
    complete: bool
    train_seconds: float | None
    peak_memory_mib: float | None
    held_out: float | None = None
    letters: tuple[str, ...] = ()
    scores: Scores | None = field(default=None, repr=False, compare=False)

    @property
    def label(self) -> str:
        """Its name, and what it is if nothing was trained here."""
        return self.method if self.kind == "trained" else f"{self.method} ({self.kind})"

    @property
    def group(self) -> str:
        """Its letters, as a table shows them."""
        return " ".join(self.letters) if any(len(letter) > 1 for letter in self.letters) else "".join(self.letters)

    @property
    def provisional(self) -> bool:
        """Whether another seed may well change its rank: too few were tried, or of predictions one alone is known."""
        return self.kind == "scored" or (self.kind == "trained" and self.seeds < ENOUGH_SEEDS)


@dataclass(frozen=True)
class Pair:
    """Two ranked methods by their labels, how they compare, and the p value corrected for all pairs of the table."""

    first: str
    second: str
    found: Comparison
    p: float

    @property
    def differ(self) -> bool:
        """Whether they can be told apart."""
        return self.p < ALPHA


def entry_of(key: str, outcomes: Sequence[Outcome], frame: Frame, choices: Mapping[str, Any]) -> Entry:
    """Return the entry of a method, not ranked yet, of the outcomes of its runs; `choices` are of its protocol."""
    records = [one.record for one in outcomes]
    trained = records[0].kind == "trained"
    scored = np.isin(frame.images, [image for one in outcomes for image in one.images])
    scores = scores_of(outcomes, frame)
    known = {name: found for name, found in scores.items() if not np.isnan(found.images).all()}
    without = {name: int(np.isnan(found.images[scored]).sum()) for name, found in known.items()}
    return Entry(
        method=name_of(records[0]),
        version=key[:6],
        key=key,
        kind=records[0].kind,
        rank=None,
        means={name: found.mean for name, found in known.items()},
        intervals={name: ends for name, found in known.items() if (ends := _interval(figure_of(name, choices), found))},
        undefined={name: count for name, count in without.items() if count},
        runs=len(records),
        seeds=fewest_seeds(records),
        images=int(scored.sum()),
        complete=bool(scored.all()),
        train_seconds=_mean(record.cost.get("train_seconds") for record in records) if trained else None,
        peak_memory_mib=max(_known(record.cost.get("peak_memory_mib") for record in records), default=None)
        if trained
        else None,
        held_out=_mean(map(held_out_of, records)) if trained else None,
        scores=scores.get(choices["ranked_by"]),
    )


def fewest_seeds(records: Iterable[RunRecord]) -> int:
    """Return how many seeds there are in the fold that has the fewest."""
    return min(Counter(fold for fold, _ in {(record.fold, record.seed) for record in records}).values())


def ranked(entries: Sequence[Entry], by: Figure) -> list[Entry]:
    """Return entries best first by a figure; those that cannot be ranked (see `Entry`) come last, without a rank.

    Methods whose means are equal share a rank, and the next one counts them all.
    """
    sign = -1 if by.better == "high" else 1
    known = [entry for entry in entries if entry.complete and by.name in entry.means]
    fewest = min((entry.undefined.get(by.name, 0) for entry in known), default=0)
    able = [entry for entry in known if entry.undefined.get(by.name, 0) == fewest]
    best_first = sorted(able, key=lambda entry: (sign * entry.means[by.name], *_named(entry)))
    means = [entry.means[by.name] for entry in best_first]
    others = sorted((entry for entry in entries if entry not in able), key=_named)
    return [replace(entry, rank=means.index(mean) + 1) for entry, mean in zip(best_first, means, strict=True)] + others


def _named(entry: Entry) -> tuple[str, str, str]:
    """Return what entries of one rank, or none, are sorted by."""
    return entry.method, entry.kind, entry.key


def distinct(entries: Sequence[Entry]) -> list[Entry]:
    """Return entries with the version behind the name wherever two methods of one kind share a name."""
    names = Counter((entry.kind, entry.method) for entry in entries)
    return [
        replace(entry, method=f"{entry.method} [{entry.version}]") if names[entry.kind, entry.method] > 1 else entry
        for entry in entries
    ]


def pairs_of(entries: Sequence[Entry], by: Figure) -> tuple[Pair, ...]:
    """Return all pairs of ranked entries, compared by the figure that ranks, the better ranked first."""
    high = by.better == "high"
    able = [(entry.label, entry.scores) for entry in entries if entry.rank and entry.scores]
    found = [(first, second, compare(ours, theirs, high)) for (first, ours), (second, theirs) in combinations(able, 2)]
    corrected = holm([comparison.p for _, _, comparison in found])
    return tuple(Pair(*one, p) for one, p in zip(found, corrected, strict=True))


def grouped(entries: Sequence[Entry], pairs: Sequence[Pair]) -> list[Entry]:
    """Return entries with the letters of their groups; those without a rank have none."""
    place = {entry.label: index for index, entry in enumerate(entry for entry in entries if entry.rank)}
    differ = np.zeros((len(place), len(place)), dtype=bool)
    for pair in pairs:
        differ[place[pair.first], place[pair.second]] = differ[place[pair.second], place[pair.first]] = pair.differ
    letters = groups(differ)
    return [replace(entry, letters=letters[place[entry.label]]) if entry.rank else entry for entry in entries]


def scores_of(outcomes: Sequence[Outcome], frame: Frame) -> dict[str, Scores]:
    """Return for each figure what each run gives on each image of the frame."""
    figures = list(dict.fromkeys(name for one in outcomes for name in one.figures))
    column = {image: place for place, image in enumerate(frame.images)}
    cube = np.full((len(figures), len(outcomes), len(frame.images)), np.nan)
    for run, one in enumerate(outcomes):
        rows = [place for place, image in enumerate(one.images) if image in column]
        places = [column[one.images[row]] for row in rows]
        for name, values in zip(one.figures, one.values.T, strict=True):
            cube[figures.index(name), run, places] = values[rows]
    folds = np.array([-1 if one.record.fold is None else one.record.fold for one in outcomes])
    return {name: Scores(values, folds, frame.units) for name, values in zip(figures, cube, strict=True)}


def _interval(figure: Figure, scores: Scores) -> tuple[float, float] | None:
    """Return the interval of a figure's mean, within what the figure can be."""
    ends, (lowest, highest) = interval(scores.replicates), figure.range
    return None if ends is None else (max(ends[0], lowest), min(ends[1], highest))


def _mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of what is known, None where nothing is."""
    known = _known(values)
    return float(np.mean(known)) if known else None


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]
