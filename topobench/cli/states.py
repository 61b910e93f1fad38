"""How far the runs of a command have come: `topobench status`, and what `topobench run --dry-run` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from topobench.cli.options import output
from topobench.cli.words import counted, in_words

if TYPE_CHECKING:
    from topobench.run.plan import Planned, State

__all__ = ["print_states", "status"]


@click.command()
@output
def status(output: Path) -> None:
    """Show how far the runs of the last `topobench run` with this output folder have come, also while they go on."""
    from topobench.run.plan import read_plan, states_of
    from topobench.run.store import Store

    store = Store(output)
    plan = read_plan(store)
    click.echo(f"Suite {plan.suite}, {len(plan.runs)} runs, in {output}.\n")
    print_states(states_of(plan.runs, store), plan.jobs)


def print_states(states: Sequence[State], jobs: int) -> None:
    """Print a line for each run, how many there are of each state, and how much time is left."""
    from topobench.cli.tables import grid, print_grid
    from topobench.run.plan import time_left

    lines = grid()
    lines.add_column("run", no_wrap=True)
    lines.add_column("is", no_wrap=True)
    lines.add_column("", overflow="fold")
    for state in states:
        took = f"took {in_words(state.seconds or 0)}" if state.word == "finished" else state.detail
        lines.add_row(state.planned.label, state.word, took)
    print_grid(lines)
    found = Counter(state.word for state in states)
    words = ", ".join(f"{found[word]} {word}" for word in ("finished", "running", "stopped", "failed", "missing"))
    click.echo(f"\n{words}.")
    if open_ := sum(state.word != "finished" and state.planned.budget_seconds != 0 for state in states):
        click.echo(_left(*time_left(states, jobs), open_))


def _left(seconds: float, unknown: Sequence[Planned], runs: int) -> str:
    """Return the time that is left for so many runs that train, as a sentence; for which it is not known is said."""
    if not unknown:
        return f"Time left: about {in_words(seconds)}."
    known = runs - len(unknown)
    text = f"Time left: about {in_words(seconds)} for {known} of {runs} runs" if known else "Time left: not known"
    others = f", nor like {counted(len(unknown) - 1, 'other')}" if len(unknown) > 1 else ""
    return f"{text}; no run like {unknown[0].label} has finished here{others}."
