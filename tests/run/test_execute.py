"""Executing runs: found again, resumed, failed ones kept apart, scored anew without training."""

import resource
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.run.small import narrow, small_images
from topobench import cards, registry
from topobench.cards import load_suite
from topobench.errors import DataError
from topobench.run import execute, train
from topobench.run.device import Device
from topobench.run.execute import Stopped
from topobench.run.executors import execute_serially
from topobench.run.matrix import expand
from topobench.run.settings import Settings
from topobench.run.store import Store
from topobench.scores import read_record, record_path


class Told:
    """A watcher that remembers."""

    def __init__(self):
        self.steps, self.scored_images, self.found, self.validations, self.notes = [], [], [], [], []

    def run_started(self, run):
        pass

    def stepped(self, run, step):
        self.steps.append((run.name, step.number))

    def validated(self, run, step, value):
        self.validations.append((step, value))

    def noted(self, run, sentence):
        self.notes.append(sentence)

    def scored(self, run, images, of):
        self.scored_images.append((run.name, images))

    def run_ended(self, run, record, found):
        self.found.append(found)


@pytest.fixture
def runs(suite_file):
    suite = load_suite(str(suite_file(recipes=["unet-topo", "unet-ce"])))
    return expand(suite, [*map(narrow, suite.recipes)], [small_images()], Device("cpu", "float32", 2))


def test_records_are_written_and_found_again(runs, tmp_path):
    records = execute_serially(runs, tmp_path, Told(), lambda: False)
    assert [record.recipe["name"] for record in records] == ["null-threshold", "unet-topo", "unet-ce"]
    assert all(record.finished and len(record.rows) == 4 for record in records)
    assert {row.image for row in records[0].rows} == {f"image-{k:02d}" for k in range(4)}
    assert records[1].cost["train_seconds"] > 0
    told = Told()
    assert execute_serially(runs, tmp_path, told, lambda: False) == records
    assert told.found == [True] * 3
    assert told.steps == told.scored_images == []


def test_what_is_wrong_with_a_scored_image_is_said_before_training(runs, tmp_path, monkeypatch):
    def read(image_id):
        if image_id == "image-03":
            raise DataError("image-03 has the label values [7]")
        return sound(image_id)

    adapter = runs[1].dataset._adapter
    sound = adapter.read
    monkeypatch.setattr(adapter, "read", read)
    told = Told()
    [record] = execute_serially(runs[1:2], tmp_path, told, lambda: False)
    assert record.status == "failed: image-03 has the label values [7]"
    assert told.steps == []


def test_same_runs_in_another_store_have_equal_rows(runs, tmp_path):
    first, second = (execute_serially(runs[1:2], tmp_path / name, Told(), lambda: False)[0] for name in "ab")
    assert first.rows == second.rows
    assert first.run_id == second.run_id


@pytest.mark.parametrize("moment", ["training", "scoring"])
def test_stopped_run_goes_on_and_ends_equal(runs, tmp_path, moment):
    wanted = execute_serially(runs[1:2], tmp_path / "straight", Told(), lambda: False)[0]
    told = Told()
    stop = {"training": lambda: len(told.steps) == 2, "scoring": lambda: len(told.scored_images) == 3}[moment]
    with pytest.raises(Stopped):
        execute_serially(runs[1:2], tmp_path / "stopped", told, stop)
    assert not list((tmp_path / "stopped").glob("records/*"))
    again = Told()
    found = execute_serially(runs[1:2], tmp_path / "stopped", again, lambda: False)[0]
    assert found.rows == wanted.rows
    assert [step for _, step in again.steps] == ([2] if moment == "training" else [])
    assert found.cost["train_seconds"] > 0  # of all steps, whoever took them


