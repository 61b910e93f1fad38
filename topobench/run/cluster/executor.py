"""Executing runs on a Dask cluster: each worker gets as many at a time as it has room for, and no more are sent."""

from __future__ import annotations

import pickle
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from topobench.errors import RunError, in_words
from topobench.files import digest
from topobench.run.claims import Claim
from topobench.run.cluster import remote
from topobench.run.cluster.connection import is_there
from topobench.run.cluster.free import Free
from topobench.run.cluster.outfit import Outfit
from topobench.run.cluster.pieces import bring
from topobench.run.cluster.roster import Roster
from topobench.run.cluster.staging import Datasets
from topobench.run.cluster.tasks import TOPIC, About, Outcome
from topobench.run.matrix import Run
from topobench.run.orders import Message
from topobench.run.pool import TICK, Pool
from topobench.run.progress import Progress
from topobench.run.settings import Settings
from topobench.run.store import Place, Store
from topobench.run.watcher import Overseer, Watcher
from topobench.scores import run_id_of, write_record
from topobench.types import RunRecord

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["execute_on_cluster"]

DEATHS = 3  # workers that may be lost at a run, without a step more, before it counts as failed
AGAIN = 5.0  # seconds after which workers are asked again to stop
PATIENCE = 5.0  # seconds to wait for a worker that can be used, where there are some and none can


def execute_on_cluster(
    runs: Sequence[Run], store: Path, watcher: Overseer, stopping: Callable[[], bool], settings: Settings,
    client: Client, stage: bool = False, jobs: int | None = None,
) -> list[RunRecord]:  # fmt: skip
    """Execute runs on the workers of a cluster, and return their records in the order of `runs`.

    As `execute_in_processes`, with the same records. A run whose worker is gone goes to another, from its checkpoint
    where the store is one that both see. With `stage`, data sets are sent to workers that have them not; at most `jobs`
    runs are at work at a time. RunError where the scheduler is gone, and where no worker can be used.
    """
    pool = _OnCluster(runs, store.absolute(), watcher, settings, client, stage, jobs)
    try:
        with pool.roster:
            return pool.work(stopping)
    finally:
        pool.end()


@dataclass
class _Sent:
    """A run that a worker is at."""

    ticket: str
    about: About
    claim: Claim | None
    future: Future | None = None
    begun: bool = False


