"""The leaderboard as files: `leaderboard.md` and a self-contained `index.html`, from one set of tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from topobench.files import write_atomic
from topobench.leaderboard.entries import Entry
from topobench.leaderboard.tables import Table, make_tables
from topobench.metrics import FIGURES
from topobench.types import RunRecord

__all__ = ["format_figure", "write_leaderboard"]

HELD_OUT = """
Held out: of the figure by which the scored state was chosen, the mean over the images held out of the training, and
over runs."""
FILES = {"leaderboard.md": "leaderboard.md.j2", "index.html": "index.html.j2"}


def write_leaderboard(records: Sequence[RunRecord], folder: Path, skipped: Sequence[str] = ()) -> list[Table]:
    """Write `leaderboard.md` and `index.html` of the records into a folder; return the tables that they show."""
    tables = make_tables(records)
    environment = Environment(
        loader=PackageLoader("topobench.leaderboard"), autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    columns = {name for table in tables for name in table.columns}
    shown = {name: FIGURES[name] for name in [*FIGURES, *sorted(columns - FIGURES.keys())] if name in columns}
    environment.globals.update(figure=format_figure, FIGURES=FIGURES, shown=shown, HELD_OUT=HELD_OUT)
    for name, template in FILES.items():
        text = environment.get_template(template).render(tables=tables, records=records, skipped=skipped)
        write_atomic(folder / name, text.encode())
    return tables


def format_figure(entry: Entry, name: str) -> str:
    """Return a figure as a table shows it: three digits after the point; undefined ones counted behind it."""
    value = entry.means.get(name)
    if value is None:
        return "undefined"
    without = entry.undefined.get(name, 0)
    return f"{value:.3f}" + (f" ({without} of {entry.images} undefined)" if without else "")
