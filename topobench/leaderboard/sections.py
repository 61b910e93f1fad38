"""How a leaderboard is laid out: data sets, in each of them settings, in each of these a table a protocol."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from topobench.files import digest
from topobench.leaderboard.across import Views, views_of
from topobench.leaderboard.curves import Curve, curves_of
from topobench.leaderboard.repeat import Repeat, repeats_of
from topobench.leaderboard.tables import Table
from topobench.types import RunRecord

__all__ = ["Section", "Setting", "make_sections"]


@dataclass(frozen=True)
class Setting:
    """Tables of one data set that differ in the protocol alone: one budget, on one kind of device.

    `main` are those of protocols with a name of their own; those of the same protocols with another patch size or
    connectivity are shown together (`views`) and not one by one.
    """

    tables: tuple[Table, ...]

    @property
    def main(self) -> list[Table]:
        """The tables that are shown one by one: all, if there are only variants."""
        return [table for table in self.tables if not table.is_variant] or list(self.tables)

    @property
    def title(self) -> str:
        """The budget, in a few words."""
        return _budget(self.tables[0].budget, self.tables[0].device, self.tables[0].precision)

    @cached_property
    def runs(self) -> list[RunRecord]:
        """All records of the setting, each once."""
        return list({record.run_id: record for table in self.tables for record in table.runs}.values())

    @cached_property
    def views(self) -> Views | None:
        """Ranks by each of the protocols."""
        return views_of(self.tables)

    @cached_property
    def curves(self) -> list[Curve]:
        """How the trainings went."""
        return curves_of((record for record in self.runs if record.finished and record.kind == "trained"), self._labels)

    @cached_property
    def repeats(self) -> list[Repeat]:
        """How each run can be repeated."""
        return repeats_of(self.runs, self._labels)

    @property
    def _labels(self) -> dict[str, str]:
        return {entry.key: entry.label for table in self.tables for entry in table.entries}


@dataclass(frozen=True)
class Section:
    """All tables of one data set, in one version of it."""

    dataset: str
    version: str
    settings: tuple[Setting, ...]

    @property
    def title(self) -> str:
        """The data set and its version, in words."""
        return f"{self.dataset} ({self.version})"


def make_sections(tables: Iterable[Table]) -> list[Section]:
    """Return tables by data set and setting, in their order."""
    found: dict[tuple[str, str], dict[str, list[Table]]] = defaultdict(lambda: defaultdict(list))
    for table in tables:
        found[table.dataset, table.version][digest([table.budget, table.device, table.precision])].append(table)
    return [
        Section(*key, tuple(Setting(tuple(group)) for group in settings.values())) for key, settings in found.items()
    ]


def _budget(budget: dict[str, Any], device: str, precision: str) -> str:
    if not budget:
        return "without training"
    much = f"{budget['steps']} steps" if "steps" in budget else f"{budget['seconds']:g} s"
    chosen = ", best of held out" if budget.get("validation") else ""
    mixed = "" if precision == "float32" else f" ({precision})"
    return f"{much} of {budget['batch']} crops of {budget['crop']}x{budget['crop']}, {device}{mixed}{chosen}"
