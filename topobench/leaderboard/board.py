"""A leaderboard as a whole: all that its files show, from records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from topobench.leaderboard.across import Overall, make_overalls
from topobench.leaderboard.sections import Section, make_sections
from topobench.leaderboard.tables import Table, make_tables
from topobench.metrics import FIGURES, Figure
from topobench.types import RunRecord

__all__ = ["Board", "make_board"]

KINDS = ("trained", "scored", "null")


@dataclass(frozen=True)
class Board:
    """Tables in the order in which they are shown, how many records of each status there are, and what was skipped."""

    tables: tuple[Table, ...]
    records: dict[str, int]
    skipped: tuple[str, ...]

    @cached_property
    def sections(self) -> list[Section]:
        """The tables by data set and budget."""
        return make_sections(self.tables)

    @cached_property
    def overalls(self) -> list[Overall]:
        """Comparisons over data sets."""
        return make_overalls(self.tables)

    @property
    def summary(self) -> str:
        """How much there is, in words."""
        total, failed = sum(self.records.values()), self.records.get("failed", 0)
        methods = {(entry.kind, entry.key) for table in self.tables for entry in table.entries}
        return (
            f"{_counted(total, 'record')} of {_counted(len(methods), 'method')} on "
            f"{_counted(len({table.dataset for table in self.tables}), 'data set')}"
            + (f"; {_counted(failed, 'run')} failed" if failed else "")
        )

    @property
    def kinds(self) -> list[str]:
        """The kinds of rows that there are."""
        found = {entry.kind for table in self.tables for entry in table.entries}
        return [kind for kind in KINDS if kind in found]

    @property
    def figures(self) -> list[Figure]:
        """The figures that any table shows, ours first; of a plugin's each that some version of it says."""
        shown = {table.figure(name) for table in self.tables for name in table.columns}
        ours = [figure for figure in FIGURES.values() if figure in shown]
        return ours + sorted(shown - set(ours), key=lambda figure: (figure.name, figure.meaning, figure.better))

    @property
    def columns(self) -> list[str]:
        """The columns that a reader may hide."""
        held_out = ["held out"] if any(table.budget.get("validation") for table in self.tables) else []
        return [
            "group",
            *dict.fromkeys(figure.name for figure in self.figures),
            "images",
            "seeds",
            *held_out,
            "training s",
            "peak MiB",
        ]


def make_board(records: Iterable[RunRecord], skipped: Sequence[str] = ()) -> Board:
    """Return the leaderboard of records, which are taken one at a time; `skipped` may grow while they are."""
    seen: Counter[str] = Counter()

    def counted() -> Iterator[RunRecord]:
        for record in records:
            seen["finished" if record.finished else "failed"] += 1
            yield record

    tables = tuple(make_tables(counted()))
    return Board(tables, dict(seen), tuple(skipped))


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
