"""The leaderboard as tidy CSV: a line a table, method and figure; and a line a pair of methods."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from topobench.leaderboard.entries import Entry
from topobench.leaderboard.tables import Table

__all__ = ["comparisons_csv", "leaderboard_csv"]

PROTOCOL = ("sampling", "patch_size", "patches", "frame", "dimensions", "connectivity", "phase", "threshold")
BUDGET = ("steps", "seconds", "batch", "crop")
TABLE = (
    "dataset", "dataset_version", "protocol", "protocol_version", *PROTOCOL, *(f"budget_{name}" for name in BUDGET),
    "validation", "device", "precision", "ranked_by",
)  # fmt: skip
FIGURE = (
    "method", "kind", "version", "rank", "group", "provisional", "figure", "better", "mean", "low", "high", "undefined",
    "images", "units", "seeds", "runs", "held_out", "train_seconds", "peak_memory_mib",
)  # fmt: skip
PAIR = ("figure", "first", "second", "difference", "first_better", "first_worse", "p_alone", "p", "differ")


def leaderboard_csv(tables: Iterable[Table]) -> str:
    """Return a line for each figure of each method in each table; what is unknown or undefined is empty."""
    lines = ({**_about(table), **line} for table in tables for entry in table.entries for line in _lines(table, entry))
    return _csv((*TABLE, *FIGURE), lines)


def comparisons_csv(tables: Iterable[Table]) -> str:
    """Return a line for each pair of ranked methods in each table, compared by the figure that ranks.

    `p` is corrected for all pairs of the table, `p_alone` is not; `difference` is the first's mean less the second's.
    """
    lines = (
        {
            **_about(table), "figure": table.ranked_by, "first": pair.first, "second": pair.second,
            "difference": pair.found.difference, "first_better": pair.found.better, "first_worse": pair.found.worse,
            "p_alone": pair.found.p, "p": pair.p, "differ": pair.differ,
        }
        for table in tables for pair in table.pairs
    )  # fmt: skip
    return _csv((*TABLE, *PAIR), lines)


def _about(table: Table) -> dict[str, Any]:
    protocol, validation = table.protocol, table.budget.get("validation")
    return {
        "dataset": table.dataset, "dataset_version": table.version,
        "protocol": protocol["name"], "protocol_version": protocol["version"],
        **{name: protocol.get(name) for name in PROTOCOL},
        **{f"budget_{name}": table.budget.get(name) for name in BUDGET},
        "validation": validation["protocol"] if validation else None,
        "device": table.device, "precision": table.precision, "ranked_by": table.ranked_by,
    }  # fmt: skip


def _lines(table: Table, entry: Entry) -> Iterator[dict[str, Any]]:
    for name, mean in entry.means.items():
        low, high = entry.intervals.get(name, (None, None))
        yield {
            "method": entry.method, "kind": entry.kind, "version": entry.version, "rank": entry.rank,
            "group": entry.group, "provisional": entry.provisional, "figure": name, "better": table.figure(name).better,
            "mean": mean, "low": low, "high": high, "undefined": entry.undefined.get(name, 0), "images": entry.images,
            "units": table.units, "seeds": entry.seeds if entry.kind == "trained" else None, "runs": entry.runs,
            "held_out": entry.held_out, "train_seconds": entry.train_seconds, "peak_memory_mib": entry.peak_memory_mib,
        }  # fmt: skip


def _csv(names: Sequence[str], lines: Iterable[Mapping[str, Any]]) -> str:
    """Return lines as CSV: the names of columns, even where there is no line, then the values; NaN is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for line in lines:
        writer.writerow({key: _cell(value) for key, value in line.items()})
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Return a value as it is written: NaN empty, numbers to 10 digits, for the last ones differ between processors."""
    if not isinstance(value, float):
        return value
    return None if value != value else float(f"{value:.10g}")
