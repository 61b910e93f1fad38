"""Processes that execute runs: each takes one run after the other, for to load torch takes seconds.

They are spawned, never forked. A pipe leads to each; by it the parent names runs and asks to stop, and is told all that
a watcher is told. Nothing else is shared, no lock and no semaphore, so that one that is killed at any moment holds up
no other; and the end of the pipe tells either side that the other is gone, however it went.
"""

from __future__ import annotations

import io
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from topobench.errors import RunError, in_words
from topobench.run.execute import Stopped, execute
from topobench.run.matrix import Run
from topobench.run.settings import Settings
from topobench.run.watcher import Step
from topobench.types import RunRecord

__all__ = ["Worker", "packed"]

Message = tuple[str, int, tuple[Any, ...]]  # what happened, to the run of which index, and more of it
STOP = "stop"
SIGNALS = (signal.SIGINT, signal.SIGTERM)  # Ctrl-C reaches a whole group of processes; the parent alone decides


def packed(runs: Sequence[Run]) -> bytes:
    """Return runs as bytes for workers, with the hashes of their data; RunError where one cannot be handed over."""
    for run in runs:
        run.identity()  # so that each worker need not read all files again to hash them
    try:
        return pickle.dumps(list(runs))
    except Exception as error:  # whatever the adapter of a plugin raises
        raise RunError(
            f"these runs cannot be handed to other processes ({in_words(error)}); an adapter that holds "
            "open files must leave them out (__getstate__). Run one at a time: leave out --jobs."
        ) from error


class Worker:
    """A process that executes runs, as the parent sees it.

    Parameters
    ----------
    runs : bytes
        As `packed`; a run is named by its index.
    store, settings
        As of `execute`.
    environment : mapping
        What its environment has besides the parent's, from before it loads anything.

    Attributes
    ----------
    index : int or None
        The run that it is at; None where it waits for one.
    """

    def __init__(self, runs: bytes, store: Path, settings: Settings, environment: Mapping[str, str]) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, runs, store, settings), name="topobench-worker")
        self.index: int | None = None
        with _environment(environment), _signals_held():  # the process inherits both
            self.process.start()
        theirs.close()  # else its end would not be seen here

    @property
    def alive(self) -> bool:
        """Whether there is a process."""
        return self.process.is_alive()

    def give(self, index: int) -> None:
        """Let it execute a run."""
        self.index = index
        self._send(index)

    def stop(self) -> None:
        """Ask it to stop at the next safe point, with a checkpoint written."""
        self._send(STOP)

    def hear(self) -> Iterator[Message]:
        """Yield all that it has told since, and at last ``died``, if it is gone."""
        alive = self.alive  # asked first: what it told before its end is heard
        try:
            while self.connection.poll():
                yield self.connection.recv()
        except (EOFError, OSError):  # an end in the middle of a message is one, too
            alive = False
        if not alive and self.index is not None:
            self.process.join()
            yield "died", self.index, (_how_it_ended(self.process.exitcode),)

    def end(self) -> None:
        """End it at once, whatever it is at."""
        self.process.kill()
        self.process.join()
        self.connection.close()

    def _send(self, order: int | str) -> None:
        with suppress(OSError):  # it is gone, and `hear` says so
            self.connection.send(order)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold signals back in the block, and in processes that begin in it, until they ignore them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _how_it_ended(code: int | None) -> str:
    """Return as the end of ``failed: ...`` how a process ended that was to execute a run, and what to do."""
    again = "The same command goes on from its last checkpoint."
    if code is None or code >= 0:
        return f"its process ended by itself, with exit code {code}, in the middle of the run. {again}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else "unknown"
    how = f"its process was ended by signal {-code} ({name})"
    if -code == signal.SIGKILL:
        return f"{how}, as the system does where memory runs out; take fewer --jobs, or smaller crops. {again}"
    return f"{how}, a fault in compiled code, or somebody's wish. {again}"


def _serve(connection: Connection, runs: bytes, store: Path, settings: Settings) -> None:
    """Execute runs as the parent names them, in the process of a worker, until it is ended."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    parent = _Parent(connection)
    known: list[Run] = []
    while True:
        index = parent.orders.get()
        told = _Told(parent, index)
        with _printing_to(told):
            try:
                known = known or pickle.loads(runs)
                execute(known[index], store, told, parent.stopping.is_set, settings)
                outcome: tuple[Any, ...] = ("done",)
            except Stopped:
                outcome = ("stopped",)
            except BaseException as error:  # of the store: it would fail every run
                outcome = ("error", _portable(error))
        told.tell(*outcome)  # the last that the parent hears of this run


class _Parent:
    """The parent, as a worker sees it: a thread hears its orders, and ends the process where it is gone."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.sending = connection, threading.Lock()
        self.orders: SimpleQueue[int] = SimpleQueue()
        self.stopping = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, message: Message) -> None:
        """Tell it something."""
        try:
            with self.sending:
                self.connection.send(message)
        except OSError:
            os._exit(1)

    def _listen(self) -> None:
        try:
            while True:
                order = self.connection.recv()
                if order == STOP:
                    self.stopping.set()
                else:
                    self.orders.put(order)
        except (EOFError, OSError):
            os._exit(1)  # at any moment: the store takes no harm, and the next start goes on from the checkpoint


class _Told:
    """The watcher of a run in a worker: whatever it is told is told to the parent."""

    def __init__(self, parent: _Parent, index: int) -> None:
        self.parent, self.index = parent, index

    def tell(self, what: str, *more: Any) -> None:
        """Tell the parent what happened to the run."""
        self.parent.send((what, self.index, more))

    def run_started(self, run: Run) -> None:
        self.tell("run_started")

    def stepped(self, run: Run, step: Step) -> None:
        self.tell("stepped", step)

    def validated(self, run: Run, step: int, value: float) -> None:
        self.tell("validated", step, value)

    def scored(self, run: Run, images: int, of: int) -> None:
        self.tell("scored", images, of)

    def noted(self, run: Run, sentence: str) -> None:
        self.tell("noted", sentence)

    def run_ended(self, run: Run, record: RunRecord, found: bool) -> None:
        self.tell("run_ended", record, found)


class _Lines(io.TextIOBase):
    """A stream whose lines the parent prints, so that none is torn by its display of several runs."""

    def __init__(self, told: _Told, stream: str) -> None:
        self.told, self.stream, self.rest = told, stream, ""

    def write(self, text: str) -> int:
        """Tell what lines are whole."""
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            self.told.tell("printed", self.stream, line)
        return len(text)


@contextmanager
def _printing_to(told: _Told) -> Iterator[None]:
    """Let the parent print what is printed in the block."""
    streams = {name: _Lines(told, name) for name in ("stdout", "stderr")}
    for name, stream in streams.items():
        setattr(sys, name, stream)
    yield
    for stream in streams.values():
        if stream.rest:
            stream.write("\n")


def _portable(error: BaseException) -> BaseException:
    """Return an error that crosses to another process as itself, with its traceback as a note; else a RunError."""
    error.add_note("In a worker process:\n" + "".join(traceback.format_exception(error)))
    try:
        same = type(pickle.loads(pickle.dumps(error))) is type(error)
    except Exception:  # whatever its class does
        same = False
    return error if same else RunError(f"a run ended with {in_words(error)}")
