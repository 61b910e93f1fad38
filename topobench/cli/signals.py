"""Ctrl-C and SIGTERM: the first asks the runs to stop at the next safe point, the second ends at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Stopping", "ending_on_sigterm", "stopping_on_signals"]


class Stopping:
    """Says whether a signal came; `exit_code` is 130 after SIGINT and 143 after SIGTERM."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self) -> bool:
        """Return whether the runs should stop."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """The exit code of a process ended by the signal."""
        return 128 + (self.signal or 0)

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Remember the first signal; the next one, of either kind, has its default effect."""
        self.signal = number
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def stopping_on_signals() -> Iterator[Stopping]:
    """Catch SIGINT and SIGTERM within the block."""
    stopping = Stopping()
    before = {number: signal.signal(number, stopping.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """End on SIGTERM as on an error: what was begun is cleared away, and the terminal is left sound."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