def test_failed_run_is_recorded_and_stops_no_other(runs, tmp_path, monkeypatch):
    build = execute.Trainer

    def trainer(recipe, *rest):
        if recipe.name == "unet-topo":
            raise ZeroDivisionError("a plugin's fault")
        return build(recipe, *rest)

    monkeypatch.setattr(execute, "Trainer", trainer)
    null, failed, finished = execute_serially(runs, tmp_path, Told(), lambda: False)
    assert null.finished
    assert finished.finished
    assert failed.status == "failed: ZeroDivisionError: a plugin's fault"
    assert failed.rows == ()
    assert read_record(record_path(tmp_path / "records", runs[1].identity())) == failed
    monkeypatch.undo()
    assert execute_serially(runs, tmp_path, Told(), lambda: False)[1].finished  # a failure is not kept as an answer


@pytest.fixture
def write_protocol(tmp_path, monkeypatch):
    """A function that writes a changed hu2019 into a folder that stands in the place of the shipped protocols."""
    shipped, folder = cards.folder, tmp_path / "protocols"
    text = (shipped("protocols") / "hu2019.toml").read_text(encoding="utf-8")
    folder.mkdir()
    (folder / "hu2019.toml").write_text(text)
    monkeypatch.setattr(cards.places, "folder", lambda kind: folder if kind == "protocols" else shipped(kind))

    def write(name, *changes):
        changed = text.replace('name = "hu2019"', f'name = "{name}"')
        for before, after in changes:
            assert before in changed
            changed = changed.replace(before, after)
        (folder / f"{name}.toml").write_text(changed)

    return write


def test_changed_protocol_scores_anew_without_training(runs, tmp_path, write_protocol):
    execute_serially(runs[1:2], tmp_path, Told(), lambda: False)
    write_protocol("hu2019", ("version = 2", "version = 3"), ("patches = 500", "patches = 10"))
    told = Told()
    record = execute_serially(runs[1:2], tmp_path, told, lambda: False)[0]
    assert told.found == [False]
    assert told.steps == []
    assert len(told.scored_images) == 4
    assert record.protocols["hu2019"]["version"] == 3


@pytest.mark.parametrize("lost", ["nothing", "checkpoints", "predictions"])
def test_new_scoring_needs_the_maps_or_the_checkpoint(runs, tmp_path, write_protocol, lost):
    """And what the run cost, where, and how it was trained is said of its training, not of the scoring."""
    [first] = execute_serially(runs[1:2], tmp_path, Told(), lambda: False)
    if lost != "nothing":
        shutil.rmtree(tmp_path / lost)
    write_protocol("hu2019", ("version = 2", "version = 3"))
    told = Told()
    [second] = execute_serially(runs[1:2], tmp_path, told, lambda: False, Settings(keep_predictions=False))
    assert told.steps == []
    assert [row.figures for row in second.rows] == [row.figures for row in first.rows]
    assert second.protocols["hu2019"]["version"] == 3
    for name in ("cost", "environment", "training", "predictions"):
        assert getattr(second, name) == getattr(first, name)


def test_new_scoring_that_fails_takes_nothing_away(runs, tmp_path, write_protocol, monkeypatch):
    wanted = execute_serially(runs[1:2], tmp_path, Told(), lambda: False)[0]
    write_protocol("hu2019", ("version = 2", "version = 3"))
    monkeypatch.setitem(registry.BUILTINS["metrics"], "dice", "topobench.metrics.overlap:no_such_function")
    failed = execute_serially(runs[1:2], tmp_path, Told(), lambda: False)[0]
    assert failed.status.startswith("failed: AttributeError")
    assert read_record(record_path(tmp_path / "records", runs[1].identity())) == wanted


def test_scoring_by_another_protocol_keeps_the_rows_of_the_first(runs, tmp_path, write_protocol):
    first = execute_serially(runs[1:2], tmp_path, Told(), lambda: False)[0]
    write_protocol("other", ("patches = 500", "patches = 10"))
    both = execute_serially([replace(runs[1], protocols=("other",))], tmp_path, Told(), lambda: False)[0]
    assert set(both.protocols) == {"hu2019", "other"}
    assert both.rows[:4] == first.rows
    assert {row.protocol for row in both.rows[4:]} == {"other"}
    assert len(both.rows) == 8


