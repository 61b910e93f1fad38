"""Runs on a Dask cluster of two workers on loopback: the records of one machine, and nothing lost, whoever is killed.

FAULTS row 32.
"""

import platform
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

import topobench
from tests.conftest import write_suite
from tests.run import kills
from tests.run.clusters import cluster_in, until
from tests.run.small import narrow, small_images
from tests.run.test_execute import Told
from topobench.cards import Budget
from topobench.errors import RunError
from topobench.run.device import Device
from topobench.run.execute import Stopped
from topobench.run.executors import execute_serially
from topobench.run.matrix import Run
from topobench.run.settings import Settings
from topobench.run.store import Store
from topobench.scores import read_record

pytest.importorskip("distributed", reason="the extra dask is not installed")

from topobench.run.cluster import connection, executor, roster
from topobench.run.cluster.children import GPUS
from topobench.run.cluster.connection import connected
from topobench.run.cluster.executor import execute_on_cluster
from topobench.run.cluster.tasks import About

CPU = Device("cpu", "float32", 1)
SETTINGS = Settings(checkpoint_seconds=0)  # a checkpoint at every step
STEPS = 40


PLUGIN = """
PLUGINS = {"nulls": {"mine": "make"}}

def make(samples, connectivity):
    return lambda sample: 0.5 * (sample.image[0] > 2)

make.version = 1
"""


class Overseen(Told):
    """A watcher that remembers where runs were sent, and acts at the first step that it is told of."""

    def __init__(self, act=None):
        super().__init__()
        self.act, self.where, self.sentences, self.most = act, [], [], 0

    @property
    def workers(self):
        return [where.split(", ")[1] for _, where in self.where]

    def sent(self, run, where):
        self.where.append((run.name, where))
        self.most = max(self.most, len(self.where) - len(self.found))

    def said(self, sentence):
        self.sentences.append(sentence)

    def stepped(self, run, step):
        super().stepped(run, step)
        if self.act:
            act, self.act = self.act, None
            act(run)


def trained(name, steps=STEPS, dataset=None):
    budget = Budget(steps=steps, batch=1, crop=64)
    return Run(name, narrow(name), dataset or small_images(), 0, 0, budget, CPU, ("cldice64",))


def null(dataset=None):
    return Run("null-background", None, dataset or small_images(), 0, None, None, CPU, ("cldice64",))


def same(records, others):
    """Assert that figures, maps and trainings are equal, bit for bit."""
    for mine, other in zip(records, others, strict=True):
        assert mine.finished, mine.status
        assert mine.run_id == other.run_id
        assert mine.rows == other.rows
        assert mine.predictions == other.predictions
        assert mine.training == other.training


def on(cluster, runs, store, told=None, stopping=lambda: False, **more):
    last = time.monotonic() + 90

    def ask():
        assert time.monotonic() < last, "the runs do not end"
        return stopping()

    with connected(cluster.address) as client:
        return execute_on_cluster(runs, store, told or Overseen(), ask, SETTINGS, client, **more)


@pytest.fixture(scope="module")
def runs():
    return [null(), trained("unet-topo"), trained("unet-dice")]


