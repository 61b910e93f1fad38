"""A batch shared among threads: the same answer with any number of them."""

import os
import threading

import numpy as np
import pytest

from tests.oracles import pairs_table
from topobench.errors import ArgumentError
from topobench.topology import betti_numbers, label_components, persistence_pairs, threads
from topobench.topology.threads import WORTH_A_THREAD, share


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


def test_threads_work_at_the_same_time_and_never_more_than_asked():
    together, running, most = threading.Barrier(2, timeout=10), 0, 0
    lock = threading.Lock()

    def work(images):
        nonlocal running, most
        with lock:
            running, most = running + 1, max(most, running + 1)
        together.wait()  # breaks unless a second thread comes
        with lock:
            running -= 1
        return len(images)

    parts = share(work, np.zeros((8, 1, 1)), 2)
    assert sum(count for _, count in parts) == 8
    assert [first for first, _ in parts] == sorted(first for first, _ in parts)
    assert most == 2


def test_many_callers_at_once_get_their_own_answers():
    wanted = [len(persistence_pairs(BATCH[k:])) for k in range(6)]
    found = dict.fromkeys(range(6))

    def call(k):
        found[k] = len(persistence_pairs(BATCH[k:], threads=2))

    callers = [threading.Thread(target=call, args=(k,)) for k in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert [found[k] for k in range(6)] == wanted


def test_small_batches_stay_on_one_thread(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    small, large = np.zeros((4, 65, 65)), np.zeros((4 * WORTH_A_THREAD, 1, 1))
    assert len(share(len, small, None)) == 1
    assert len(share(len, large, None)) > 4
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert len(share(len, large, None)) == 1


def test_an_error_in_one_share_is_raised():
    def work(images):
        if images[0, 0, 0] == 5:
            raise ArgumentError("the sixth image is wrong.")

    with pytest.raises(ArgumentError, match="sixth"):
        share(work, np.arange(6.0).reshape(6, 1, 1), 3)


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
