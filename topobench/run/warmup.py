"""Warm-ups: trainings that begin alike, until a term of the loss joins in one of them, take these steps once.

A step is a function of the state before it, of seed and number alone, so what one recipe is after its warm-up is what
another is whose terms until then are the same: cross entropy alone, and cross entropy that a topological term joins.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple

from topobench.cards import LossTerm, Recipe
from topobench.files import digest
from topobench.losses.weighted import distinct
from topobench.run.checkpoint import Checkpoints
from topobench.run.claims import alone
from topobench.run.store import Place
from topobench.scores import run_id_of

__all__ = ["Taken", "WarmUp"]

Origins = dict[str, dict[str, str]]


class Taken(NamedTuple):
    """A warm-up that is kept: the steps done, the state after them, the id of the run that took them."""

    step: int
    state: dict[str, Any]
    run_id: str


@dataclass(frozen=True)
class WarmUp:
    """The steps of a run that all runs have in common with it whose loss begins as its own.

    Attributes
    ----------
    run_id : str
        Of the run.
    steps : int
        How many there are: until the first term joins that does not count from the start; all, where none does.
    joined : bool
        Whether one does.
    place : Place
    checkpoints : Checkpoints
        One for all these runs, of the most steps that any of them had in common with another.
    """

    run_id: str
    steps: int
    joined: bool
    place: Place
    checkpoints: Checkpoints

    @classmethod
    def of(
        cls, recipe: Recipe, steps: int, identity: dict[str, Any], place: Place, plugins: Origins, **more: Any
    ) -> WarmUp:
        """Return that of a run of so many steps, given its identity, place, and where its plugins come from.

        `more` decides what its steps are, too, and is no part of what a run is.
        """
        names = distinct(term.name for term in recipe.loss)
        early = [(name, term) for name, term in zip(names, recipe.loss, strict=True) if term.start == 0]
        begins = recipe.identity() | {
            "name": "",
            "loss": [(name, term.model_dump(mode="json")) for name, term in early],
        }
        shared = digest({**identity, **more, "kind": "warm-up", "recipe": begins})
        lies = Place(place.folder, f"warm-up_{shared[:12]}")
        checkpoints = Checkpoints(lies.checkpoints, shared, _without_late(plugins, recipe.loss))
        joined = len(early) < len(recipe.loss)
        return cls(run_id_of(identity), _before_others_join(recipe.loss, steps), joined, lies, checkpoints)

    def take(self) -> tuple[Taken | None, list[str]]:
        """Return the warm-up that is kept, if there is one, and why what lies there is refused."""
        with self._held():
            found, refused = self._newest()
        return (found if found and found.step <= self.steps else None), refused

    def keep(self, state: dict[str, Any]) -> None:
        """Keep the state after the warm-up for other runs, unless there is one of as many steps.

        Peaks of memory are not theirs: this run's other terms may be in them.
        """
        with self._held():
            found, _ = self._newest()
            if found is None or found.step < self.steps:
                self.checkpoints.save(self.steps, {**state, "peaks": {}, "by": self.run_id})
                self.checkpoints.prune(1)

    def _newest(self) -> tuple[Taken | None, list[str]]:
        found, refused = self.checkpoints.newest_sound()
        return (Taken(*found, found[1]["by"]) if found else None), refused

    def _held(self) -> AbstractContextManager[object]:
        """Hold the checkpoints for this process, for the moment in which they are read or written."""
        return alone(self.place, lambda: None)


def _before_others_join(terms: tuple[LossTerm, ...], steps: int) -> int:
    """Return how many of so many steps are done when the first term joins that does not count from the start."""
    start = min((term.start for term in terms if term.start > 0), default=1.0)
    return next(step for step in range(steps + 1) if step / steps >= start)


def _without_late(plugins: Origins, terms: tuple[LossTerm, ...]) -> Origins:
    """Return the plugins, but for losses of which no term counts from the start."""
    early, late = ({f"loss {term.name}" for term in terms if (term.start == 0) is first} for first in (True, False))
    return {name: about for name, about in plugins.items() if name not in late - early}
