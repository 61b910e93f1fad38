"""The workers of a cluster: who is there, what each has, and who cannot be used, and why."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import topobench
from topobench.environment import environment
from topobench.errors import in_words
from topobench.files import write_atomic
from topobench.run.cluster import remote
from topobench.run.cluster.staging import Datasets
from topobench.run.cluster.tasks import About, Question
from topobench.run.store import Store

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Roster"]

EVERY = 0.5  # seconds between two looks at who is there
SLOW = 20.0  # seconds after which it is said that a worker has not answered


class Roster:
    """Looks, in a thread, who is there, and asks everybody who has come, in one thread each, what he has."""

    def __init__(
        self, client: Client, store: Store, datasets: Datasets, cuda: bool, stage: bool, said: Callable[[str], None]
    ) -> None:
        self._there: set[str] | None = None
        self._workers: dict[str, About] = {}
        self._refused: dict[str, str] = {}
        self._asking: dict[str, float] = {}  # since when
        self._lock = threading.Lock()
        self._client, self._datasets, self._cuda, self._stage, self._said = client, datasets, cuda, stage, said
        self._probe, token = store.folder / "progress" / f".{secrets.token_hex(8)}.probe", secrets.token_hex(16)
        write_atomic(self._probe, token.encode())
        self._question = Question(self._probe, token, os.environ.get("TOPOBENCH_WEIGHTS", ""), datasets.packed)
        self._over = threading.Event()

    def __enter__(self) -> Roster:
        """Begin to look."""
        threading.Thread(target=self._look_on, name="roster", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look no more."""
        self._over.set()
        self._probe.unlink(missing_ok=True)

    @property
    def there(self) -> set[str] | None:
        """The addresses of all that are there; None as long as nobody has looked."""
        return self._there

    @property
    def workers(self) -> dict[str, About]:
        """Those that are there and can be used, by address."""
        with self._lock:
            return dict(self._workers)

    @property
    def refused(self) -> dict[str, str]:
        """Those that are there and cannot, by address: why."""
        with self._lock:
            return dict(self._refused)

    @property
    def asking(self) -> bool:
        """Whether somebody who is there has not answered yet."""
        return bool(self._asking)

    def refuse(self, about: About, why: str) -> None:
        """Use a worker no more."""
        self._turn_away(about.address, about.where, why)

    def _look_on(self) -> None:
        while not self._over.is_set():
            with suppress(Exception):  # the scheduler is gone, which others say
                self._look(set(self._client.nthreads()))
            self._over.wait(EVERY)

    def _look(self, there: set[str]) -> None:
        with self._lock:
            for known in (self._workers, self._refused):
                for address in known.keys() - there:
                    del known[address]
            new = there - self._workers.keys() - self._refused.keys() - self._asking.keys()
            self._asking |= dict.fromkeys(new, time.monotonic())
            slow = [address for address, since in self._asking.items() if time.monotonic() > since + SLOW]
            self._asking |= dict.fromkeys(slow, float("inf"))
        self._there = there
        for address in new:
            threading.Thread(target=self._ask, args=[address], name=f"asking {address}", daemon=True).start()
        for address in slow:
            self._said(f"worker {address} has not answered for {SLOW:.0f} s what it has; it is waited for.")

    def _ask(self, address: str) -> None:
        """Use a worker, or say why not; one that is gone again is neither."""
        try:
            answers = self._client.run(remote.describe, self._question, workers=[address], on_error="return")
            self._admit(address, answers[address])
        except Exception as error:  # whatever Dask raises where a worker dies, or staging
            if address in (self._there or ()):
                self._turn_away(address, address, in_words(error))
        finally:
            with self._lock:
                del self._asking[address]

    def _admit(self, address: str, answer: About | Exception) -> None:
        if not isinstance(answer, About):
            if address in set(self._client.nthreads()):
                self._turn_away(address, address, self._strange(address, answer))
        elif why := _why_not(answer, self._cuda):
            self._turn_away(address, answer.where, why)
        else:
            about = self._with_data(answer)
            if answer.torch != (ours := version("torch")):
                self._said(f"worker {answer.where} has torch {answer.torch}, not {ours}: last digits may differ.")
            with self._lock:
                self._workers[address] = about

    def _turn_away(self, address: str, where: str, why: str) -> None:
        with self._lock:
            self._workers.pop(address, None)
            self._refused[address] = f"worker {where}: {why}"
        self._said(f"worker {where}: {why}. It gets no runs.")

    def _with_data(self, about: About) -> About:
        """Say which data sets a worker lacks; send them, if that is wanted."""
        for key, why in about.lacking.items():
            name = self._datasets.named[key]
            then = "it is sent" if self._stage else "it gets no runs of that; --stage sends it"
            self._said(f"worker {about.where} has not the data set {name!r}: {why}; {then}.")
            if self._stage:
                self._datasets.send(self._client, about.address, key)
                about = replace(about, staged=about.staged | {key})
        return about

    def _strange(self, address: str, error: Exception) -> str:
        """Return why a worker that could not answer cannot be used: most likely its topobench is an older one."""
        found: Mapping[str, Any] = self._client.run(version, "topobench", workers=[address], on_error="return")
        theirs = found.get(address)
        about = f"topobench {theirs}" if isinstance(theirs, str) else "no topobench"
        return f"it has {about}, and this is {topobench.__version__}: install the same there ({in_words(error)})"


def _why_not(about: About, cuda: bool) -> str:
    ours, commit = topobench.__version__, environment()["commit"]
    if about.version != ours:
        return f"it has topobench {about.version}, and this is {ours}; install the same there"
    if about.commit and commit and about.commit != commit:
        return f"its topobench is of the commit {about.commit}, and this is of {commit}; take the same there"
    if not about.torch:
        return "it has no torch; install topobench there with what it wants"
    if cuda and about.gpus < 1:
        return "it declares no GPU; start it with --resources GPU=1 (or as many as it has)"
    return ""
