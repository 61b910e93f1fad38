"""How far two tables of the same methods agree: on the order of all of them, and on which of two is the better one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from topobench.leaderboard.entries import Entry
from topobench.leaderboard.resampling import Floats, replicates_of
from topobench.leaderboard.statistics import taus
from topobench.leaderboard.tables import Table

__all__ = ["Agreement", "agree", "repeated", "told_apart"]


@dataclass(frozen=True)
class Agreement:
    """Two tables of the same methods.

    Attributes
    ----------
    tau : float
        Kendall's tau-b of the methods' means, 1 where the order is the same, 0 where they are as good as unrelated; NaN
        for fewer than two methods.
    both : int
        How many pairs of methods both tables tell apart, corrected for all pairs of each.
    against : tuple of (str, str)
        Those of them whose better method, named first, is the worse one in the second table.
    """

    tau: float
    both: int
    against: tuple[tuple[str, str], ...]


def agree(first: Table, second: Table) -> Agreement:
    """Return how far two tables agree on the trained methods that both rank."""
    ours, theirs = _trained(first), _trained(second)
    labels = [label for label in ours if label in theirs]
    tau = taus(_means(first, labels), _means(second, labels)[:, None])[0] if len(labels) > 1 else np.nan
    apart = _apart(first, labels)
    other = _apart(second, labels)
    both = [pair for pair in apart if pair in other or pair[::-1] in other]
    return Agreement(float(tau), len(both), tuple(pair for pair in both if pair[::-1] in other))


def repeated(table: Table) -> float:
    """Return the tau that a repetition would have with this table, on average: with other images and other seeds.

    Of the bootstrap's replicates; NaN where a method has none.
    """
    entries = _trained(table)
    drawn = replicates_of([entry.scores for entry in entries.values() if entry.scores])
    return float(np.mean(taus(_means(table, list(entries)), _sign(table) * drawn)))


def told_apart(table: Table) -> tuple[int, int]:
    """Return how many pairs of trained methods a table tells apart, and how many there are."""
    labels = list(_trained(table))
    return len(_apart(table, labels)), len(labels) * (len(labels) - 1) // 2


def _trained(table: Table) -> dict[str, Entry]:
    """Return the trained methods that have a rank, by their labels, best first."""
    return {entry.label: entry for entry in table.entries if entry.rank and entry.kind == "trained"}


def _sign(table: Table) -> int:
    return -1 if table.figure(table.ranked_by).better == "high" else 1


def _means(table: Table, labels: list[str]) -> Floats:
    """Return the figure that ranks, lower better, of these methods."""
    entries = _trained(table)
    return np.array([_sign(table) * entries[label].means[table.ranked_by] for label in labels])


def _apart(table: Table, labels: list[str]) -> list[tuple[str, str]]:
    """Return the pairs of these methods that a table tells apart, the better one first."""
    wanted = set(labels)
    return [(pair.first, pair.second) for pair in table.pairs if pair.differ and {pair.first, pair.second} <= wanted]
