"""What TensorBoard reads: every term, rate, time and validation, at most a thousand points, none of them twice."""

import errno
import sys
from dataclasses import replace

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.conftest import write_suite
from tests.run.test_execute import Told
from topobench.cards import load_recipe, load_suite
from topobench.data import open_dataset
from topobench.errors import ArgumentError
from topobench.run.device import Device
from topobench.run.execute import Stopped
from topobench.run.executors import execute_serially
from topobench.run.matrix import expand
from topobench.run.scalars import Scalars, check_scalars
from topobench.run.settings import Settings
from topobench.run.store import Place, Store
from topobench.run.watcher import Step

ON = Settings(scalars=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of six steps and two validations, without scoring of its own."""
    path = write_suite(tmp_path_factory.mktemp("suite"), nulls=[])
    path.write_text(path.read_text().replace("steps = 3", "steps = 6") + "validation = {times = 2}\n")
    suite = load_suite(str(path))
    [run] = expand(
        suite, [load_recipe("unet-topo")], [open_dataset("synthetic-membranes")], Device("cpu", "float32", 1)
    )
    return run


@pytest.fixture(scope="module")
def without(run, tmp_path_factory):
    """The record of the run without scalars."""
    return execute_serially([run], tmp_path_factory.mktemp("without"), Told(), lambda: False)[0]


def points(folder):
    """The steps and values of each scalar, as TensorBoard reads them."""
    found = EventAccumulator(str(folder), purge_orphaned_data=True).Reload()
    return {tag: [(point.step, point.value) for point in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def test_scalars_of_a_run_that_was_stopped_and_changed_nothing(run, without, tmp_path):
    told = Told()
    with pytest.raises(Stopped):
        execute_serially([run], tmp_path, told, lambda: len(told.steps) == 4, ON)
    [record] = execute_serially([run], tmp_path, Told(), lambda: False, ON)
    assert record.rows == without.rows
    assert record.predictions == without.predictions
    assert record.training == without.training
    place = Store(tmp_path).place(run.identity())
    assert len(list(place.scalars.iterdir())) == 2
    found = points(place.scalars)
    steps = {tag: [step for step, _ in values] for tag, values in found.items()}
    assert steps.pop("validation/betti_error") == [3, 6]
    assert steps.pop("loss/topological") == [5, 6]  # it is computed from its start on
    assert {tag: each for tag, each in steps.items() if each != [1, 2, 3, 4, 5, 6]} == {}
    assert set(steps) == {
        "loss/cross-entropy", "learning_rate", "ms_per_step/data", "ms_per_step/network", "ms_per_step/loss",
    }  # fmt: skip
    assert found["validation/betti_error"] == [(step, pytest.approx(value)) for step, value, _ in
                                               record.training["validated"]]  # fmt: skip
    assert found["learning_rate"][0] == (1, pytest.approx(run.recipe.learning_rate))


def write(place, run, steps, of):
    with Scalars(place, Told()) as scalars:
        for number in steps:
            scalars.stepped(run, Step(number, (number + 1) / of, {"a": float(number)}, 1e-3, {"loss": 0.002}))


def test_killed_after_its_checkpoint_has_no_point_twice(run, tmp_path):
    place = Place(tmp_path, "killed")
    write(place, run, range(9), 12)
    write(place, run, range(5, 12), 12)  # the checkpoint was of step 5
    assert points(place.scalars)["loss/a"] == [(step, step - 1) for step in range(1, 13)]


def test_a_thousand_points_are_enough(run, tmp_path):
    place = Place(tmp_path, "long")
    write(place, run, range(25_000), 25_000)
    steps = [step for step, _ in points(place.scalars)["ms_per_step/loss"]]
    assert len(steps) == 1001
    assert (steps[0], steps[1], steps[-1]) == (1, 25, 25_000)


def test_full_disk_has_its_path(run, tmp_path):
    place = Place(tmp_path, "full")

    class Full:
        def add_scalar(self, *_):
            raise OSError(errno.ENOSPC, "No space left on device")

        close = add_scalar

    scalars = Scalars(place, Told())
    scalars._writer = Full()
    with pytest.raises(OSError, match="No space left") as caught:
        scalars.validated(run, 3, 1.0)
    assert caught.value.filename == str(place.scalars)


def test_nulls_and_found_runs_leave_none(run, tmp_path):
    null = replace(run, name="null-threshold", recipe=None, seed=None, budget=None)
    execute_serially([null], tmp_path, Told(), lambda: False, ON)
    assert not (tmp_path / "tensorboard").exists()


def test_without_the_package(monkeypatch):
    check_scalars()
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ArgumentError, match=r"pip install 'topobench\[tensorboard\]'"):
        check_scalars()
