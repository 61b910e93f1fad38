"""Processes that execute runs: each takes one run after the other, for to load torch takes seconds.

They are begun anew, never forked. A pipe leads to each; by it the parent hands over runs and asks to stop, and is told
all that a watcher is told (run/orders.py; what goes on at the other end is run/serving.py). Nothing else is shared, no
lock and no semaphore, so that one that is killed at any moment holds up no other; and the end of the pipe tells either
side that the other is gone, however it went.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from topobench.run.orders import STOP, Message, Order

__all__ = ["SIGNALS", "THREADS", "Worker"]

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")  # what tells a process how many to take
SIGNALS = (signal.SIGINT, signal.SIGTERM)  # Ctrl-C reaches a whole group of processes; the parent alone decides
BEGIN = "import sys; sys.path[:] = {path!r}; from topobench.run.serving import serve; serve({handle})"


class Worker:
    """A process that executes runs, as the parent sees it.

    Parameters
    ----------
    environment : mapping
        What its environment has besides the parent's, from before it loads anything.

    Attributes
    ----------
    index : int or None
        The number of the run that it is at; None where it waits for one.
    stopped : bool
        Whether it was asked to stop; it takes no run after that.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair()
        code = BEGIN.format(path=sys.path, handle=theirs.fileno())
        self.index: int | None = None
        self.stopped = False
        self.connection = Connection(ours.detach())
        with theirs, _signals_held():  # the process inherits that they are
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.DEVNULL,
                env={**os.environ, **environment},
                pass_fds=[theirs.fileno()],
            )

    @property
    def alive(self) -> bool:
        """Whether there is a process."""
        return self.process.poll() is None

    def give(self, order: Order) -> None:
        """Let it execute a run."""
        self.index = order.index
        self._send(order)

    def stop(self) -> None:
        """Ask it to stop at the next safe point, with a checkpoint written."""
        self.stopped = True
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
            yield "died", self.index, (_how_it_ended(self.process.wait()),)

    def end(self) -> None:
        """End it at once, whatever it is at."""
        self.process.kill()
        self.process.wait()
        self.connection.close()

    def _send(self, order: Order | str) -> None:
        with suppress(OSError):  # it is gone, and `hear` says so
            self.connection.send(order)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold signals back in the block, and in processes that begin in it, until they ignore them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _how_it_ended(code: int) -> str:
    """Return as the end of ``failed: ...`` how a process ended that was to execute a run, and what to do."""
    again = "The same command goes on from its last checkpoint."
    if code >= 0:
        return f"its process ended by itself, with exit code {code}, in the middle of the run. {again}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else "unknown"
    how = f"its process was ended by signal {-code} ({name})"
    if -code == signal.SIGKILL:
        return f"{how}, as the system does where memory runs out; take fewer --jobs, or smaller crops. {again}"
    return f"{how}, a fault in compiled code, or somebody's wish. {again}"
