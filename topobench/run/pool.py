"""What executors of several runs at a time have in common: the runs that wait, what is told of others, how all ends."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from topobench.run.execute import Stopped, find, record_failure
from topobench.run.matrix import Run
from topobench.run.orders import ENDS, Message, Order
from topobench.run.packing import Packing
from topobench.run.settings import Settings
from topobench.run.watcher import Watcher
from topobench.types import RunRecord

__all__ = ["TICK", "Pool"]

TICK = 0.1  # seconds at most until a signal is heeded


class Pool(ABC):
    """Runs that go to whoever has nothing to do, until all have a record.

    Attributes
    ----------
    records : dict
        Of the runs that have ended, by their number.
    waiting : deque of int
        The numbers of those that are still to be begun.
    ending : bool
        Whether no run is begun any more.
    """

    def __init__(self, runs: Sequence[Run], store: Path, watcher: Watcher, settings: Settings) -> None:
        self.runs, self.store, self.watcher, self.settings = runs, store, watcher, settings
        self.records: dict[int, RunRecord] = {}
        self.error: BaseException | None = None
        self.ending = False
        self.waiting = deque(self._not_found())
        self.packing = Packing(runs[index] for index in self.waiting)

    def work(self, stopping: Callable[[], bool]) -> list[RunRecord]:
        """Return the records of all runs; raises `Stopped`, or what the store raised, once nobody is at a run."""
        while self.busy() or (self.waiting and not self.ending):
            if stopping():
                self._stop()
            if not self.ending:
                self.give()
            for what, index, more in self.told():
                self._heed(what, index, more)
        if self.error:
            raise self.error
        if len(self.records) < len(self.runs):
            raise Stopped
        return [self.records[index] for index in range(len(self.runs))]

    @abstractmethod
    def busy(self) -> bool:
        """Whether somebody is at a run."""

    @abstractmethod
    def give(self) -> None:
        """Give a run that waits to everybody who has nothing to do."""

    @abstractmethod
    def told(self) -> Iterator[Message]:
        """Yield what is told of runs, as soon as it is, or nothing after `TICK` seconds."""

    @abstractmethod
    def stop(self) -> None:
        """Ask those who are at a run to stop."""

    @abstractmethod
    def left(self, index: int) -> None:
        """Note that nobody is at a run any more."""

    def watcher_of(self, index: int) -> Watcher:
        """Return who is told of a run."""
        return self.watcher

    def died(self, index: int, how: str) -> None:
        """Record that a run failed because its process is gone, unless it had said itself how it ended."""
        if index not in self.records:
            run = self.runs[index]
            record = find(run, self.store) or record_failure(run, self.store, how, self.settings)
            self.ended(index, record, False)

    def ended(self, index: int, record: RunRecord, found: bool) -> None:
        """Note how a run ended."""
        self.records[index] = record
        self.watcher.run_ended(self.runs[index], record, found)

    def found(self, index: int) -> bool:
        """Note it where a run was finished by somebody else."""
        record = find(self.runs[index], self.store)
        if record:
            self.watcher.run_started(self.runs[index])
            self.ended(index, record, True)
        return record is not None

    def order(self, index: int) -> Order:
        """Return a run as it is handed over."""
        return Order(index, self.packing.pack(self.runs[index]), self.store, self.settings)

    def _not_found(self) -> Iterator[int]:
        """Yield the runs that are to be executed; those that were finished before need nobody."""
        yield from (index for index in range(len(self.runs)) if not self.found(index))

    def _stop(self) -> None:
        """Begin no run any more, and let those that go on stop."""
        if not self.ending:
            self.ending = True
            self.stop()

    def _heed(self, what: str, index: int, more: tuple[Any, ...]) -> None:
        """Do what a message asks for."""
        if what in ENDS:
            self.left(index)
        if what == "died":
            self.died(index, *more)
        elif what == "error":
            self.error = self.error or more[0]
            self._stop()
        elif what == "stopped" and not self.ending:  # not by our wish: it goes on from its checkpoint
            self.waiting.appendleft(index)
        elif what == "run_ended":
            self.ended(index, *more)
        elif what == "printed":
            print(more[1], file=getattr(sys, more[0]))
        elif what not in ENDS:
            getattr(self.watcher_of(index), what)(self.runs[index], *more)
