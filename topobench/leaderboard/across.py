"""What only several tables show together: mean ranks over data sets, and how a rank depends on the protocol."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from topobench.files import digest
from topobench.leaderboard.entries import Entry
from topobench.leaderboard.resampling import Scores, replicates_of
from topobench.leaderboard.statistics import mean_ranks
from topobench.leaderboard.tables import Table

__all__ = ["Overall", "OverallEntry", "Views", "make_overalls", "views_of"]

FREE = ("connectivity", "phase", "figures", "columns")  # what each data set chooses for itself, or merely shows


@dataclass(frozen=True)
class OverallEntry:
    """A method over all tables of a comparison: its mean rank, with the 95 % interval, and its rank in each table.

    There is no interval where a table is of one unit alone, of which nothing is known of other images.
    """

    label: str
    kind: str
    rank: float
    ends: tuple[float, float] | None
    ranks: tuple[float, ...]


@dataclass(frozen=True)
class Overall:
    """Tables of several data sets by one protocol and budget, and the methods that have a rank in each, best first."""

    tables: tuple[Table, ...]
    entries: tuple[OverallEntry, ...]

    @property
    def title(self) -> str:
        """Protocol and number of data sets."""
        protocol = self.tables[0].protocol
        return f"{len(self.tables)} data sets, protocol {protocol['name']} v{protocol['version']}"


@dataclass(frozen=True)
class Views:
    """Tables of one data set that differ in the protocol alone.

    `ranks` has for each method its rank in each of them, and the mean of the figure that ranks there; None where it has
    none.
    """

    tables: tuple[Table, ...]
    ranks: dict[str, tuple[tuple[int | None, float | None], ...]]

    @property
    def protocols(self) -> list[str]:
        """The name of each table's protocol."""
        return [str(table.protocol["name"]) for table in self.tables]


def make_overalls(tables: Iterable[Table]) -> list[Overall]:
    """Return a comparison for each protocol and budget by which methods were scored on several data sets.

    Where one data set has several tables (another version of its card), none of them is taken; nor are variants of
    protocols.
    """
    alike: dict[str, list[Table]] = defaultdict(list)
    for table in tables:
        choices = {key: value for key, value in table.protocol.items() if key not in FREE}
        if table.budget and not table.is_variant:
            alike[digest([choices, table.budget, table.device, table.precision])].append(table)
    found = (_overall(group) for group in alike.values() if len({table.dataset for table in group}) == len(group) > 1)
    return [overall for overall in found if len(overall.entries) > 1]


def views_of(tables: Iterable[Table]) -> Views | None:
    """Return tables that differ in the protocol alone as views; None where there is one alone, or no method in any.

    They stand from small patches to whole images, and of one size the 8-connected first.
    """
    by_size = sorted(tables, key=_size)
    if len(by_size) < 2:
        return None
    found = [
        {entry.label: (entry.rank, entry.means.get(table.ranked_by)) for entry in table.entries} for table in by_size
    ]
    labels = dict.fromkeys(label for of_table in found for label in of_table)
    if not labels:
        return None
    ranks = {label: tuple(of_table.get(label, (None, None)) for of_table in found) for label in labels}
    return Views(tuple(by_size), dict(sorted(ranks.items(), key=_mean_rank)))


def _overall(tables: Sequence[Table]) -> Overall:
    by_key = [{entry.key: entry for entry in table.entries if entry.rank} for table in tables]
    keys = [key for key in by_key[0] if all(key in of_table for of_table in by_key)]
    sign = -1 if tables[0].figure(tables[0].ranked_by).better == "high" else 1
    found = [[of_table[key] for key in keys] for of_table in by_key]
    if len(keys) < 2:
        return Overall(tuple(tables), ())
    means = [np.array([sign * _scores(entry).mean for entry in entries]) for entries in found]
    replicates = [sign * replicates_of([_scores(entry) for entry in entries]) for entries in found]
    rank, low, high = mean_ranks(replicates, means)
    known = not any(np.isnan(drawn).any() for drawn in replicates)
    own = np.stack([mean_ranks([draws], [point])[0] for draws, point in zip(replicates, means, strict=True)], axis=1)
    entries = [
        OverallEntry(
            entry.label,
            entry.kind,
            float(rank[m]),
            (float(low[m]), float(high[m])) if known else None,
            tuple(own[m].tolist()),
        )
        for m, entry in enumerate(found[0])
    ]
    return Overall(tuple(tables), tuple(sorted(entries, key=lambda entry: (entry.rank, entry.label))))


def _scores(entry: Entry) -> Scores:
    assert entry.scores is not None  # it has a rank
    return entry.scores


def _mean_rank(item: tuple[str, tuple[tuple[int | None, float | None], ...]]) -> tuple[float, str]:
    label, found = item
    known = [rank for rank, _ in found if rank]
    return (float(np.mean(known)) if known else np.inf, label)


def _size(table: Table) -> tuple[float, int, str]:
    protocol = table.protocol
    return protocol.get("patch_size") or np.inf, -protocol["connectivity"], str(protocol["name"])
