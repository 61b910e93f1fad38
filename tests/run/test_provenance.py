"""Records say whose plugins a run used, and by what code; with another code nothing of the old one goes on."""

import os
import re
from dataclasses import replace

import pytest

from tests.distribution import recipe_text, write_distribution
from tests.run.test_execute import Told
from topobench.cards import load_card, load_recipe, load_suite, text_of
from topobench.data import open_dataset
from topobench.data.dataset import open_card
from topobench.errors import RunError
from topobench.leaderboard.audit.each import of_plugins
from topobench.leaderboard.audit.findings import Found
from topobench.leaderboard.repeat import repeats_of
from topobench.plugins import code_of, find, load
from topobench.run.checkpoint import Checkpoints
from topobench.run.device import Device
from topobench.run.execute import execute, record_failure
from topobench.run.executors import execute_serially
from topobench.run.matrix import expand
from topobench.run.provenance import changed, plugins_of_run
from topobench.run.rescore import rescore
from topobench.run.store import Store
from topobench.scores import read_record, record_path

MODEL = """
import torch
from torch import nn
from topobench.data.synthetic import Synthetic
class Net(nn.Conv2d):
    def __init__(self, in_channels):
        super().__init__(in_channels, 1, 3, padding=1)
class Breaks(Net):
    def forward(self, images):
        if self.training:
            raise OSError("no more")
        return super().forward(images)
class Mine(Synthetic):
    pass
"""


@pytest.fixture
def run(tmp_path, monkeypatch, suite_file):
    """A function that gives the run of a model of a plugin, with the recipe and the card of another one."""
    file = tmp_path / "my_own.py"
    file.write_text(MODEL + 'PLUGINS = {"models": {"net": "Net", "breaks": "Breaks"}, "adapters": {"mine": "Mine"}}\n')
    monkeypatch.setenv("TOPOBENCH_PLUGINS", str(file))
    points = "[topobench.recipes]\ntheirs = files_of\n[topobench.cards]\ntheir-cells = files_of\n"
    write_distribution(tmp_path, "files-of", points, "0.3")
    (tmp_path / "files_of").mkdir()
    card = (
        (load_card_text())
        .replace('"synthetic-membranes"', '"their-cells"')
        .replace('adapter = "synthetic"', 'adapter = "mine"')
    )
    (tmp_path / "files_of" / "their-cells.toml").write_text(card)
    monkeypatch.syspath_prepend(tmp_path)

    def make(model="net"):
        (tmp_path / "files_of" / "theirs.toml").write_text(recipe_text("theirs", model))
        suite = load_suite(str(suite_file(recipes=["theirs"], datasets=["their-cells"], nulls=[])))
        [run] = expand(suite, [load_recipe("theirs")], [open_dataset("their-cells")], Device("cpu", "float32", 1))
        return run

    return make


def load_card_text():
    from topobench.cards import text_of

    return text_of("datasets", "synthetic-membranes")


def edited(tmp_path, monkeypatch):
    """Change the code of the plugin, as another process would find it."""
    file = tmp_path / "my_own.py"
    file.write_text(file.read_text() + "# other\n")
    monkeypatch.setattr(load, "_codes", {})


def test_a_record_says_whose_plugins_were_used(run, tmp_path):
    of_run = run()
    [record] = execute_serially([of_run], tmp_path / "out", Told(), lambda: False)
    assert record.finished
    assert {name: about["origin"] for name, about in record.plugins.items()} == {
        "adapter mine": "my_own.py", "model net": "my_own.py", "card their-cells": "files-of 0.3",
        "recipe theirs": "files-of 0.3",
    }  # fmt: skip
    assert record.plugins["model net"]["object"] == "Net"
    assert re.fullmatch("[0-9a-f]{64}", record.plugins["model net"]["code"])
    assert read_record(record_path(tmp_path / "out" / "records", of_run.identity())) == record
    [repeat] = repeats_of([record], {})
    assert "plugins: adapter mine of my_own.py (code " in repeat.where
    found = Found(tmp_path / "x.json", record)
    assert list(of_plugins(found)) == []
    [sentence] = of_plugins(replace(found, record=replace(record, plugins={})))
    assert sentence.startswith("its model net is not topobench's, and it does not say whose it is")


def test_files_of_ones_own_are_not_taken_for_those_of_a_plugin_of_the_name(run, tmp_path):
    of_run = run()
    mine = of_run.recipe.model_copy(update={"learning_rate": 0.5})
    card = load_card("their-cells").model_copy(update={"version": 7})
    other = replace(of_run, recipe=mine, dataset=open_card(card))
    assert set(plugins_of_run(other)) == {"adapter mine", "model net"}


