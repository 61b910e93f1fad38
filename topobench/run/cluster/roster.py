"""The workers of a cluster: who is there, what each has, and who cannot be used, and why."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Mapping
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


class Roster:
    """Looks, in a thread of its own, who is there, and asks everybody who has come what he has.

    Attributes
    ----------
    workers : dict of About, by address
        Those that are there and can be used.
    refused : dict of str, by address
        Those that are there and cannot, and why.
    """

    def __init__(
        self, client: Client, store: Store, datasets: Datasets, cuda: bool, stage: bool, said: Callable[[str], None]
    ) -> None:
        self.workers: dict[str, About] = {}
        self.refused: dict[str, str] = {}
        self._client, self._datasets, self._cuda, self._stage, self._said = client, datasets, cuda, stage, said
        self._probe, token = store.folder / "progress" / f".{secrets.token_hex(8)}.probe", secrets.token_hex(16)
        write_atomic(self._probe, token.encode())
        self._question = Question(self._probe, token, os.environ.get("TOPOBENCH_WEIGHTS", ""), datasets.packed)
        self._over = threading.Event()
        self._looking = threading.Thread(target=self._look_on, name="roster", daemon=True)

    def __enter__(self) -> Roster:
        """Look once, so that who is there is known, then go on looking."""
        self._look()
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look no more."""
        self._over.set()
        self._looking.join(1)
        self._probe.unlink(missing_ok=True)

    def refuse(self, address: str, why: str) -> None:
        """Use a worker no more."""
        if about := self.workers.pop(address, None):
            self._turn_away(address, about.where, why)

    def _look_on(self) -> None:
        while not self._over.wait(EVERY):
            try:
                self._look()
            except Exception:  # the scheduler is gone, which others say
                continue

    def _look(self) -> None:
        there = set(self._client.nthreads())
        self.workers = {address: about for address, about in self.workers.items() if address in there}
        self.refused = {address: why for address, why in self.refused.items() if address in there}
        if new := sorted(there - self.workers.keys() - self.refused.keys()):
            answers = self._client.run(remote.describe, self._question, workers=new, on_error="return")
            for address, answer in answers.items():
                self._admit(address, answer)

    def _admit(self, address: str, answer: About | Exception) -> None:
        """Use a worker, or say why not; one that is gone again is neither."""
        if isinstance(answer, OSError):
            return
        if not isinstance(answer, About):
            self._turn_away(address, address, self._strange(address, answer))
        elif why := _why_not(answer, self._cuda):
            self._turn_away(address, answer.where, why)
        else:
            self.workers[address] = self._with_data(answer)
            if answer.torch != (ours := version("torch")):
                self._said(f"worker {answer.where} has torch {answer.torch}, not {ours}: last digits may differ.")

    def _turn_away(self, address: str, where: str, why: str) -> None:
        self.refused[address] = f"worker {where}: {why}"
        self._said(f"{self.refused[address]}. It gets no runs.")

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
    if cuda and about.gpus < 1:
        return "it declares no GPU; start it with --resources GPU=1 (or as many as it has)"
    return ""
