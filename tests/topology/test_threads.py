"""A batch shared among threads: the same answer with any number of them."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.oracles import pairs_table
from topobench.errors import ArgumentError
from topobench.topology import betti_numbers, label_components, persistence_pairs, threads
from topobench.topology.threads import SHARES, WORTH_A_THREAD, share


@pytest.fixture(autouse=True)
def _every_pixel_is_worth_a_thread(request, monkeypatch):
    if "small_batches" not in request.node.name:
        monkeypatch.setattr(threads, "WORTH_A_THREAD", 1)


BATCH = np.random.default_rng(3).integers(0, 50, (11, 24, 31)).astype(np.float32)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("backend", ["numba", "gudhi", "cripser"])
def test_pairs_are_the_same_with_any_number(count, backend):
    alone = persistence_pairs(BATCH, 4, True, backend=backend, threads=1)
    shared = persistence_pairs(BATCH, 4, True, backend=backend, threads=count)
    assert (np.diff(shared.image) >= 0).all()
    assert np.array_equal(pairs_table(alone), pairs_table(shared))


@pytest.mark.parametrize("count", [2, 3, 64])
def test_components_are_the_same_with_any_number(count):
    masks = BATCH > 25
    assert np.array_equal(label_components(masks, 4, count), label_components(masks, 4, 1))
    assert np.array_equal(betti_numbers(masks, 8, True, count), betti_numbers(masks, 8, True, 1))


def test_threads_work_at_the_same_time_and_never_more_than_asked(monkeypatch):
    monkeypatch.setattr(threads, "SHARES", 2)
    together, lock, running = threading.Barrier(2, timeout=10), threading.Lock(), [0, 0]

    def work(first, last):
        with lock:
            running[0] += 1
            running[1] = max(running)
        together.wait()  # breaks unless a second thread comes
        with lock:
            running[0] -= 1
        return first, last

    parts = share(work, (8, 1, 1), 2)
    assert parts == [(0, 2), (2, 4), (4, 6), (6, 8)]
    assert running == [0, 2]


@pytest.mark.parametrize("asked", [2, 3, 5])
def test_as_many_threads_as_asked(asked, monkeypatch):
    pool = ThreadPoolExecutor(8)
    monkeypatch.setattr(threads, "_pool", lambda: pool)
    together = threading.Barrier(asked, timeout=10)
    workers = set()

    def work(first, last):
        workers.add(threading.get_ident())
        together.wait()

    share(work, (SHARES * asked, 1, 1), asked)
    assert len(workers) == asked


def test_many_callers_at_once_get_their_own_answers():
    wanted = [pairs_table(persistence_pairs(BATCH[k:], threads=1)) for k in range(6)]
    found = dict.fromkeys(range(6))

    def call(k):
        found[k] = pairs_table(persistence_pairs(BATCH[k:], threads=2))

    callers = [threading.Thread(target=call, args=(k,)) for k in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert all(np.array_equal(found[k], wanted[k]) for k in range(6))


def test_small_batches_stay_on_one_thread(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "_pool", lambda: ThreadPoolExecutor(8))
    small, large = (4, 65, 65), (4 * WORTH_A_THREAD, 1, 1)
    assert len(share(lambda *_: 0, small, None)) == 1
    assert len(share(lambda *_: 0, large, None)) == 4 * SHARES
    for limit, shares in (("1", 1), ("2", 2 * SHARES), ("2,4", 2 * SHARES), ("many", 4 * SHARES)):
        monkeypatch.setenv("OMP_NUM_THREADS", limit)
        assert len(share(lambda *_: 0, large, None)) == shares


@pytest.mark.parametrize("wrong", range(6))
def test_an_error_in_any_share_is_raised_and_stops_the_others(wrong):
    begun = []

    def work(first, last):
        begun.append(first)
        time.sleep(0.01)
        if first == wrong:
            raise ArgumentError("one image is wrong.")

    with pytest.raises(ArgumentError, match="one image is wrong"):
        share(work, (6, 1, 1), 3)
    count = len(begun)
    assert count <= wrong + 5  # two others were at work beside it, and may have taken one more
    time.sleep(0.05)
    assert len(begun) == count


def test_a_call_does_not_wait_for_the_pool_of_others(monkeypatch):
    pool, release = ThreadPoolExecutor(1), threading.Event()
    monkeypatch.setattr(threads, "_pool", lambda: pool)
    pool.submit(release.wait, 30)  # somebody else's long work
    try:
        assert share(lambda first, last: last - first, (4, 1, 1), 2) == [1, 1, 1, 1]
        assert not release.is_set()
    finally:
        release.set()


def test_at_the_end_of_the_interpreter_one_thread_does_all(monkeypatch):
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    monkeypatch.setattr(threads, "_pool", lambda: pool)
    assert sum(share(lambda first, last: last - first, (5, 1, 1), 2)) == 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_process_gets_threads_of_its_own():
    wanted = len(persistence_pairs(BATCH, threads=2))  # the parent's threads are running now
    child = os.fork()
    if child == 0:
        os._exit(0 if len(persistence_pairs(BATCH, threads=2)) == wanted else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "2"])
def test_wrong_numbers(count):
    with pytest.raises(ArgumentError, match=r"threads is .*; it must be a whole number from 1 on"):
        persistence_pairs(BATCH, threads=count)
