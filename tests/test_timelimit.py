"""A limit to the time of somebody else's code."""

import signal
import threading
import time

import pytest

from topobench.conformance import ask
from topobench.errors import ArgumentError
from topobench.timelimit import TimedOut, patience, time_limit


def hang(until=5.0):
    """Code that catches whatever is raised in it, once, and goes on."""
    end = time.monotonic() + until
    while time.monotonic() < end:
        try:
            time.sleep(0.01)
        except Exception:
            continue
    return "went on to its end"


def test_what_hangs_is_stopped_and_the_clock_taken_off():
    started = time.monotonic()
    with pytest.raises(TimedOut, match=r"longer than 0\.1 seconds"), time_limit(0.1):
        hang()
    assert time.monotonic() - started < 2
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_what_is_quick_is_left_alone():
    with time_limit(0.05):
        pass
    time.sleep(0.1)  # nothing is raised later


def test_nothing_is_limited_where_the_clock_is_somebody_elses_or_in_another_thread():
    found = []
    other = threading.Thread(target=lambda: found.append(ask("case", hang, 0.05)))
    other.start()
    other.join()
    assert found == [("case", "failed", "went on to its end")]
    mine = signal.signal(signal.SIGALRM, lambda *_: None)
    try:
        with time_limit(0.05):
            assert hang(0.2) == "went on to its end"
    finally:
        signal.signal(signal.SIGALRM, mine)


def test_a_case_that_hangs_or_leaves_fails(monkeypatch):
    monkeypatch.setenv("TOPOBENCH_PLUGIN_SECONDS", "0.1")
    assert ask("case", hang) == ("case", "failed", "it takes longer than 0.1 seconds ($TOPOBENCH_PLUGIN_SECONDS).")

    class Odd(BaseException):
        pass

    def leaves():
        raise Odd("off")

    def interrupted():
        raise KeyboardInterrupt

    assert ask("case", leaves) == ("case", "failed", "raises Odd: off.")
    with pytest.raises(KeyboardInterrupt):
        ask("case", interrupted)


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_patience_is_a_number_of_seconds(monkeypatch, text):
    monkeypatch.setenv("TOPOBENCH_PLUGIN_SECONDS", text)
    with pytest.raises(ArgumentError, match=f"TOPOBENCH_PLUGIN_SECONDS is '{text}'; it must be a number of seconds"):
        patience()
