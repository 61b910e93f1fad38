"""What goes on in a process that executes runs (run/workers.py)."""

from __future__ import annotations

import io
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from topobench.environment import code
from topobench.errors import RunError, in_words
from topobench.run.execute import Stopped, execute
from topobench.run.matrix import Run
from topobench.run.orders import STOP, Message, Order
from topobench.run.packing import unpacked
from topobench.run.provenance import differing, plugins_of_run
from topobench.run.watcher import Step
from topobench.run.workers import SIGNALS
from topobench.types import RunRecord

__all__ = ["serve"]


def serve(handle: int) -> None:
    """Execute runs as the parent orders, until this process is ended; `handle` is that of the pipe."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    parent = _Parent(Connection(handle))
    while True:
        order = parent.orders.get()
        told = _Told(parent, order.index)
        with _printing_to(told):
            try:
                outcome = _executed(order, told, parent.stopping.is_set)
            except Stopped:
                outcome = ("stopped",)
            except BaseException as error:  # of the store: it would fail every run
                outcome = ("error", _portable(error))
        told.tell(*outcome)  # the last that the parent hears of this run


def _executed(order: Order, told: _Told, stopping: Callable[[], bool]) -> tuple[Any, ...]:
    """Execute a run, unless it would be by other code than its client's; return what is told of it last."""
    if order.code is not None and order.code != code():
        return (
            "broken",
            f"its topobench is {code()}, and the client's {order.code}; install the same, and start it anew",
        )
    try:
        run = unpacked(order.run)
    except ImportError as error:
        return "unfit", f"it has not the code of its data set ({in_words(error)})"
    if order.plugins is not None and (other := differing(order.plugins, plugins_of_run(run))):
        return "unfit", f"it has not the same code of {', '.join(other)}"
    execute(run, order.store, told, stopping, order.settings)
    return ("done",)


class _Parent:
    """The parent, as a worker sees it: a thread hears its orders, and ends the process where it is gone."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.sending = connection, threading.Lock()
        self.orders: SimpleQueue[Order] = SimpleQueue()
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
            pass
        except BaseException:  # of what cannot be read nobody would hear otherwise
            traceback.print_exc()
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
    known = type(error).__module__ in ("builtins", "topobench.errors")  # that of a plugin might not be, over there
    try:
        same = known and type(pickle.loads(pickle.dumps(error))) is type(error)
    except Exception:  # whatever its class does
        same = False
    return error if same else RunError(f"a run ended with {in_words(error)}")
