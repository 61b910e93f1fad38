"""The client of a cluster before a stub of Dask: workers that are silent, broken, or busy with the runs of others."""

import time
from dataclasses import replace
from importlib.metadata import version

import pytest

import topobench
from tests.run.clusters import until
from tests.run.small import small_images
from topobench.environment import environment
from topobench.errors import DataError, RunError
from topobench.run import claims
from topobench.run.execute import Stopped
from topobench.run.packing import Packing
from topobench.run.settings import DEFAULTS
from topobench.run.store import Store
from topobench.scores import read_record

pytest.importorskip("distributed", reason="the extra dask is not installed")

from tests.run.test_cluster import Overseen, null
from topobench.run.cluster import children, executor, remote, roster, staging
from topobench.run.cluster.executor import execute_on_cluster
from topobench.run.cluster.tasks import About, Outcome

HERE = (topobench.__version__, environment()["commit"], version("torch"))
ABOUT = About("a", "w1", "h", *HERE, 1, 0, True, True)


class Future:
    """One that is fulfilled at once, or never."""

    def __init__(self, outcome):
        self.outcome = outcome

    def add_done_callback(self, call):
        if self.outcome:
            call(self)

    def result(self, timeout):
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


class Stub:
    """Workers by what they answer (a call is called); each run that is sent ends in the same way, if it ends."""

    status = "running"

    def __init__(self, answers, outcome=None):
        self.answers, self.outcome, self.sent, self.cancelled = answers, outcome, [], []

    def nthreads(self):
        return dict.fromkeys(self.answers, 1)

    def run(self, function, *_, workers=(), on_error=None):
        if function is version:
            return {workers[0]: "0.0.1"}
        if function is not remote.describe:
            return {address: set() for address in workers}
        answer = self.answers[workers[0]]
        return {workers[0]: answer() if callable(answer) else answer}

    def submit(self, _, task, workers, **more):
        self.sent.append(workers[0])
        return Future(self.outcome(workers[0]) if callable(self.outcome) else self.outcome)

    def cancel(self, futures):
        self.cancelled += futures

    def subscribe_topic(self, *_):
        pass

    def unsubscribe_topic(self, *_):
        pass


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(executor, "PATIENCE", 0.2)
    monkeypatch.setattr(roster, "EVERY", 0.02)


def on(stub, runs, store, told, seconds=5.0, **more):
    """Execute runs, and stop as Ctrl-C does after so long."""
    last = time.monotonic() + seconds
    return execute_on_cluster(runs, store, told, lambda: time.monotonic() > last, DEFAULTS, stub, **more)


def test_ctrl_c_takes_back_what_was_not_begun(tmp_path):
    """A worker that is busy with another client's run would not hear of it for hours."""
    stub = Stub({"a": ABOUT})
    with pytest.raises(Stopped):
        on(stub, [null()], tmp_path, Overseen(), 0.5)
    assert stub.sent == ["a"]
    assert len(stub.cancelled) == 1


def test_worker_that_does_not_answer_holds_up_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(roster, "SLOW", 0.1)
    told, began = Overseen(), time.monotonic()
    stub = Stub({"silent": lambda: time.sleep(3), "a": ABOUT})
    with pytest.raises(Stopped):
        on(stub, [null()], tmp_path, told, 0.5)
    assert time.monotonic() < began + 2.5
    assert stub.sent == ["a"]
    assert told.sentences == ["worker silent has not answered for 0 s what it has; it is waited for."]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (PermissionError(13, "Permission denied"), "a: it has topobench 0.0.1, and this is .* Permission denied"),
        (AttributeError("describe"), "a: it has topobench 0.0.1, and this is .*AttributeError: describe"),
        (lambda: 1 / 0, "a: ZeroDivisionError"),
        (replace(ABOUT, torch=""), "h, w1: it has no torch"),
    ],
)
def test_worker_that_cannot_say_what_it_has(tmp_path, answer, why):
    told = Overseen()
    with pytest.raises(RunError, match=f"no worker takes them: worker {why}"):
        on(Stub({"a": answer}), [null()], tmp_path, told)
    assert len(told.sentences) == 1
    assert not list(tmp_path.glob("progress/.*"))  # what it looked for is gone


def test_staging_that_fails_is_said_once(tmp_path, monkeypatch):
    def fail(*_):
        raise DataError("section-03.png cannot be read")

    run = null(small_images())
    [key] = staging.Datasets([run], Packing([run])).named
    monkeypatch.setattr(staging.Datasets, "send", fail)
    told = Overseen()
    with pytest.raises(RunError, match=r"worker a: DataError: section-03|worker a: section-03"):
        on(Stub({"a": replace(ABOUT, lacking={key: "gone"})}), [run], tmp_path, told, stage=True)
    assert len(told.sentences) == 2


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (Outcome("broken", ("its process ended",)), "its process ended"),
        (OSError(24, "Too many open files"), "it could not execute a run .*Too many open files"),
    ],
)
def test_worker_that_is_broken_gets_one_run(tmp_path, outcome, why):
    """The others take what it could not."""
    healthy = replace(ABOUT, address="b", name="w2")
    stub = Stub({"a": ABOUT, "b": healthy}, lambda address: outcome if address == "a" else None)
    told = Overseen()
    with pytest.raises(Stopped):
        on(stub, [null()], tmp_path, told, 0.7)
    assert stub.sent in (["a", "b"], ["b"])
    with pytest.raises(RunError, match=f"no worker takes them: worker h, w1: {why}"):
        on(Stub({"a": ABOUT}, outcome), [null()], tmp_path, told)


