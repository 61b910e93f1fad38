"""Who is told how runs go on, and what they are told of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from topobench.types import RunRecord

if TYPE_CHECKING:
    from topobench.run.matrix import Run

__all__ = ["Overseer", "Relay", "Step", "Watcher"]


class Step(NamedTuple):
    """A training step that is done.

    Attributes
    ----------
    number : int, from 0
    part : float in (0, 1]
        How much of the budget is spent after it.
    losses : dict
        The terms' values, unweighted, by name (`WeightedLoss`).
    learning_rate : float
    seconds : dict
        Wall time of this step by what it was spent on: ``data``, ``network``, ``loss``.
    """

    number: int
    part: float
    losses: dict[str, float]
    learning_rate: float
    seconds: dict[str, float]


class Watcher(Protocol):
    """Who is told how runs go on."""

    def run_started(self, run: Run) -> None:
        """A run begins, or goes on from its checkpoint."""

    def stepped(self, run: Run, step: Step) -> None:
        """A training step is done."""

    def validated(self, run: Run, step: int, value: float) -> None:
        """The state after so many steps was scored on the images held out; the mean of the figure that chooses."""

    def scored(self, run: Run, images: int, of: int) -> None:
        """So many images are scored."""

    def noted(self, run: Run, sentence: str) -> None:
        """Something that somebody should know, such as a checkpoint that was refused."""

    def run_ended(self, run: Run, record: RunRecord, found: bool) -> None:
        """A run has its record; `found` where it had been finished before."""


class Overseer(Watcher, Protocol):
    """A watcher that is told also of the workers of a cluster."""

    def sent(self, run: Run, where: str) -> None:
        """A run was sent to a worker, which is named with its host."""

    def said(self, sentence: str) -> None:
        """Something that concerns no single run, such as a worker that cannot be used."""


class Relay:
    """A watcher that tells another all that it is told; subclasses do something with it besides."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher

    def run_started(self, run: Run) -> None:
        """Tell it on."""
        self.watcher.run_started(run)

    def stepped(self, run: Run, step: Step) -> None:
        """Tell it on."""
        self.watcher.stepped(run, step)

    def validated(self, run: Run, step: int, value: float) -> None:
        """Tell it on."""
        self.watcher.validated(run, step, value)

    def scored(self, run: Run, images: int, of: int) -> None:
        """Tell it on."""
        self.watcher.scored(run, images, of)

    def noted(self, run: Run, sentence: str) -> None:
        """Tell it on."""
        self.watcher.noted(run, sentence)

    def run_ended(self, run: Run, record: RunRecord, found: bool) -> None:
        """Tell it on."""
        self.watcher.run_ended(run, record, found)
