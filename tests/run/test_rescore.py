"""Scoring kept maps anew: the figures that the run itself would have got, or a sentence that names the record."""

import shutil
from dataclasses import asdict, replace

import pytest

from tests.conftest import write_suite
from tests.run.test_execute import Told
from topobench.cards import load_recipe, load_suite, names
from topobench.data import open_dataset
from topobench.errors import ArgumentError, RecordError
from topobench.metrics import load_protocol
from topobench.run import execute
from topobench.run.device import Device
from topobench.run.executors import execute_serially
from topobench.run.matrix import expand
from topobench.run.rescore import outdated, rescore
from topobench.run.settings import Settings
from topobench.run.store import Store
from topobench.scores import score_samples, write_record

ALL = [*names("protocols"), "hu2019:33-c4"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A null row and a trained run, by hu2019 in one store and by all protocols in another; their matrix."""
    folder = tmp_path_factory.mktemp("made")
    runs = {}
    for name, protocols in (("one", ["hu2019"]), ("all", ALL)):
        suite = load_suite(str(write_suite(folder, name, protocols=protocols)))
        recipes = [load_recipe(recipe) for recipe in suite.recipes]
        runs[name] = expand(suite, recipes, [open_dataset("synthetic-membranes")], Device("cpu", "float32", 1))
    records = {name: execute_serially(found, folder / name, Told(), lambda: False) for name, found in runs.items()}
    return folder, runs["one"], records


@pytest.fixture
def trained(made, tmp_path):
    """The trained run: its record, its place in a store of the test's own, its data set."""
    folder, runs, records = made
    record = records["one"][1]
    place = Store(shutil.copytree(folder / "one", tmp_path / "store")).place(asdict(record))
    return record, place, runs[1].dataset


def by_protocol(record):
    return {name: [row for row in record.rows if row.protocol == name] for name in record.protocols}


@pytest.mark.parametrize("which", [0, 1])
def test_kept_maps_give_the_figures_that_the_run_itself_gets(made, which):
    folder, runs, records = made
    record, wanted = records["one"][which], records["all"][which]
    assert wanted.finished, wanted.status
    found = rescore(record, Store(folder / "one").place(asdict(record)), runs[which].dataset, ALL)
    assert set(found.protocols) == set(ALL)
    assert found.protocols == wanted.protocols
    assert by_protocol(found) == by_protocol(wanted)
    kept = ("run_id", "status", "cost", "environment", "training", "predictions")
    assert all(getattr(found, name) == getattr(record, name) for name in kept)


def test_the_maps_are_rounded_and_the_rows_those_of_the_floats(made, monkeypatch):
    """What the model gives in floats, scored by every protocol, is what its kept maps give."""
    folder, runs, _ = made
    floats, keep = {}, execute.keep_map

    def watched(place, image_id, likelihood):
        floats[image_id] = likelihood
        return keep(place, image_id, likelihood)

    monkeypatch.setattr(execute, "keep_map", watched)
    [record] = execute_serially(runs[1:2], folder / "watched", Told(), lambda: False)
    dataset, store = runs[1].dataset, Store(folder / "watched")
    assert any((255 * likelihood % 1 != 0).any() for likelihood in floats.values())  # else nothing was rounded
    scored = score_samples(
        dataset.select(list(floats)), lambda sample: floats[sample.image_id], ALL, dataset.card.phase, 8
    )
    wanted = [row for found in scored for row in found]
    assert list(rescore(record, store.place(asdict(record)), dataset, ALL).rows) == wanted


def test_rows_by_other_protocols_stay_and_those_by_these_are_replaced(trained):
    record, place, dataset = trained
    stale = replace(record, rows=tuple(replace(row, figures={"voi": 9.0}) for row in record.rows))
    found = rescore(stale, place, dataset, ["topomortar"])
    assert by_protocol(found)["hu2019"] == list(stale.rows)
    assert len(by_protocol(found)["topomortar"]) == 8
    assert by_protocol(rescore(found, place, dataset, ["hu2019"]))["hu2019"] == list(record.rows)


def test_a_run_finds_what_was_scored_so(made, trained):
    record, place, dataset = trained
    found = rescore(record, place, dataset, ["topomortar"])
    write_record(found, place.record.parent)
    told, run = Told(), replace(made[1][1], protocols=("hu2019", "topomortar"))
    assert execute_serially([run], place.folder, told, lambda: False) == [found]
    assert told.found == [True]


def test_what_is_outdated(trained):
    record, _, dataset = trained
    hu2019, other = load_protocol("hu2019"), load_protocol("topomortar")
    assert outdated(record, dataset.card, [hu2019, other]) == [other]
    newer = hu2019.changed(version=hu2019.version + 1)
    assert outdated(record, dataset.card, [newer]) == [newer]
    free = hu2019.changed(connectivity=None)  # the card's counts
    assert outdated(record, dataset.card, [free]) == []
    assert outdated(record, dataset.card.model_copy(update={"connectivity": 4}), [free]) == [free]


def refused(record, place, dataset, said, protocols=("hu2019",)):
    with pytest.raises(RecordError, match=said) as caught:
        rescore(record, place, dataset, list(protocols))
    assert f"record {place.record}" in str(caught.value)


def test_runs_without_maps_are_refused(made, trained, tmp_path):
    record, place, dataset = trained
    refused(replace(record, predictions={}), place, dataset, "no maps of its run were kept. To keep them, remove the")
    refused(replace(record, kind="scored"), place, dataset, "give topobench score again")
    refused(replace(record, status="failed: no"), place, dataset, r"not finished \(failed: no\)")
    shutil.rmtree(place.predictions)
    refused(record, place, dataset, f"the folder of its maps, {place.predictions}, is missing")
    [bare] = execute_serially(made[1][:1], tmp_path / "bare", Told(), lambda: False, Settings(keep_predictions=False))
    assert bare.finished
    refused(bare, Store(tmp_path / "bare").place(asdict(bare)), dataset, "no maps of its run were kept")


def test_a_map_that_is_missing_or_another_is_refused(trained):
    record, place, dataset = trained
    first, second = sorted(place.predictions.iterdir())[:2]
    shutil.copy(first, second)
    refused(record, place, dataset, f"{second}, of shape .* is not the map that the run gave")
    second.unlink()
    refused(record, place, dataset, f"{second} is missing")


def test_other_data_than_the_runs_are_refused(trained):
    record, place, dataset = trained
    card = {**record.card, "version": 0}
    refused(replace(record, card=card), place, dataset, "version was {'version': 0} and is {'version': 1}")
    card = {**record.card, "images": "20 of 24"}
    refused(replace(record, card=card), place, dataset, "images was {'images': '20 of 24'} and is {'images': None}")
    refused(replace(record, data_hash="0" * 64), place, dataset, "their data_hash was 000000000000 and is")
    refused(replace(record, fold=1), place, dataset, r"fold 1 of 'synthetic-membranes' scores \['image-08'")


def test_a_threshold_that_rounding_may_cross_is_refused(trained):
    record, place, dataset = trained
    with pytest.raises(ArgumentError, match=r"protocol 'mine' takes structure from a likelihood of 0\.4 on"):
        rescore(record, place, dataset, [load_protocol("hu2019").changed(name="mine", threshold=0.4)])


@pytest.mark.parametrize("raised", [ZeroDivisionError("oh"), SystemExit("oh")])
def test_what_a_metric_raises_names_the_record(trained, monkeypatch, raised):
    def score(*_):
        raise raised

    monkeypatch.setattr("topobench.metrics.rows.score", score)
    refused(*trained, f"cannot be scored: {type(raised).__name__}: oh")