def test_a_suite_may_name_the_file_of_a_protocol_of_ones_own(runs, tmp_path, monkeypatch):
    text = cards.text_of("protocols", "hu2019").replace('name = "hu2019"', 'name = "mine"')
    (tmp_path / "mine.toml").write_text(text.replace("patches = 500", "patches = 10"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    execute_serially(runs[1:2], tmp_path, Told(), lambda: False)
    told = Told()
    [record] = execute_serially([replace(runs[1], protocols=("hu2019", "mine.toml"))], tmp_path, told, lambda: False)
    assert (record.status, told.steps) == ("finished", [])
    assert [row.protocol for row in record.rows] == ["hu2019"] * 4 + ["mine"] * 4
    assert record.protocols["mine"]["patches"] == 10


def test_torn_record_is_made_anew_from_the_checkpoint(runs, tmp_path):
    wanted = execute_serially(runs[1:2], tmp_path, Told(), lambda: False)[0]
    path = record_path(tmp_path / "records", runs[1].identity())
    path.write_bytes(path.read_bytes()[:100])
    told = Told()
    assert execute_serially(runs[1:2], tmp_path, told, lambda: False)[0].rows == wanted.rows
    assert told.steps == []


def test_a_finished_run_keeps_its_last_state_alone(runs, tmp_path):
    [record] = execute_serially(runs[1:2], tmp_path, Told(), lambda: False, Settings(checkpoint_seconds=0))
    [last] = Store(tmp_path).place(runs[1].identity()).checkpoints.iterdir()
    assert last.name.startswith("step-00000003-")
    assert record.cost["peak_memory_mib"] > 0
    assert {"data_ms_per_step", "network_ms_per_step", "loss_ms_per_step", "parameters"} < set(record.cost)
    assert set(record.predictions) == {row.image for row in record.rows}


def test_without_maps_none_are_written(runs, tmp_path):
    [record] = execute_serially(runs[:1], tmp_path, Told(), lambda: False, Settings(keep_predictions=False))
    assert record.predictions == {}
    assert not (tmp_path / "predictions").exists()


def test_29_what_a_plugin_raises_in_the_middle_fails_the_run_and_keeps_its_checkpoint(runs, tmp_path, monkeypatch):
    """No memory, sys.exit, anything: at the third step. Mended, the run goes on from the second."""
    step = train.Trainer._differentiate_loss
    for error in (MemoryError("no room"), torch.OutOfMemoryError("CUDA out of memory"), SystemExit(3)):

        def broken(self, *rest, error=error):
            if self.step == 2:
                raise error
            return step(self, *rest)

        monkeypatch.setattr(train.Trainer, "_differentiate_loss", broken)
        told, settings = Told(), Settings(checkpoint_seconds=0)
        failed, other = execute_serially(runs[1:], tmp_path / type(error).__name__, told, lambda: False, settings)
        assert failed.status == f"failed: {type(error).__name__}: {error}"
        assert not other.finished  # of the same length, so it fails too; but it was tried
        monkeypatch.undo()
        again = Told()
        assert execute_serially(runs[1:2], tmp_path / type(error).__name__, again, lambda: False)[0].finished
        assert [number for _, number in again.steps] == [2]


def test_peak_memory_is_that_of_the_run_and_not_of_one_before(runs, tmp_path):
    if not sys.platform.startswith("linux"):
        pytest.skip("the system has no peak that can be reset")
    large = np.ones(2**27)  # a GiB that another run had
    del large
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    [record] = execute_serially(runs[1:2], tmp_path, Told(), lambda: False)
    assert record.cost["peak_memory_mib"] < before - 500