def test_plugin_that_a_worker_has_not_stands_in_the_way_of_its_runs_alone(tmp_path):
    stub = Stub({"a": ABOUT}, Outcome("unfit", ("it has not the same code of null row null-background",)))
    told = Overseen()
    with pytest.raises(RunError, match=r"1 runs wait, .*: worker h, w1: it has not the same code of null row"):
        on(stub, [null()], tmp_path, told)
    assert stub.sent == ["a"]


def test_run_that_another_process_is_at_is_said_to_be_waited_for(tmp_path):
    run, stub, told = null(), Stub({"a": ABOUT}), Overseen()
    with claims.alone(Store(tmp_path).place(run.identity()), pytest.fail), pytest.raises(Stopped):
        on(stub, [run], tmp_path, told, 1.2)
    assert told.notes == ["another process is at this run; waiting for its record"]
    assert stub.sent == []


def test_own_folder_of_a_worker_that_cannot_be_used(tmp_path):
    stub = Stub({"a": replace(ABOUT, shares=False)}, Outcome("error", (NotADirectoryError(20, "Not a directory"),)))
    with pytest.raises(RunError, match=r"worker h, w1: its own folder cannot be used \(NotADirectoryError"):
        on(stub, [null()], tmp_path, Overseen())
    claim = claims.Claims(Store(tmp_path).place(null().identity())).take()
    assert claim  # for it was given back
    claim.give_back()


def test_long_training_outlives_its_workers_as_long_as_it_gets_further(tmp_path):
    """As where jobs end after some hours; one that kills its workers at once fails after the third."""
    pool = executor._OnCluster([null()], tmp_path, Overseen(), DEFAULTS, Stub({"a": ABOUT}), False, None)
    for reached in (10, 20, 30, 40, 50, 50):
        pool.sent[0] = executor._Sent("ticket", ABOUT, None)
        pool._reached[0] = reached
        pool._lost(0, "its job ended")
        assert pool.waiting.popleft() == 0
    pool.sent[0] = executor._Sent("ticket", ABOUT, None)
    pool._lost(0, "its job ended")
    assert pool.records[0].status.startswith("failed: 3 workers were lost while they were at it")
    pool.end()


@pytest.mark.parametrize("shares", [True, False])
def test_process_that_dies_at_a_run_fails_it(tmp_path, shares):
    """As one of this machine does: it would die elsewhere, too, and is not sent from worker to worker for ever."""
    stub = Stub({"a": replace(ABOUT, shares=shares)}, Outcome("died", ("its process was ended by signal 9.",)))
    [record] = on(stub, [null()], tmp_path, Overseen())
    assert record.status == "failed: its process was ended by signal 9."
    assert stub.sent == ["a"]
    assert read_record(Store(tmp_path).place(null().identity()).record) == record


def test_shared_store_that_is_full_ends_all_with_its_path(tmp_path):
    stub = Stub({"a": ABOUT}, Outcome("error", (OSError(28, "No space left on device", "/out/records/a.json"),)))
    with pytest.raises(OSError, match=r"No space left on device: '/out/records/a\.json'"):
        on(stub, [null(), null()], tmp_path, Overseen())
    assert stub.sent == ["a"]


class Process:
    """One in which runs are executed, without any."""

    def __init__(self, environment):
        self.environment, self.alive, self.stopped, self.ended = environment, True, False, False

    def end(self):
        self.ended = True


def test_processes_of_a_worker_are_kept_for_a_while_and_then_give_their_memory_back(monkeypatch):
    monkeypatch.setattr(children, "Worker", Process)
    monkeypatch.setattr(children, "IDLE", 0.05)
    kept = children._Children()
    with kept.lent({"a": "1"}) as first, kept.lent({"a": "1"}) as second:
        assert first is not second  # each is at a run
    with kept.lent({"a": "1"}) as again:
        assert again in (first, second)
        again.stopped = True
    assert again.ended  # it takes no run any more
    with kept.lent({"a": "2"}) as other:
        assert other.environment == {"a": "2"}
    assert first.ended  # of another client
    assert second.ended
    until(lambda: other.ended)  # after a while without a run
    with pytest.raises(ZeroDivisionError), kept.lent({}) as broken:
        1 / 0
    assert broken.ended
