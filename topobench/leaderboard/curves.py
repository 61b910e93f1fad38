"""Training curves, from what records say of the losses, and of the images held out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from topobench.cards import shipped_protocol
from topobench.leaderboard.outcomes import method_key
from topobench.leaderboard.resampling import Floats
from topobench.types import RunRecord

__all__ = ["Curve", "Point", "curves_of"]

Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """A quantity over the steps of training: for each method points (step, value), the mean over its runs."""

    title: str
    meaning: str
    quantity: str
    methods: dict[str, list[Point]]


def curves_of(records: Iterable[RunRecord], labels: Mapping[str, str]) -> list[Curve]:
    """Return a curve for each term of the losses, and for the figure by which states were chosen, if any were.

    `labels` says what each method is called, by its key (`method_key`); what is not in it has no curve.
    """
    found: dict[tuple[str, str, str], dict[str, list[list[Point]]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        for key, points in _of_run(record):
            if len(points) > 1 and (label := labels.get(method_key(record))):
                found[key][label].append(points)
    return [
        Curve(*key, {name: _mean(runs) for name, runs in sorted(methods.items())})
        for key, methods in sorted(found.items())
    ]


def _of_run(record: RunRecord) -> Iterator[tuple[tuple[str, str, str], list[Point]]]:
    """Yield what is known of one run, each with the title, meaning and name of the quantity."""
    training, rule = record.training, record.budget.get("validation")
    losses = training.get("losses", {"steps": [], "terms": {}})
    for term, values in losses["terms"].items():
        points = [(float(s), float(v)) for s, v in zip(losses["steps"], values, strict=True) if v is not None]
        yield (f"Training: {term}", "Unweighted, the mean over folds and seeds.", term), points
    if rule and training.get("validated"):
        points = [(float(step), float(value)) for step, value, undefined in training["validated"] if not undefined]
        meaning = f"By {rule['protocol']}, the mean over folds and seeds; the best state is scored."
        protocol = shipped_protocol(rule["protocol"])
        figure = protocol.ranked_by if protocol else "figure that chooses"
        yield ("Images held out of the training", meaning, figure), points


def _mean(runs: list[list[Point]]) -> list[Point]:
    """Return the mean of curves at the steps of the longest, each as far as it goes."""
    steps = [step for step, _ in max(runs, key=lambda points: (points[-1][0], len(points)))]
    values = np.stack([_at(steps, points) for points in runs])
    count = (~np.isnan(values)).sum(axis=0)
    means = np.nan_to_num(values).sum(axis=0) / np.maximum(count, 1)
    return [(step, mean) for step, mean, some in zip(steps, means.tolist(), count.tolist(), strict=True) if some]


def _at(steps: list[float], points: list[Point]) -> Floats:
    """Return a curve's values at these steps, NaN before its first point and after its last."""
    known, values = np.array(points).T
    return np.asarray(np.interp(steps, known, values, left=np.nan, right=np.nan))
