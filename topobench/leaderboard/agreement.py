"""How far two tables of the same methods agree: on the order of all of them, and on which of two is the better one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from topobench.leaderboard.entries import Entry
from topobench.leaderboard.resampling import Floats
from topobench.leaderboard.statistics import taus
from topobench.leaderboard.tables import Table

__all__ = ["Agreement", "agree", "repeated", "told_apart"]

PAIRED = 20  # replicates, of which the first is compared with each of the others


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
    """Return about what tau two experiments like that of the table have with each other: other images, other seeds.

    Means differ because methods do and because of luck, whose part the bootstrap's replicates know. So the methods'
    differences are shrunk until, with luck, they spread as the means do (empirical Bayes); to them two replicates are
    added that have nothing in common. The mean of the tau of many such pairs; NaN where a method has no replicates.
    """
    entries = _trained(table)
    means = _means(table, list(entries))
    luck = _sign(table) * np.stack([entry.scores.draws for entry in entries.values() if entry.scores])
    luck -= luck.mean(axis=0)  # what is hard for all parts none
    spread = float(means.var(ddof=1)) if len(means) > 1 else 0.0
    true = means * max(0.0, 1 - float(luck.var(axis=1).mean()) / spread) ** 0.5 if spread else 0 * means
    pairs = range(0, luck.shape[1] - 1, PAIRED)
    found = [taus(true + luck[:, one], true[:, None] + luck[:, one + 1 : one + PAIRED]) for one in pairs]
    return float(np.mean(np.concatenate(found)))


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
