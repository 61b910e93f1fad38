"""What client and workers hand each other. Loads neither torch nor Dask."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from topobench.run.orders import Order
from topobench.types import RunRecord

__all__ = ["TOPIC", "About", "Outcome", "Part", "Question", "Task"]

TOPIC = "topobench"  # of the events by which workers tell how runs go on


@dataclass(frozen=True)
class Question:
    """What a client asks of a worker that has come: whether it sees the store, the weights and which data sets."""

    probe: Path
    token: str
    weights: str
    datasets: dict[str, bytes]


@dataclass(frozen=True)
class About:
    """What a worker says of itself.

    Attributes
    ----------
    address, name, host : str
    version, commit : str
        Of topobench.
    torch : str
        Version of torch.
    threads, gpus : int
        What it was started with: ``--nthreads``, ``--resources GPU=...``.
    shares : bool
        Whether it sees the client's store under the same path.
    weights : bool
        Whether it sees the client's file of pretrained weights.
    lacking : dict
        The data sets that it has not, or not as the client has, by their key: why.
    staged : frozenset of str
        Those of them that were sent to it.
    """

    address: str
    name: str
    host: str
    version: str
    commit: str
    torch: str
    threads: int
    gpus: int
    shares: bool
    weights: bool
    lacking: dict[str, str] = field(default_factory=dict)
    staged: frozenset[str] = frozenset()

    def has(self, key: str) -> bool:
        """Whether it has a data set."""
        return key not in self.lacking or key in self.staged

    def room(self, cuda: bool, threads: int) -> int:
        """Return how many runs of so many threads it takes at a time; on cuda, one a GPU."""
        return max(1, min(self.gpus, self.threads) if cuda else self.threads // threads)

    @property
    def where(self) -> str:
        """Which worker it is, for people."""
        named = self.name if self.name != self.address else f"port {self.address.rpartition(':')[2]}"
        return f"{self.host}, {named}"


@dataclass(frozen=True)
class Task:
    """A run that a worker is to have executed.

    Attributes
    ----------
    ticket, session : str
        Of this attempt; of the client.
    name : str
        Of the run's files.
    order : Order
        Its store is the client's.
    shares : bool
        Whether the worker sees that; else it keeps the run's files in a folder of its own, and tells what they are.
    cuda : bool
        Whether the run takes a GPU.
    environment : dict
        Of the process that executes the run, besides the worker's.
    """

    ticket: str
    session: str
    name: str
    order: Order
    shares: bool
    cuda: bool
    environment: dict[str, str]


@dataclass(frozen=True)
class Part:
    """A file that a run has left on a worker: where below its store, how long, and its sha256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: one of `orders.ENDS`, with what belongs to it.

    Attributes
    ----------
    what : str
    more : tuple
    record : RunRecord or None
    sha256 : str
        Of the record (`files.digest`), before it was sent.
    found : bool
        Whether the run had been finished before.
    parts : tuple of Part
        What it left on a worker that does not see the client's store.
    store : Path
        Where they are there.
    """

    what: str
    more: tuple[Any, ...] = ()
    record: RunRecord | None = None
    sha256: str = ""
    found: bool = False
    parts: tuple[Part, ...] = ()
    store: Path = Path()
