"""The live table of runs on a terminal: a line a run, of which several may go on at once, and one for all of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType

from rich.console import Console, Group, OverflowMethod, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from topobench.cli.lines import HEADS, STATES, Line
from topobench.cli.words import clock, ending
from topobench.run.matrix import Run
from topobench.run.watcher import Step
from topobench.types import RunRecord

__all__ = ["LiveTable"]

GAP = 2  # columns of the screen between two of the table
BESIDE = 3  # lines of the screen that are not runs: heads, what is not shown, all runs
DOING = 33  # columns of the screen for what a run does: bar, percent, time left, the beginning of the losses
SHORTEST = 12  # columns for the name of a data set, if it has more
WORKER = 28  # columns for a worker and its host, at most
LEAST = 8  # columns for any name, however narrow the screen


class LiveTable:
    """Shows runs on a terminal while the block lasts; at its end the whole list is left there.

    Parameters
    ----------
    console : Console
    runs : sequence of Run
        All of them; a watcher is told of these very objects.
    now : callable
        The clock, in seconds.
    """

    def __init__(self, console: Console, runs: Sequence[Run], now: Callable[[], float] = time.monotonic) -> None:
        self.console, self.now, self.began = console, now, now()
        self.lines = {id(run): Line(run) for run in runs}
        self.ended: list[Line] = []  # in the order in which they ended
        self.over = False
        self._live = Live(console=console, get_renderable=self.view, refresh_per_second=4, vertical_overflow="crop")

    def __enter__(self) -> LiveTable:
        """Begin to show."""
        self._live.start(refresh=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Leave the whole list on the screen."""
        self.over = True
        self._live.stop()

    def sent(self, run: Run, where: str) -> None:
        """Show where it is."""
        self.lines[id(run)].where = where

    def said(self, sentence: str) -> None:
        """Print it above the table."""
        self.console.print(sentence, markup=False, highlight=False)

    def run_started(self, run: Run) -> None:
        """Show that it begins."""
        self.lines[id(run)].start()

    def stepped(self, run: Run, step: Step) -> None:
        """Show how far the training is, and its losses."""
        self.lines[id(run)].step(step, self.now())

    def validated(self, run: Run, step: int, value: float) -> None:
        """Show the result beside the losses."""
        self.lines[id(run)].held_out = value

    def scored(self, run: Run, images: int, of: int) -> None:
        """Show how many images are scored."""
        self.lines[id(run)].score(images, of, self.now())

    def noted(self, run: Run, sentence: str) -> None:
        """Print it above the table."""
        self.console.print(f"{run.label}: {sentence}", markup=False, highlight=False)

    def run_ended(self, run: Run, record: RunRecord, found: bool) -> None:
        """Show how it ended; why it failed stands in full above the table, too."""
        line = self.lines[id(run)]
        line.end(record, found)
        self.ended.append(line)
        if line.state == "failed":
            self.noted(run, ending(record, found))

    def view(self) -> Group:
        """Return what the screen shows now."""
        lines = list(self.lines.values())
        shown = lines if self.over else self._chosen(lines, self.console.height - BESIDE)
        parts: list[RenderableType] = [self._table(shown)]
        hidden = Counter(line.state for line in lines if line not in shown)
        if hidden:
            what = ", ".join(f"{hidden[state]} {state}" for state in STATES if hidden[state])
            parts.append(self._text(f"not shown: {what}", "dim"))
        return Group(*parts, self._text(self._all_runs(lines), "bold"))

    def _chosen(self, lines: Sequence[Line], height: int) -> list[Line]:
        """Return the runs that so many lines have room for: those that go on, those that ended last, those to come."""
        if len(lines) <= height:
            return list(lines)
        going = [line for line in lines if line.state == "going on"]
        waiting = [line for line in lines if line.state == "waiting"]
        room = set(map(id, [*going, *reversed(self.ended), *waiting][: max(height, 0)]))
        return [line for line in (*self.ended, *going, *waiting) if id(line) in room]

    def _table(self, lines: Sequence[Line]) -> Table:
        table = Table(box=None, expand=True, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
        places = self._width_of_places()
        names, sets = self._widths(places)
        table.add_column("run", no_wrap=True, overflow=self._overflow, width=names)
        if sets:
            table.add_column("data set", no_wrap=True, overflow=self._overflow, width=sets)
        table.add_column("fold", no_wrap=True, justify="right", width=4)
        table.add_column("seed", no_wrap=True, justify="right", width=4)
        if places:
            table.add_column("worker", no_wrap=True, overflow=self._overflow, width=places)
        table.add_column(HEADS, no_wrap=True, overflow=self._overflow, ratio=1)
        for line in lines:
            run = line.run
            about = [run.name, *([run.dataset.card.name] if sets else []), str(run.fold)]
            about.append("" if run.seed is None else str(run.seed))
            about += [line.where] if places else []
            table.add_row(*map(Text, about), Text(line.doing(self._is_plain, self.over), line.style))
        return table

    def _width_of_places(self) -> int:
        """Return how wide the names of workers are; 0 where no run was sent to any."""
        longest = max((len(line.where) for line in self.lines.values()), default=0)
        return min(longest, WORKER, max(LEAST, self.console.width // 5))

    def _widths(self, places: int) -> tuple[int, int]:
        """Return how wide the names of runs and data sets are; 0 for the latter where all are of one."""
        runs = [line.run for line in self.lines.values()]
        names = max((len(run.name) for run in runs), default=0)
        found = {run.dataset.card.name for run in runs}
        room = self.console.width - DOING - 2 * (4 + GAP) - GAP - (places + GAP if places else 0)
        if len(found) < 2:
            return max(min(names, room), LEAST), 0
        room, sets = room - GAP, max(map(len, found))
        names = max(min(names, room - min(sets, SHORTEST)), LEAST)
        return names, max(min(sets, room - names), LEAST)

    def _all_runs(self, lines: Sequence[Line]) -> str:
        """Return the line for all runs: how many have ended, how long they have taken, how long they will."""
        elapsed, failed = self.now() - self.began, sum(line.state == "failed" for line in lines)
        text = f"all runs: {len(self.ended)} of {len(lines)} ended" + (f", {failed} failed" if failed else "")
        text += f"; {clock(elapsed)} elapsed"
        left = self._left([line for line in lines if line.run.budget])
        return text if self.over or not left else f"{text}, about {clock(left)} left"

    def _left(self, lines: Sequence[Line]) -> float:
        """Return the seconds that runs which train will take, at the rate since the first of them took a step."""
        left, done = sum(line.left_of_it for line in lines), sum(line.done_of_it for line in lines)
        since = min((line.since for line in lines if line.since is not None), default=self.now())
        return (self.now() - since) / done * left if done else 0.0

    def _text(self, text: str, style: str) -> Text:
        return Text(text, style, no_wrap=True, overflow=self._overflow)

    @property
    def _is_plain(self) -> bool:
        """Whether the terminal shows ASCII alone."""
        return not self.console.encoding.startswith("utf")

    @property
    def _overflow(self) -> OverflowMethod:
        return "crop" if self._is_plain else "ellipsis"
