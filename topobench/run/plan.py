"""What a command set out to run, and how far each run has come: read from the store alone, also while runs go on.

Loads no torch, so that `topobench status` answers at once.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from topobench.errors import RecordError, RunError
from topobench.files import digest, write_atomic
from topobench.run.progress import read_progress
from topobench.run.store import Place, Store
from topobench.scores import run_name
from topobench.types import RunRecord

if TYPE_CHECKING:
    from topobench.run.matrix import Run

__all__ = ["Plan", "Planned", "State", "read_plan", "states_of", "time_left", "write_plan"]

STALE = 600.0  # seconds after which a run that says nothing is taken for ended


@dataclass(frozen=True)
class Planned:
    """One run that a command set out to execute.

    Attributes
    ----------
    name : str
        Of its files (`run_name`).
    label : str
    like : tuple of str
        Shared by runs that should take about as long, the nearest first: those of one recipe and data set, of one data
        set, and of any; with one budget on one kind of device.
    budget_seconds : float or None
        Of training, where its budget is wall-clock time; 0 where nothing is trained, which takes no time to speak of.
    protocols : dict
        By which it is scored, with every choice that their figures depend on.
    """

    name: str
    label: str
    like: tuple[str, ...]
    budget_seconds: float | None
    protocols: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run) -> Planned:
        """Return a run as it is planned."""
        identity = run.identity()
        shared = ["kind", "budget", "device", "precision", "threads"]
        groups = [[*shared, "card", "data_hash", "recipe"], [*shared, "card", "data_hash"], shared]
        like = tuple(digest([identity[key] for key in keys]) for keys in groups)
        return cls(run_name(identity), run.label, like, run.budget.seconds if run.budget else 0.0, run.choices())


@dataclass(frozen=True)
class Plan:
    """The runs of a command, in order, and how many go on at a time."""

    suite: str
    jobs: int
    runs: tuple[Planned, ...]


@dataclass(frozen=True)
class State:
    """How far a run has come.

    `word` is ``finished``, ``failed``, ``running``, ``stopped`` (it will go on from its checkpoint) or ``missing``;
    `detail` what is to be said besides; `part`, in [0, 1], how much of its training is done; `seconds` what a finished
    one took, and what one that goes on will take in all if it goes on as it began.
    """

    planned: Planned
    word: str
    detail: str = ""
    part: float = 0.0
    seconds: float | None = None


_ADAPTER = TypeAdapter(Plan)


def write_plan(store: Store, plan: Plan) -> None:
    """Keep a plan in the store, in place of the one before."""
    write_atomic(store.plan, json.dumps(asdict(plan), indent=1).encode() + b"\n")


def read_plan(store: Store) -> Plan:
    """Return the last plan of a store; RunError where there is none, or it cannot be read."""
    try:
        return _ADAPTER.validate_json(store.plan.read_bytes())
    except FileNotFoundError:
        raise RunError(
            f"{store.folder} holds no runs; `topobench run -o {store.folder}` makes some, or name another folder (-o)."
        ) from None
    except ValidationError as error:
        raise RunError(f"{store.plan} is torn or not a plan; the next `topobench run` writes it anew.") from error


def states_of(runs: Iterable[Planned], store: Store) -> list[State]:
    """Return how far each of these runs has come."""
    return [_state(planned, store.named(planned.name)) for planned in runs]


def time_left(states: Sequence[State], jobs: int) -> tuple[float, list[Planned]]:
    """Return the seconds that what is not finished will take, and the runs for which there is nothing to go by.

    A run takes as long as finished ones like it took on average, those of the same recipe and data set if there are
    any; without any, one that goes on takes as long as its first part says, and one with a budget of seconds takes
    these. Failed runs count: the next command repeats them.
    """
    took: dict[str, list[float]] = {}
    for state in states:
        for like in state.planned.like if state.word == "finished" and state.seconds is not None else ():
            took.setdefault(like, []).append(state.seconds or 0.0)
    known = [(state, _expected(state, took)) for state in states if state.word != "finished"]
    seconds = [(1 - state.part) * whole for state, whole in known if whole is not None]
    left = max(sum(seconds) / jobs, max(seconds, default=0.0))
    return left, [state.planned for state, whole in known if whole is None]


def _expected(state: State, took: dict[str, list[float]]) -> float | None:
    """Return the seconds that a whole run takes, as far as there is something to go by."""
    for like in state.planned.like:
        if like in took:
            return sum(took[like]) / len(took[like])
    return state.seconds or state.planned.budget_seconds


def _state(planned: Planned, place: Place) -> State:
    progress = read_progress(place)
    if progress and _goes_on(progress):
        return State(planned, "running", _doing(progress), _part(progress), _pace(progress))
    try:
        record = place.kept()
    except RecordError:
        return State(planned, "missing", "its record is torn or edited, and is made anew")
    if record:
        return _recorded(planned, record)
    if place.checkpoints.is_dir() and any(place.checkpoints.glob("step-*.pt")):
        part = _part(progress or {})
        return State(planned, "stopped", f"at {part:.0%}, goes on from its checkpoint", part)
    return State(planned, "missing")


def _recorded(planned: Planned, record: RunRecord) -> State:
    if not record.finished:
        return State(planned, "failed", record.status.removeprefix("failed: "))
    if missing := [name for name, choices in planned.protocols.items() if record.protocols.get(name) != choices]:
        return State(planned, "stopped", f"trained, to be scored by {', '.join(missing)}", 1.0)
    seconds = sum(record.cost.get(name, 0.0) for name in ("train_seconds", "validation_seconds", "score_seconds"))
    return State(planned, "finished", "", 1.0, seconds)


def _goes_on(progress: dict[str, Any]) -> bool:
    """Whether the process that wrote this still goes on: here the system is asked, elsewhere it must have spoken."""
    if time.time() - progress.get("updated", 0) > STALE:  # a number of a process may be another's by now
        return False
    if progress.get("host") != platform.node():
        return True
    try:
        os.kill(int(progress["pid"]), 0)
    except ProcessLookupError:
        return False
    except (KeyError, TypeError, ValueError, OverflowError, PermissionError):
        return True
    return True


def _part(progress: dict[str, Any]) -> float:
    part = progress.get("part", 0.0)
    return min(max(float(part), 0.0), 1.0) if isinstance(part, int | float) else 0.0


def _pace(progress: dict[str, Any]) -> float | None:
    """Return the seconds that all of a run takes by what it did since its process began."""
    done = _part(progress) - progress.get("began", 0.0)
    return (progress["updated"] - progress["started"]) / done if done > 0.01 else None


def _doing(progress: dict[str, Any]) -> str:
    """Return in words what a run is at."""
    ago = f"{max(0.0, time.time() - progress.get('updated', time.time())):.0f} s ago"
    if progress.get("doing") == "starting":
        return "starting: data are read, kernels compiled"
    if progress.get("doing") == "scoring":
        return f"scored {progress.get('images')} of {progress.get('of')} images, {ago}"
    losses = ", ".join(f"{name} {value:.3f}" for name, value in progress.get("losses", {}).items())
    return f"at {_part(progress):.0%}, step {progress.get('step')}, {ago}: {losses}"