@pytest.fixture(scope="module")
def serial(runs, tmp_path_factory):
    return execute_serially(runs, tmp_path_factory.mktemp("serial"), Told(), lambda: False, SETTINGS)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with cluster_in(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def test_records_are_those_of_one_machine(cluster, runs, serial, tmp_path):
    told = Overseen()
    records = on(cluster, runs, tmp_path, told)
    same(records, serial)
    assert [read_record(Store(tmp_path).place(run.identity()).record) for run in runs] == records
    assert set(told.workers) == {"w1", "w2"}
    assert told.most == 2  # of three, for there is room for no more
    assert told.found == [False] * 3
    assert {name for name, _ in told.steps} == {"unet-topo", "unet-dice"}
    again = Overseen()
    assert on(cluster, runs, tmp_path, again) == records
    assert again.where == []  # what is finished is sent to nobody
    assert again.found == [True] * 3


def test_workers_that_do_not_see_the_store(cluster, runs, serial, tmp_path, monkeypatch):
    """Records and maps come over the wire; what they keep of it lies in a folder of their own."""
    monkeypatch.setattr(roster, "write_atomic", lambda path, content: path.parent.mkdir(parents=True))
    store = tmp_path / "store"
    seen = []
    told = Overseen(lambda run: seen.append(sorted(path.name for path in (store / "progress").glob("*.json"))))
    same(on(cluster, runs, store, told), serial)
    assert any(name.startswith("unet-") for name in seen[0])  # how far it is, for `topobench status`
    assert sorted(path.name for path in store.iterdir()) == ["predictions", "progress", "records"]
    for run, record in zip(runs, serial, strict=True):
        place = Store(store).place(run.identity())
        assert read_record(place.record).predictions == record.predictions
        assert {path.stem for path in place.predictions.iterdir()} == record.predictions.keys()
        assert not place.progress.exists()


def test_a_file_that_comes_as_another(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(roster, "write_atomic", lambda path, content: path.parent.mkdir(parents=True))
    monkeypatch.setattr(executor, "bring", lambda *_: (_ for _ in ()).throw(RunError("its sha256 is not that")))
    monkeypatch.setattr(executor, "PATIENCE", 0.2)
    told = Overseen()
    with pytest.raises(RunError, match=r"no worker takes them: worker .*its sha256 is not that.*; worker .*not that"):
        on(cluster, [null()], tmp_path, told)
    assert len(told.notes) == 2
    assert not list(tmp_path.glob("records/*"))


def test_run_at_which_three_workers_died(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(executor._OnCluster, "_failed_there", executor._OnCluster._lost)
    monkeypatch.setattr(roster, "write_atomic", lambda path, content: path.parent.mkdir(parents=True))
    monkeypatch.setattr(executor, "bring", lambda *_: (_ for _ in ()).throw(RunError("killed")))
    [record] = on(cluster, [null()], tmp_path)
    assert record.status.startswith("failed: 3 workers were lost while they were at it, the last of them ")


def test_ctrl_c_lets_runs_stop_with_a_checkpoint(cluster, serial, tmp_path):
    long = trained("unet-topo", 100_000)
    told = Overseen(lambda run: None)
    with pytest.raises(Stopped):
        on(cluster, [long], tmp_path, told, lambda: told.act is None)
    assert len(list(tmp_path.glob("checkpoints/unet-topo*/step-*.pt"))) >= 1
    assert not list(tmp_path.glob("records/*"))
    with pytest.raises(Stopped):
        on(cluster, [trained("unet-topo")], tmp_path, Overseen(), lambda: True)


def test_worker_that_is_killed(cluster, runs, serial, tmp_path):
    """Its run goes on elsewhere from its checkpoint, and ends equal, bit for bit."""

    def kill(run):
        until(lambda: list(tmp_path.glob("checkpoints/unet-topo*/step-*.pt")))
        cluster.kill(told.workers[0])
        cluster.worker(told.workers[0])

    told = Overseen(kill)
    same(on(cluster, runs[1:2], tmp_path, told), serial[1:2])
    [note] = told.notes
    first, second = told.workers
    assert f"{first} is lost" in note
    assert "another takes the run" in note
    assert first != second
    record = read_record(Store(tmp_path).place(runs[1].identity()).record)
    assert record.cost["resumed_at_step"] > 0


CLIENT = """
import sys
from pathlib import Path
from tests.run.test_cluster import Overseen, on, trained

class Where:
    address = sys.argv[1]

class Saying(Overseen):
    def stepped(self, run, step):
        print("step", flush=True)

on(Where, [trained("unet-topo", int(sys.argv[3]))], Path(sys.argv[2]), Saying())
"""


def client(address, store, steps=STEPS):
    command = [sys.executable, "-c", CLIENT, address, str(store), str(steps)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_client_that_is_killed(cluster, runs, serial, tmp_path):
    """Its worker stops the run with a checkpoint; the next client's goes on from there."""
    first = client(cluster.address, tmp_path)
    until(lambda: list(tmp_path.glob("checkpoints/unet-topo*/step-*.pt")))
    first.kill()
    first.wait()
    told = Overseen()
    same(on(cluster, runs[1:2], tmp_path, told), serial[1:2])
    record = read_record(Store(tmp_path).place(runs[1].identity()).record)
    assert record.cost["resumed_at_step"] > 0


def test_two_clients_train_no_run_twice(cluster, runs, serial, tmp_path):
    """Nor does the second take a worker's room for a run that the first has there."""
    first = client(cluster.address, tmp_path)
    assert first.stdout.readline() == "step\n"
    told = Overseen()
    same(on(cluster, runs[1:2], tmp_path, told), serial[1:2])
    assert first.wait() == 0, first.stderr.read()
    assert told.where == []
    assert told.found == [True]


def test_scheduler_that_is_killed(cluster, runs, serial, tmp_path):
    with cluster_in(tmp_path / "cluster", ["w1"]) as other:
        told = Overseen(lambda run: other.kill("scheduler"))
        with pytest.raises(RunError, match=r"the Dask scheduler is gone, or .*kept in .*out.*the same command goes on"):
            on(other, runs[1:2], tmp_path / "out", told)
        until(lambda: other.processes["w1"].poll() is not None)  # and nobody works on for nobody
    same(on(cluster, runs[1:2], tmp_path / "out"), serial[1:2])


PRELOADED = """
import topobench
from topobench.data import Dataset

topobench.__version__ = {version!r}
Dataset.why_not_here = lambda self: {lacking!r} if self.folder and self.card.name == "tiny" else ""
"""


def preload(folder, version=topobench.__version__, lacking=""):
    path = folder / "preloaded.py"
    path.write_text(PRELOADED.format(version=version, lacking=lacking))
    return "--preload", str(path)


def test_worker_with_an_older_topobench_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(executor, "PATIENCE", 0.2)
    with cluster_in(tmp_path, []) as cluster:
        cluster.worker("w1", *preload(tmp_path, "0.0.1"))
        told = Overseen()
        with pytest.raises(RunError, match=r"1 runs wait, such as null-background .*, and no worker takes them"):
            on(cluster, [null()], tmp_path / "out", told)
        here = f"{platform.node()}, w1"
        why = f"worker {here}: it has topobench 0.0.1, and this is {topobench.__version__}; install the same there"
        assert told.sentences[-1] == f"{why}. It gets no runs."
        assert told.where == []


def test_data_set_that_workers_lack(tmp_path, monkeypatch):
    """It is said at once, with the host; with --stage its samples are sent, and the run is the same."""
    monkeypatch.setattr(executor, "PATIENCE", 0.2)
    run = kills.tiny_run(tmp_path / "data", steps=4)
    wanted = execute_serially([run], tmp_path / "serial", Told(), lambda: False, SETTINGS)
    with cluster_in(tmp_path / "cluster", []) as cluster:
        cluster.worker("w1", *preload(tmp_path, lacking="/data lacks all"))
        told = Overseen()
        with pytest.raises(RunError, match=r"w1: it has not the data set 'tiny': /data lacks all"):
            on(cluster, [run, null()], tmp_path / "out", told)
        why = f"worker {platform.node()}, w1 has not the data set 'tiny': /data lacks all"
        assert told.sentences[-1] == f"{why}; it gets no runs of that; --stage sends it."
        assert told.where == [("null-background", f"{platform.node()}, w1")]  # and what it can take, it gets

        class Moving(Overseen):
            def sent(self, run, where):
                (tmp_path / "data").rename(tmp_path / "away")

        told = Moving()
        same(on(cluster, [run], tmp_path / "out", told, stage=True), wanted)
        assert told.sentences[-1] == f"{why}; it is sent."
    assert len(list((tmp_path / "cluster" / "own" / "data").glob("*/*.npz"))) == 6


SET_BACK = """
import time

true, began = time.time, time.monotonic()
time.time = lambda: true() - 86400 * (time.monotonic() > began + 3)
"""


def test_clock_that_is_set_back_changes_nothing(runs, serial, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(SET_BACK)
    with cluster_in(tmp_path, []) as cluster:
        cluster.worker("w1", PYTHONPATH=str(tmp_path))
        same(on(cluster, runs[1:2], tmp_path / "out"), serial[1:2])


def test_plugin_of_which_a_worker_has_other_code(cluster, tmp_path, monkeypatch):
    """It is found out in the process of the run, which alone loads plugins."""
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    monkeypatch.setenv("TOPOBENCH_PLUGINS", str(path))
    monkeypatch.setattr(executor, "PATIENCE", 0.2)
    run = replace(null(), name="mine")

    class Editing(Overseen):
        def sent(self, run, where):
            super().sent(run, where)
            path.write_text(PLUGIN.replace("0.5", "0.6"))

    told = Editing()
    with pytest.raises(RunError, match=r"no worker takes them: .*: it has not the same code of null row mine"):
        on(cluster, [run], tmp_path / "out", told)
    assert len(told.where) == 2


ABOUT = About("tcp://h:1", "w1", "h", topobench.__version__, "", "2", 8, 4, True, True)


def test_room_of_a_worker():
    assert [ABOUT.room(False, threads) for threads in (1, 2, 3, 16)] == [8, 4, 2, 1]
    assert ABOUT.room(True, 1) == 4  # a run a GPU
    assert replace(ABOUT, threads=2).room(True, 1) == 2
    assert replace(ABOUT, name="tcp://h:1").where == "h, port 1"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"torch": ""}, "it has no torch; install topobench there with what it wants"),
        ({"gpus": 0}, "it declares no GPU; start it with --resources GPU=1 (or as many as it has)"),
        ({"version": "0.0.1"}, f"it has topobench 0.0.1, and this is {topobench.__version__}; install the same there"),
        ({"commit": "abc"}, "its topobench is of the commit abc, and this is of def; take the same there"),
        ({"commit": "def"}, ""),
        ({}, ""),
    ],
)
def test_whether_a_worker_can_be_used(change, why, monkeypatch):
    monkeypatch.setattr(roster, "environment", lambda: {"commit": "def"})
    assert roster._why_not(replace(ABOUT, **change), cuda=True) == why
    assert roster._why_not(replace(ABOUT, gpus=0), cuda=False) == ""


def test_each_run_of_a_worker_has_a_gpu_to_itself(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with GPUS.lent(1) as only:
        assert only == {}  # it sees no other
    with GPUS.lent(3) as first, GPUS.lent(3) as second:
        with GPUS.lent(3) as third:
            found = [one["CUDA_VISIBLE_DEVICES"] for one in (first, second, third)]
        with GPUS.lent(3) as again:
            assert again == third
    assert found == ["0", "1", "2"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b")
    with GPUS.lent(2) as first, GPUS.lent(2) as second:
        assert (first["CUDA_VISIBLE_DEVICES"], second["CUDA_VISIBLE_DEVICES"]) == ("GPU-a", "GPU-b")
        with pytest.raises(RunError, match="all 2 GPUs"), GPUS.lent(2):
            pass


def test_scheduler_that_does_not_answer(monkeypatch):
    monkeypatch.setattr(connection, "PATIENCE", 0.3)
    with (
        pytest.raises(RunError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9 within"),
        connected("tcp://127.0.0.1:9"),
    ):
        pass
    with pytest.raises(RunError, match=r"no Dask scheduler answers at nonsense within"), connected("nonsense"):
        pass


def test_dask_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(RunError, match=r"pip install 'topobench\[dask\]'"), connected("tcp://127.0.0.1:9"):
        pass


def test_ctrl_c_at_the_command_line(cluster, tmp_path):
    """On a terminal's signal the command stops what workers are at, and says how to go on."""
    suite = write_suite(tmp_path, recipes=["unet-ce"])
    suite.write_text(suite.read_text().replace("steps = 3", "steps = 100000"))
    command = [sys.executable, "-m", "topobench", "run", "--suite", suite, "--scheduler", cluster.address, "-o"]
    process = subprocess.Popen([*command, tmp_path / "out"], stderr=subprocess.PIPE, text=True)
    lines = []
    while not (lines and re.search(r"unet-ce .*: (starts|step)", lines[-1])):
        lines.append(process.stderr.readline())
        assert process.poll() is None, lines
    until(lambda: ["" for path in tmp_path.glob("out/progress/unet-ce*.json") if '"training"' in path.read_text()])
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    lines += process.stderr.read().splitlines()
    assert lines[-1] == f"Stopped; all that was done is kept in {tmp_path}/out. The same command goes on from there."
    assert re.search(r"runs on cpu \(float32, 1 thread\), on the workers of tcp://127.0.0.1:\d+, kept in", lines[1])
    assert any(re.search(r"unet-ce on .*: sent to worker .*, w[12]$", line) for line in lines)
    assert len(list(tmp_path.glob("out/checkpoints/unet-ce*/step-*.pt"))) == 1
