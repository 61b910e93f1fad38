"""The leaderboard as files, all from one board: Markdown, tidy CSV, LaTeX, and a page that needs nothing beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from topobench.files import write_atomic
from topobench.leaderboard import words
from topobench.leaderboard.across import Overall
from topobench.leaderboard.board import Board, make_board
from topobench.leaderboard.charts import cost_chart, curve_chart, views_chart
from topobench.leaderboard.entries import ALPHA
from topobench.leaderboard.published import published_about
from topobench.leaderboard.scenes import Prediction, Scene, embedded, read_scenes, shown
from topobench.leaderboard.sections import Section
from topobench.leaderboard.sheets import comparisons_csv, leaderboard_csv
from topobench.leaderboard.tables import Table, trained
from topobench.metrics import FIGURES
from topobench.types import RunRecord

__all__ = ["render", "write_board", "write_leaderboard"]

TEMPLATES = ("leaderboard.md", "index.html", "leaderboard.tex")
TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}",
}  # fmt: skip
MARKDOWN = re.compile(r"[\\`*<\[~|]|(?<![^\W_])_|_(?![^\W_])|&(?=[#\w])")  # what may be read as more than text
Place = Callable[[float], float]


def write_leaderboard(records: Iterable[RunRecord], folder: Path, skipped: Sequence[str] = ()) -> Board:
    """Write the files of the leaderboard of records into a folder; return what they show.

    Records are taken one at a time; `skipped` are sentences about others, and may grow while they are.
    """
    board = make_board(records, skipped)
    write_board(board, folder)
    return board


def write_board(board: Board, folder: Path) -> None:
    """Write the files of a leaderboard into a folder."""
    for name, content in render(board, folder).items():
        write_atomic(folder / name, content)


def render(board: Board, folder: Path) -> dict[str, bytes]:
    """Return the files of a leaderboard, by name; pictures are those that were drawn into `folder` before."""
    environment = _environment(board, read_scenes(folder), folder)
    tex = environment.overlay(  # whose own braces and percent signs would be taken for the template's
        block_start_string="((%", block_end_string="%))", variable_start_string="(((", variable_end_string=")))"
    )
    files = {
        name: (tex if name.endswith(".tex") else environment).get_template(f"{name}.j2").render(board=board)
        for name in TEMPLATES
    }
    files |= {"leaderboard.csv": leaderboard_csv(board.tables), "comparisons.csv": comparisons_csv(board.tables)}
    return {name: text.encode() for name, text in files.items()}


def _environment(board: Board, scenes: Sequence[Scene], folder: Path) -> Environment:
    """Return what templates are made in: all that they ask for."""
    made = Environment(
        loader=PackageLoader("topobench.leaderboard"), autoescape=select_autoescape(["html.j2", "svg.j2"]),
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {"tex": _tex, "md": _md}
    made.globals.update(
        FIGURES=FIGURES, ALPHA=ALPHA, ABOUT=words.ABOUT, figure=words.format_figure, number=words.number,
        digits=words.digits, p_value=words.p_value, provisional=words.provisional, units=words.units, notes=words.notes,
        trained=lambda table: trained(table.budget, table.device), published_about=published_about,
        scales_of=_scales, rank_scale=_rank_scale, cost_chart=cost_chart, curve_chart=curve_chart,
        views_chart=views_chart, styles=_styles(board), picture=partial(embedded, folder),
        **_pictures(board, scenes, folder),
    )  # fmt: skip
    return made


def _pictures(board: Board, scenes: Sequence[Scene], folder: Path) -> dict[str, object]:
    """Return what the page asks of its pictures: the scenes of a section, and the method of a prediction."""
    names = {record.run_id: entry for table in board.tables for entry, record in _owners(table)}
    chosen, left_out = shown(scenes, names, folder)

    def scenes_of(section: Section) -> list[Scene]:
        hashes = {record.data_hash for setting in section.settings for record in setting.runs}
        return [scene for scene in chosen if scene.dataset == section.dataset and scene.data_hash in hashes]

    def method_of(prediction: Prediction) -> str:
        return names[prediction.run_id]

    most = max((len(scene.predictions) for scene in chosen), default=0)
    return {"scenes_of": scenes_of, "method_of": method_of, "most": most, "left_out": left_out}


def _owners(table: Table) -> Iterable[tuple[str, RunRecord]]:
    """Yield the label of each finished run of a table, with its record."""
    labels = {entry.key: entry.label for entry in table.entries}
    return ((labels[table.methods[record.run_id]], record) for record in table.runs if record.run_id in table.methods)


def _styles(board: Board) -> dict[str, int]:
    """Return a number for each method, by which charts choose its colour and shape: the same on the whole page.

    What was trained comes first: it is in every chart, and the first six methods differ in both.
    """
    found = sorted({(entry.kind != "trained", entry.label) for table in board.tables for entry in table.entries})
    return {label: place for place, (_, label) in enumerate(found)}


def _scales(table: Table) -> dict[str, Place]:
    """Return for each column what gives a value's place in per cent: over all methods but null rows, if there are."""
    entries = [entry for entry in table.entries if entry.kind != "null"] or list(table.entries)
    found = {}
    for name in table.columns:
        ends = [
            end
            for entry in entries
            if name in entry.means
            for end in (entry.means[name], *entry.intervals.get(name, ()))
        ]
        if ends and max(ends) > min(ends):
            found[name] = _scale(min(ends), max(ends))
    return found


def _rank_scale(overall: Overall) -> Place:
    return _scale(1, max(2, len(overall.entries)))


def _scale(low: float, high: float) -> Place:
    """Return what gives the place of a value between two ends, in per cent; what lies outside is at an end."""
    return lambda value: round(min(max(100 * (value - low) / (high - low), 0.0), 100.0), 1)


def _tex(text: object) -> str:
    """Return a text in one line, with what LaTeX reads as a command made plain."""
    return re.sub("|".join(map(re.escape, TEX)), lambda found: TEX[found[0]], _line(text))


def _md(text: object) -> str:
    """Return a text in one line, with what Markdown, or HTML in it, reads as more than text made plain."""
    return MARKDOWN.sub(lambda found: f"\\{found[0]}", _line(text))


def _line(text: object) -> str:
    return " ".join(str(text).split())
