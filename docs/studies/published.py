"""What was published, as the studies look at it: records, and tables of the budget of a suite."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from topobench.cards import load_recipe, load_suite
from topobench.errors import RecordError
from topobench.leaderboard import make_tables
from topobench.scores import read_record
from topobench.types import RunRecord

DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
ON = ("cpu", "float32")


@dataclass(frozen=True)
class Published:
    """Records, and what the leaderboard makes of them."""

    records: tuple[RunRecord, ...]

    @classmethod
    def read(cls, folder: Path):
        """Return those of a folder."""
        return cls(tuple(map(read_record, sorted(folder.glob("*.json")))))

    def of(self, suite):
        """Return the finished trainings of a suite: of its budget, recipes and data sets, on the CPU, in order."""
        suite = load_suite(suite)
        names = {recipe.name for recipe in recipes_of(suite)}
        found = [
            record for record in self.records
            if record.kind == "trained" and record.finished and record.budget == budget_of(suite.name)
            and (record.device, record.precision) == ON and record.recipe["name"] in names
            and record.card["name"] in suite.datasets
        ]  # fmt: skip
        return sorted(found, key=lambda record: (record.card["name"], record.recipe["name"], record.fold, record.seed))

    def tables(self, suite):
        """Return the tables of the trainings of a suite, with the null rows: by data set, in its order, by protocol."""
        found, nulls = defaultdict(dict), [record for record in self.records if record.kind == "null"]
        for table in make_tables([*self.of(suite), *nulls]):
            if table.budget and found[table.dataset].setdefault(table.protocol["name"], table) is not table:
                raise RecordError(
                    f"the records hold two tables of {table.title}, of different cards, data or choices; the studies "
                    "look at one. Score the older ones again (`topobench rescore`), or leave them out."
                )
        return {name: found[name] for name in load_suite(suite).datasets if found[name]}


def recipes_of(suite):
    """Return the recipes of a suite, each with all its weights."""
    return [load_recipe(name).scaled(factor) for name in suite.recipes for factor in suite.factors]


def budget_of(suite):
    """Return the budget of a suite as records have it."""
    return load_suite(suite).budget.identity()


def markdown(header, rows):
    """Return a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def signed(value, digits=3):
    """Return a difference with its sign."""
    text = f"{value:+.{digits}f}"
    return text.replace("-", MINUS) if float(text) else f"{0:.{digits}f}"
