"""A limit to the time that somebody else's code may take, for a plugin may hang where it is loaded or checked."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from topobench.errors import ArgumentError

__all__ = ["TimedOut", "patience", "time_limit"]

PATIENCE = "TOPOBENCH_PLUGIN_SECONDS"
AGAIN = 1.0  # seconds until code that went on all the same is stopped once more


class TimedOut(BaseException):
    """A block took longer than it may; no Exception, for the code that hangs may catch all of these."""


def patience() -> float:
    """Return how many seconds a plugin may take to load, and for a case of a check: $TOPOBENCH_PLUGIN_SECONDS or 60.

    ArgumentError for what is no number of seconds above 0.
    """
    text = os.environ.get(PATIENCE, "60")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 1e9:
        raise ArgumentError(f"{PATIENCE} is {text!r}; it must be a number of seconds above 0.")
    return seconds


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimedOut in the block once it has taken so many seconds.

    In the main thread alone, on systems with SIGALRM that nobody else uses at the moment; elsewhere there is no limit.
    Code that computes in C without ever coming back to Python cannot be stopped.
    """
    if not _can_be_held():
        yield
        return

    def stop(*_: object) -> NoReturn:
        raise TimedOut(f"it takes longer than {seconds:g} seconds (${PATIENCE})")

    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _can_be_held() -> bool:
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        return False
    return signal.getsignal(signal.SIGALRM) is signal.SIG_DFL and signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
