"""Several runs at a time, a process each: the same records as one after the other, whatever happens to a process."""

import errno
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import write_suite
from tests.run.small import small_images
from tests.run.test_execute import Told
from topobench.cards import load_recipe, load_suite
from topobench.errors import RecordError, RunError
from topobench.run import executors, serving
from topobench.run.device import Device
from topobench.run.execute import Stopped
from topobench.run.executors import execute_in_processes, execute_serially
from topobench.run.matrix import expand
from topobench.run.packing import Packing
from topobench.run.progress import read_progress
from topobench.run.settings import DEFAULTS
from topobench.run.store import Store
from topobench.scores import read_record, write_record

STEPS = 8  # enough for one process to tell another something meanwhile
LONG = 10_000  # steps, more than any test waits for
SCRIPT = """
import sys
from pathlib import Path
from tests.run.test_executors import matrix
from tests.run.test_execute import Told
from topobench.cli.signals import stopping_on_signals
from topobench.run.execute import Stopped
from topobench.run.executors import execute_in_processes
from topobench.run.settings import DEFAULTS

folder = Path(sys.argv[1])
with stopping_on_signals() as stopping:
    try:
        execute_in_processes(matrix(folder, 10_000)[1:], folder / "out", Told(), stopping, DEFAULTS, 2)
    except Stopped:
        sys.exit(stopping.exit_code)
"""

TALKER = """
import os

def make(in_channels, width, depth):
    print(os.environ["TOPOBENCH_MAX_IMAGE_MIB"], os.environ["OMP_NUM_THREADS"])
    print("a half", end="")
    raise ValueError(3)
"""


def matrix(folder, steps=STEPS):
    """A null row and two runs that have no warm-up in common, on one thread each."""
    path = write_suite(folder, recipes=["unet-topo", "unet-dice"])
    path.write_text(path.read_text().replace("steps = 3", f"steps = {steps}"))
    suite = load_suite(str(path))
    recipes = [load_recipe(name) for name in suite.recipes]
    return expand(suite, recipes, [small_images()], Device("cpu", "float32", 1))


class Meddling(Told):
    """A watcher that does something at the first step of a run."""

    def __init__(self, name, act):
        super().__init__()
        self.name, self.act, self.started = name, act, []

    def run_started(self, run):
        self.started.append(run.name)

    def stepped(self, run, step):
        super().stepped(run, step)
        if run.name == self.name:
            self.name = None
            self.act(run)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return matrix(tmp_path_factory.mktemp("matrix"))


@pytest.fixture(scope="module")
def serial(runs, tmp_path_factory):
    """The store and the records of the runs, executed one after the other."""
    folder = tmp_path_factory.mktemp("serial")
    return folder, execute_serially(runs, folder, Told(), lambda: False)