class _OnCluster(Pool):
    """The workers of a cluster, and the runs that wait for them."""

    def __init__(
        self, runs: Sequence[Run], store: Path, watcher: Overseer, settings: Settings, client: Client, stage: bool,
        jobs: int | None,
    ) -> None:  # fmt: skip
        super().__init__(runs, store, watcher, settings)
        self.overseer, self.client, self.jobs = watcher, client, jobs or len(runs)
        self.session = secrets.token_hex(8)
        self.sent: dict[int, _Sent] = {}
        self.deaths: Counter[int] = Counter()
        self._reached: Counter[int] = Counter()  # the step that each run was last told to be at
        self._reached_before: Counter[int] = Counter()  # and was at when its last worker was lost
        waiting = [runs[index] for index in self.waiting]
        self._places: dict[int, Place] = {}
        self._unfit: dict[tuple[str, str], str] = {}  # which worker cannot execute which method, and why
        self._noted: set[int] = set()
        self._asked_to_stop = 0.0
        self._trained = {index for index in self.waiting if self._place(index).finished()}  # to be scored by more
        self._free = Free()
        self._progress: dict[int, Progress] = {}
        self._useless_since: float | None = None
        self._alone = False
        self._news: SimpleQueue[tuple[str, str, Any]] = SimpleQueue()  # ticket, what, more
        self._collecting = ThreadPoolExecutor(2, "collecting")
        self._datasets = Datasets(waiting, self.packing)
        self._outfit = Outfit(self.session, waiting, self._datasets)
        self.roster = Roster(client, Store(store), self._datasets, self._outfit.cuda, stage, self._say)
        client.subscribe_topic(TOPIC, self._hear)

    def busy(self) -> bool:
        """Whether a worker is at a run."""
        return bool(self.sent)

    def give(self) -> None:
        """Send runs to workers, those first that have most room, until none has any for a run that waits."""
        rooms = self._rooms()
        while self.waiting and rooms and len(self.sent) < self.jobs:
            address = max(rooms, key=lambda address: rooms[address][1])
            about, room = rooms[address]
            if room > 0 and (index := self._next(about)) is not None:
                self._send(index, about)
                rooms[address] = about, room - 1
            else:
                del rooms[address]

    def told(self) -> Iterator[Message]:
        """Yield what workers tell."""
        for ticket, what, more in self._heard():
            index = next((index for index, sent in self.sent.items() if sent.ticket == ticket), None)
            if what == "said":
                self.overseer.said(more)
            elif index is None:
                continue  # of an attempt that was given up
            elif what == "outcome":
                yield from self._outcome(index, more)
            elif what == "error":
                yield what, index, (more,)
            elif what == "lost":
                self._check_scheduler()
                self._failed_there(index, more)
            else:
                self.sent[index].begun = True
                told = pickle.loads(more)
                if what == "stepped":
                    self._reached[index] = told[0].number
                yield what, index, told
        self._look_after()

    def stop(self) -> None:
        """Ask the workers to stop the runs of this session; those that were not begun yet are taken back."""
        for index, sent in list(self.sent.items()):
            if not sent.begun and sent.future:
                self.client.cancel([sent.future])
                self.left(index)
        self._ask_to_stop()

    def left(self, index: int) -> None:
        """Give the claim of a run back."""
        sent = self.sent.pop(index, None)
        if sent and sent.claim:
            sent.claim.give_back()
        if progress := self._progress.pop(index, None):
            progress.place.progress.unlink(missing_ok=True)

    def watcher_of(self, index: int) -> Watcher:
        """Return who is told of a run: where its worker does not see the store, it is written here how far it is."""
        return self._progress.get(index, self.watcher)

    def end(self) -> None:
        """Take back what was sent; who is still at it stops when it is told so."""
        futures = [sent.future for sent in self.sent.values() if sent.future]
        for index in list(self.sent):
            self.left(index)
        self._free.give_all_back()
        if is_there(self.client):
            with suppress(Exception):  # whatever: the scheduler takes them back when this client is gone, too
                self.client.cancel(futures)
                self.client.unsubscribe_topic(TOPIC)
                self._collecting.submit(self.client.run, remote.dismiss, on_error="ignore").result(3)
        self._collecting.shutdown(wait=False, cancel_futures=True)

    def _place(self, index: int) -> Place:
        if index not in self._places:
            self._places[index] = Store(self.store).place(self.runs[index].identity())
        return self._places[index]

    def _ask_to_stop(self) -> None:
        self._asked_to_stop = time.monotonic()
        asking = partial(self.client.run, remote.stop, self.session, on_error="ignore")
        threading.Thread(target=asking, daemon=True).start()  # a worker that hangs holds up nobody else

    def _say(self, sentence: str) -> None:
        self._news.put(("", "said", sentence))

    def _rooms(self) -> dict[str, tuple[About, int]]:
        """Return the workers, and for how many more runs each has room."""
        taken = Counter(sent.about.address for sent in self.sent.values())
        return {
            address: (about, self._outfit.room(about) - taken[address])
            for address, about in self.roster.workers.items()
        }

    def _next(self, about: About) -> int | None:
        """Return the first run that waits, that a worker can take and that nobody else is at; it waits no more."""
        for index in tuple(self.waiting):
            if not self._can_take(about, index):
                continue
            if not self._free.ask(index, self._place(index), about.shares):
                if index not in self._noted:
                    self._noted.add(index)
                    self.watcher.noted(self.runs[index], "another process is at this run; waiting for its record")
                continue
            self.waiting.remove(index)
            if not self.found(index):
                return index
            self._free.give_back(index)
        return None

    def _can_take(self, about: About, index: int) -> bool:
        """Whether a worker has what a run wants; the maps of one that is trained are in the store."""
        run = self.runs[index]
        fit = (about.address, run.name) not in self._unfit
        return fit and about.has(self._datasets.key(run)) and (about.shares or index not in self._trained)

    def _send(self, index: int, about: About) -> None:
        run, ticket = self.runs[index], secrets.token_hex(8)
        task = self._outfit.task(ticket, run, self.order(index), about)
        self.sent[index] = sent = _Sent(ticket, about, self._free.claim_of(index))
        if not about.shares:
            self._progress[index] = Progress(self._place(index), self.watcher)
            self._progress[index].begin()
        sent.future = self.client.submit(
            remote.attend, task, key=f"topobench-{ticket}", workers=[about.address], allow_other_workers=False,
            resources={"GPU": 1} if task.cuda else None, retries=0, pure=False,
        )  # fmt: skip
        sent.future.add_done_callback(lambda future: self._collecting.submit(self._collect, ticket, about, future))
        self.overseer.sent(run, about.where)

    def _hear(self, event: tuple[float, Sequence[Any]]) -> None:
        """Take an event (Dask calls it in a thread of its own)."""
        ticket, what, more = event[1]
        self._news.put((ticket, what, more))

    def _heard(self) -> Iterator[tuple[str, str, Any]]:
        """Yield what came, or nothing after `TICK` seconds."""
        with suppress(Empty):
            yield self._news.get(timeout=TICK)
            while True:
                yield self._news.get_nowait()

    def _collect(self, ticket: str, about: About, future: Future) -> None:
        """Fetch how an attempt ended, and what it left on a worker that does not see the store (in a thread)."""
        try:
            outcome: Outcome = future.result(timeout=60)
            if outcome.record and digest(asdict(outcome.record)) != outcome.sha256:
                raise RunError("its record came as another than was sent")
            if not about.shares:
                bring(self.client, about.address, outcome, self.store)
            self._news.put((ticket, "outcome", outcome))
        except BaseException as error:  # whatever Dask raises where a worker dies, or the disk of this machine
            of_ours = isinstance(error, OSError) and str(error.filename or "").startswith(str(self.store))
            self._news.put((ticket, "error", error) if of_ours else (ticket, "lost", in_words(error)))

    def _outcome(self, index: int, outcome: Outcome) -> Iterator[Message]:
        """Yield how an attempt ended; the record of a run that left none in the store is written there."""
        sent, record = self.sent[index], outcome.record
        about, what, more = sent.about, outcome.what, outcome.more
        if what == "error" and not about.shares:
            what, more = "broken", (f"its own folder cannot be used ({in_words(more[0])})",)
        if record:
            if record.run_id != run_id_of(self.runs[index].identity()):
                raise RunError(f"worker {about.where} sent the record of another run, {record.run_id[:12]}.")
            if about.shares or self._written(index, sent, record, outcome):
                yield "run_ended", index, (record, outcome.found)
        if what == "unfit":
            self._unfit[about.address, self.runs[index].name] = more[0]
            self.overseer.said(f"worker {about.where}: {more[0]}; it gets no runs of {self.runs[index].name}.")
        elif what == "broken":
            self.roster.refuse(about, *more)
        elif what == "stopped" and not self.ending:
            self.roster.refuse(about, "it is about to end")
        again = what in ("unfit", "broken") or (what == "done" and index not in self.records)  # another has it by now
        yield "stopped" if again else what, index, more

    def _written(self, index: int, sent: _Sent, record: RunRecord, outcome: Outcome) -> bool:
        """Write a record that came over the wire, unless another has taken the run over meanwhile."""
        if sent.claim:
            sent.claim.look()
        if sent.claim and sent.claim.lost:
            return False
        if record.predictions and not any(part.path.startswith("predictions") for part in outcome.parts):
            self.watcher.noted(self.runs[index], f"its maps are no more on worker {sent.about.where}")
            record = replace(record, predictions={})
        place = self._place(index)
        if record.finished or place.finished() is None:
            write_record(record, place.record.parent)
        return True

    def _failed_there(self, index: int, why: str) -> None:
        """Let a run go elsewhere whose worker could not even say how it ended; that gets no more, if it is there."""
        about = self.sent[index].about
        if about.address in (self.roster.there or ()):
            self.roster.refuse(about, f"it could not execute a run ({why})")
        self._lost(index, why)

    def _lost(self, index: int, why: str) -> None:
        """Let a run whose worker is lost wait for another; after the third without a step more it counts as failed."""
        sent = self.sent[index]
        self.left(index)
        if self._reached[index] > self._reached_before[index]:  # as where jobs end while a long training goes on
            self.deaths[index] = 0
        self._reached_before[index] = self._reached[index]
        self.deaths[index] += 1
        if sent.future:
            self.client.cancel([sent.future])
        if self.deaths[index] >= DEATHS:
            last = f"the last of them {sent.about.where}"
            self.died(index, f"{DEATHS} workers were lost while they were at it, {last} ({why}).")
        else:
            self.watcher.noted(self.runs[index], f"worker {sent.about.where} is lost ({why}); another takes the run")
            self.waiting.appendleft(index)

    def _check_scheduler(self) -> None:
        if not is_there(self.client):
            raise RunError(
                f"the Dask scheduler is gone, or the connection to it, and with that the runs that its workers were "
                f"at. All that was done is kept in {self.store} and, where workers do not see that, with them. See "
                "that there is a scheduler with workers, and the same command goes on from there."
            )

    def _look_after(self) -> None:
        """Find out which workers are gone, and whether there is any that can be used."""
        self._check_scheduler()
        if self.ending and time.monotonic() > self._asked_to_stop + AGAIN:
            self._ask_to_stop()
        if (there := self.roster.there) is None:
            return
        for index, sent in list(self.sent.items()):
            if sent.about.address not in there:
                self._lost(index, "its process or its machine ended, or the network")
        if not there and not self._alone and self.waiting:
            self.overseer.said("no worker is there; waiting for one (start some, e.g. `dask worker SCHEDULER`).")
        self._alone = not there
        self._find_useless()

    def _find_useless(self) -> None:
        """Raise RunError where there are workers, and for a while none of them could take any run that waits."""
        abouts = list(self.roster.workers.values())
        useless = (
            (abouts or self.roster.refused) and not self.roster.asking
            and self.waiting and not self.sent and not self.ending
            and not any(self._can_take(about, index) for about in abouts for index in self.waiting)
        )  # fmt: skip
        if not useless:
            self._useless_since = None
            return
        self._useless_since = self._useless_since or time.monotonic()
        if time.monotonic() > self._useless_since + PATIENCE:
            raise RunError(self._why_useless(abouts))

    def _why_useless(self, abouts: Sequence[About]) -> str:
        run = self.runs[self.waiting[0]]
        reasons = [*self.roster.refused.values()]
        for about in abouts:
            if why := self._unfit.get((about.address, run.name), ""):
                reasons.append(f"worker {about.where}: {why}")
            elif why := about.lacking.get(self._datasets.key(run), ""):
                reasons.append(f"worker {about.where}: it has not the data set {run.dataset.card.name!r}: {why}")
            else:
                reasons.append(
                    f"worker {about.where}: the run is trained and only to be scored by more protocols, and the worker "
                    "does not see its maps; `topobench rescore` does it, or this command without --scheduler"
                )
        listed = "; ".join([*reasons[:10], *([f"and {len(reasons) - 10} more"] if len(reasons) > 10 else [])])
        return f"{len(self.waiting)} runs wait, such as {run.label}, and no worker takes them: {listed}."
