"""What was published, as the studies look at it: records, and tables of the budget of a suite."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from topobench.cards import load_suite
from topobench.leaderboard import make_tables
from topobench.scores import read_record
from topobench.types import RunRecord

TIMES, DASH, MINUS = "\N{MULTIPLICATION SIGN}", "\N{EN DASH}", "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Published:
    """Records, and what the leaderboard makes of them."""

    records: tuple[RunRecord, ...]

    @classmethod
    def read(cls, folder: Path):
        """Return those of a folder."""
        return cls(tuple(map(read_record, sorted(folder.glob("*.json")))))

    @cached_property
    def tables(self):
        """All tables of the leaderboard."""
        return make_tables(self.records)

    def of(self, suite):
        """Return the trained records of the budget of a suite."""
        budget = budget_of(suite)
        return [record for record in self.records if record.kind == "trained" and record.budget == budget]

    def by_dataset(self, suite):
        """Return the tables of the budget of a suite: by data set, in its order, by protocol."""
        found, budget = defaultdict(dict), budget_of(suite)
        for table in self.tables:
            if table.budget == budget:
                found[table.dataset][table.protocol["name"]] = table
        return {name: found[name] for name in load_suite(suite).datasets if name in found}


def budget_of(suite):
    """Return the budget of a suite as records have it."""
    return load_suite(suite).budget.identity()


def markdown(header, rows):
    """Return a table in Markdown; cells of columns of numbers are right-aligned by whoever reads them."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def signed(value, digits=3):
    """Return a difference with its sign."""
    text = f"{value:+.{digits}f}"
    return text.replace("-", MINUS) if float(text) else f"{0:.{digits}f}"
