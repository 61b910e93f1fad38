"""The curve of a training's losses: short enough for a record, however long the training is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["POINTS", "Curve"]

POINTS = 50  # at most so many a run; even, so that all of them can be merged by twos


@dataclass
class Curve:
    """Means of the terms of a loss over intervals of steps, of which there are never more than `POINTS`.

    An interval is one step at first. Where there would be too many, neighbours are merged and intervals are twice as
    long from then on: so nobody need know how many steps there will be, and all are of one length, but for the last.

    Attributes
    ----------
    begin : int
        How many steps were done before the first that is in it: 0, unless the training goes on from a checkpoint
        that had no curve.
    steps : int
        How many steps are in it.
    length : int
        Of an interval, in steps.
    sums : list of dict
        For each interval by name of the term: the sum of its values, and of how many steps. Not rounded, so that a
        training that goes on from them ends with the very same curve.
    """

    begin: int = 0
    steps: int = 0
    length: int = 1
    sums: list[dict[str, tuple[float, int]]] = field(default_factory=list)

    def add(self, values: Mapping[str, float]) -> None:
        """Take in a step: the finite values of the terms that were computed in it, by name."""
        if self.steps == POINTS * self.length:
            pairs = zip(self.sums[::2], self.sums[1::2], strict=True)
            self.sums, self.length = [_merged(*pair) for pair in pairs], 2 * self.length
        if self.steps % self.length == 0:
            self.sums.append({})
        self.sums[-1] = _merged(self.sums[-1], {name: (value, 1) for name, value in values.items()})
        self.steps += 1

    def points(self) -> dict[str, Any]:
        """Return the curve as a record keeps it.

        ``steps``: how many steps of the training are done at the end of each interval, ascending. ``terms``: for each
        term the mean of its values in each interval, over the steps in which it was computed, to 6 significant digits;
        None where it was in none of them, as before its start.
        """
        ends = [self.begin + min(number * self.length, self.steps) for number in range(1, len(self.sums) + 1)]
        names = dict.fromkeys(name for interval in self.sums for name in interval)
        return {
            "steps": ends,
            "terms": {name: [_mean(*each.get(name, (0.0, 0))) for each in self.sums] for name in names},
        }

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps: `Curve(**state)` goes on from there."""
        return asdict(self)


def _merged(first: dict[str, tuple[float, int]], second: dict[str, tuple[float, int]]) -> dict[str, tuple[float, int]]:
    """Return sums and numbers of steps of two stretches, taken together."""
    found = dict(first)
    for name, (total, count) in second.items():
        before, steps = found.get(name, (0.0, 0))
        found[name] = before + total, steps + count
    return found


def _mean(total: float, count: int) -> float | None:
    return float(f"{total / count:.6g}") if count else None