def test_a_recipe_of_a_sweep_is_of_the_plugin_whose_weights_it_scales(run, tmp_path):
    of_run, file = run(), tmp_path / "files_of" / "theirs.toml"
    file.write_text(file.read_text().replace("loss = [", 'loss = [{ name = "dice", weight = 1.0 }, '))
    theirs = load_recipe("theirs")
    swept = replace(of_run, recipe=theirs.scaled(0.123456789))
    assert plugins_of_run(swept)["recipe theirs"]["origin"] == "files-of 0.3"
    for changes in ({"learning_rate": 0.5}, {"name": "theirs-y2"}, {"loss": theirs.loss[::-1]}):
        other = replace(of_run, recipe=swept.recipe.model_copy(update=changes))
        assert "recipe theirs" not in plugins_of_run(other)


def test_what_other_code_finished_is_found_and_said(run, tmp_path, monkeypatch):
    of_run, told = run(), Told()
    [record] = execute_serially([of_run], tmp_path / "out", Told(), lambda: False)
    edited(tmp_path, monkeypatch)
    assert execute(of_run, tmp_path / "out", told, lambda: False) == record
    [note] = told.notes
    assert note.startswith(
        "it was trained by other code of model net (my_own.py, which has changed since), adapter mine"
    )
    assert "raise the version of the recipe" in note


def test_27_what_other_code_began_is_refused(run, tmp_path, monkeypatch):
    of_run = run()
    before = plugins_of_run(of_run)
    kept = Checkpoints(tmp_path / "run", "1" * 64, before)
    kept.save(1, {"model": {}})
    assert kept.latest()[0] == 1
    edited(tmp_path, monkeypatch)
    now = plugins_of_run(of_run)
    with pytest.raises(RunError, match=r"it was trained by other code of model net \(my_own\.py, which has changed"):
        Checkpoints(tmp_path / "run", "1" * 64, now).latest()
    assert Checkpoints(tmp_path / "run", "1" * 64, before).latest()[0] == 1


def test_of_which_plugins_the_code_matters():
    one, other = ({"origin": f"it {version}", "object": "x", "code": str(version)} for version in (1, 2))
    then = {"model a": one, "loss b": one, "recipe c": one, "metric d": one, "model gone": one}
    now = {"model a": other, "loss b": one, "recipe c": other, "metric d": other, "model new": other}
    assert changed(then, now) == ["model a (it 1 then, it 2 now)"]


def test_29_what_a_plugin_raises_says_whose_plugins_the_run_uses(run, tmp_path):
    of_run = run("breaks")
    [record] = execute_serially([of_run], tmp_path / "out", Told(), lambda: False)
    assert record.status.startswith(
        "failed: OSError: no more (in a run with the plugins model breaks of my_own.py, recip"
    )
    assert "model breaks" in record_failure(of_run, tmp_path / "other", "killed").plugins


def test_what_is_scored_anew_says_by_which_code(run, tmp_path, monkeypatch):
    """The training stays of the code that it was of, the figures are of the new one: by `rescore`, and in a run."""
    of_run, store = run(), tmp_path / "out"
    metric = tmp_path / "metric.py"
    figure = "from topobench.metrics import Figure, defines\n@defines(Figure('curls', 'low', 'curls', 'curls'))\n"
    metric.write_text(
        f"{figure}def curls(case): return {{'curls': 1.0}}\nPLUGINS = {{'metrics': {{'curls': 'curls'}}}}\n"
    )
    monkeypatch.setenv("TOPOBENCH_PLUGINS", f"{tmp_path / 'my_own.py'}{os.pathsep}{metric}")
    text = text_of("protocols", "hu2019").replace('"hu2019"', '"mine"')
    text = re.sub(
        r"(?ms)^figures = .*?^ranked_by = [^\n]*$",
        'figures = ["curls"]\ncolumns = ["curls"]\nranked_by = "curls"',
        text,
    )
    (tmp_path / "mine.toml").write_text(text)
    [before] = execute_serially([of_run], store, Told(), lambda: False)
    found = rescore(before, Store(store).place(of_run.identity()), of_run.dataset, [str(tmp_path / "mine.toml")])
    again = replace(of_run, protocols=(*of_run.protocols, str(tmp_path / "mine.toml")))
    [ran] = execute_serially([again], store, Told(), lambda: False)
    code = code_of(find("metrics", "curls"))
    for record in (found, ran):
        assert record.plugins == {
            **before.plugins,
            "metric curls": {"origin": "metric.py", "object": "curls", "code": code},
        }
    metric.write_text(metric.read_text() + "# other\n")
    monkeypatch.setattr(load, "_codes", {})
    [anew] = execute_serially([again], store, Told(), lambda: False)
    assert anew.plugins["metric curls"]["code"] == code_of(find("metrics", "curls")) != code