def gone(pid):
    """Whether a process has ended, or ends within ten seconds; one that nobody has waited for yet has."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


def pids_in(folder, runs):
    """The processes of runs that train, as they say where they are."""
    found = [read_progress(Store(folder).place(run.identity())) for run in runs]
    return [about["pid"] for about in found if about and about["doing"] == "training"]


def test_records_are_those_of_one_after_the_other(runs, serial, tmp_path, monkeypatch):
    told, environment = Told(), dict(os.environ)
    records = execute_in_processes(runs, tmp_path, told, lambda: False, DEFAULTS, 2)
    assert [record.run_id for record in records] == [record.run_id for record in serial[1]]
    for mine, wanted in zip(records, serial[1], strict=True):
        assert mine.rows == wanted.rows
        assert mine.predictions == wanted.predictions  # the maps, by their sha256
        assert mine.training == wanted.training
    assert sorted(told.steps) == [(name, step) for name in ("unet-dice", "unet-topo") for step in range(STEPS)]
    assert len(told.scored_images) == 3 * 4
    assert [read_record(Store(tmp_path).place(run.identity()).record) for run in runs] == records
    assert dict(os.environ) == environment  # what was meant for the processes alone is gone
    again = Told()
    monkeypatch.setattr(executors, "Worker", None)  # what was finished before needs no process
    assert execute_in_processes(runs, tmp_path, again, lambda: False, DEFAULTS, 2) == records
    assert again.found == [True] * 3


def test_process_that_is_killed_fails_its_run_alone(runs, tmp_path):
    """On one worker, so that another must take its place."""

    def kill(run):
        [pid] = pids_in(tmp_path, [run])
        os.kill(pid, signal.SIGKILL)

    long = [replace(run, budget=run.budget.model_copy(update={"steps": LONG})) for run in runs[1:2]]
    told = Meddling("unet-topo", kill)
    killed, finished = execute_in_processes([*long, runs[0]], tmp_path, told, lambda: False, DEFAULTS, 1)
    assert killed.status == (
        "failed: its process was ended by signal 9 (SIGKILL), as the system does where memory runs out; take fewer "
        "--jobs, or smaller crops. The same command goes on from its last checkpoint."
    )
    assert read_record(Store(tmp_path).place(long[0].identity()).record) == killed
    assert finished.finished
    assert told.started == ["unet-topo", "null-threshold"]
    assert told.found == [False, False]
    assert pids_in(tmp_path, long) == []


def test_record_of_a_process_that_died_after_it_wrote_it(runs, serial, tmp_path):
    told = Told()
    pool = executors._Processes(runs[2:], tmp_path, told, DEFAULTS, 1)
    write_record(serial[1][2], tmp_path / "records")
    pool.died(0, "whatever")
    assert pool.records == {0: serial[1][2]}
    assert told.found == [False]


def test_error_in_this_process_ends_the_others(runs, tmp_path):
    pids = []

    def interrupt(run):
        pids.extend(pids_in(tmp_path, [run]))
        raise KeyboardInterrupt  # as the second Ctrl-C does

    with pytest.raises(KeyboardInterrupt):
        execute_in_processes(runs[1:2], tmp_path, Meddling("unet-topo", interrupt), lambda: False, DEFAULTS, 1)
    assert all(map(gone, pids))
    assert len(pids) == 1


def test_failing_run_and_what_it_prints(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TOPOBENCH_MAX_IMAGE_MIB", "512")  # processes inherit what the command sets
    (tmp_path / "talker.py").write_text(TALKER)
    about = tmp_path / "talker-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: talker\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[topobench.models]\ntalker = talker:make\n")
    monkeypatch.syspath_prepend(tmp_path)
    model = runs[1].recipe.model.model_copy(update={"name": "talker"})
    recipe = runs[1].recipe.model_copy(update={"model": model})
    mixed = [replace(runs[1], recipe=recipe), runs[0]]
    failed, null = execute_in_processes(mixed, tmp_path / "out", Told(), lambda: False, DEFAULTS, 2)
    assert failed.status.startswith("failed: model 'talker' (talker:make, from talker 1) cannot be made")
    assert "ValueError: 3" in failed.status
    assert null.finished
    assert capsys.readouterr().out.splitlines() == ["512 1", "a half"]


def test_stopped_runs_go_on_and_end_equal(runs, serial, tmp_path):
    told = Meddling("unet-topo", lambda run: None)
    with pytest.raises(Stopped):
        execute_in_processes(runs[1:], tmp_path, told, lambda: told.name is None, DEFAULTS, 1)
    assert told.started == ["unet-topo"]  # and no other was begun
    assert not list(tmp_path.glob("records/*"))
    assert len(list(tmp_path.glob("checkpoints/unet-topo*/step-*.pt"))) == 1
    [record] = execute_serially(runs[1:2], tmp_path, Told(), lambda: False)
    assert record.rows == serial[1][1].rows


@pytest.mark.parametrize(
    ("signals", "code"),
    [([signal.SIGKILL], -9), ([signal.SIGTERM, signal.SIGTERM], -15), ([signal.SIGINT], 130)],
    ids=["killed", "twice", "once, to all of the group"],
)
def test_no_process_outlives_its_parent(tmp_path, signals, code):
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "out").mkdir()
    command = [sys.executable, tmp_path / "script.py", tmp_path]
    runs = matrix(tmp_path, LONG)[1:]
    parent = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while len(pids := pids_in(tmp_path / "out", runs)) < 2:  # both train
        assert parent.poll() is None, parent.stderr.read()
        time.sleep(0.05)
    if len(signals) > 1:  # the processes take long to stop
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
    for number in signals:
        os.killpg(parent.pid, number) if number == signal.SIGINT else parent.send_signal(number)  # as Ctrl-C does
        time.sleep(0.5)
    assert parent.wait(30) == code
    for pid in pids if len(signals) > 1 else []:
        os.kill(pid, signal.SIGCONT)
    assert all(map(gone, pids))
    assert parent.stderr.read() == ""
    saved = list(tmp_path.glob("out/checkpoints/*/step-*.pt"))
    if number == signal.SIGINT:
        assert len(saved) == 2


def test_full_disk_ends_all_with_its_path(runs, tmp_path):
    """A file in place of the folder of records is what a test can do to a store."""
    (tmp_path / "records").write_text("")
    with pytest.raises(OSError, match="records") as caught:
        execute_in_processes(runs[:1], tmp_path, Told(), lambda: False, DEFAULTS, 2)
    assert caught.value.errno in (errno.EEXIST, errno.ENOTDIR)
    assert caught.value.filename == str(tmp_path / "records")
    assert "In a worker process:" in caught.value.__notes__[0]


def test_errors_that_do_not_cross_become_sentences():
    class Odd(Exception):
        def __init__(self, one, two):
            super().__init__(one)

    assert str(serving._portable(Odd("odd", 2))) == "a run ended with Odd: odd"
    error = OSError(errno.ENOSPC, "No space left on device", "/out/records/a.json")
    assert pickle.loads(pickle.dumps(serving._portable(error))).filename == error.filename
    assert isinstance(serving._portable(RecordError("a sentence.")), RecordError)


def test_runs_that_cannot_be_handed_over_are_named(runs, monkeypatch):
    monkeypatch.setattr(runs[1].dataset._adapter, "handle", open(os.devnull), raising=False)  # noqa: SIM115, PTH123
    with pytest.raises(RunError, match=r"cannot be handed to other processes \(TypeError: .*leave out --jobs"):
        Packing(runs)


@pytest.mark.parametrize(
    ("visible", "jobs", "gpus"),
    [(None, 8, ["0", "1", "2"]), ("GPU-a, GPU-b,7", 8, ["GPU-a", "GPU-b", "7"]), ("5,6,7", 2, ["5", "6"])],
)
def test_each_worker_has_a_gpu_to_itself(runs, monkeypatch, visible, jobs, gpus):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    monkeypatch.setattr("torch.get_num_threads", lambda: 12)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    many = [runs[0], *(replace(run, device=Device("cuda", "bfloat16", 1)) for run in runs[1:] * 4)]
    found = list(executors._environments(many, jobs))
    assert [one["CUDA_VISIBLE_DEVICES"] for one in found] == gpus
    assert {one["OMP_NUM_THREADS"] for one in found} == {str(12 // len(gpus))}


def test_threads_of_a_worker_are_those_of_its_runs(runs):
    many = [replace(run, device=Device("cpu", "float32", 5)) for run in runs]
    found = list(executors._environments(many, 2))
    assert [(one["OMP_NUM_THREADS"], one["MKL_NUM_THREADS"]) for one in found] == [("5", "5")] * 2
    assert len(list(executors._environments(many, 9))) == 3  # no more than there are runs
