"""Metrics of plugins: what they may return, what they say of themselves, and that it stands in every record."""

import json
import math
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.distribution import write_distribution
from tests.metrics.test_choices import changed, wall
from topobench.errors import ArgumentError, RecordError
from topobench.metrics import FIGURES, Figure, defines, figure_of, score
from topobench.metrics.figures import described
from topobench.metrics.scoring import settings_of
from topobench.plugins import code_of, find

CURLINESS = Figure("curliness", "high", "how curly it is", "curls", "Doe 2030", limits=(1.0, math.inf))


def test_a_metric_of_a_plugin(plugin):
    protocol = plugin(lambda case: {"curliness": np.float32(2.5)})
    assert dict(score(wall(), wall(), protocol)) == {"curliness": 2.5, "dice": 1}
    nothing = score(wall(), wall(), plugin(lambda case: {"curliness": math.nan}))
    assert nothing.reasons == {"curliness": "the metric 'curliness' gave NaN and no reason"}


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (lambda case: 1.0, "'curliness' returned 1.0; it must be a mapping that holds 'curliness'"),
        (lambda case: {"curl": 1.0}, "it must be a mapping that holds 'curliness'"),
        (lambda case: {"curliness": math.inf}, "gave inf; a figure is a finite number"),
        (lambda case: {"curliness": "high"}, "gave 'high'; a figure is a finite number"),
        (lambda case: 1 / 0, "'curliness' of a plugin raised ZeroDivisionError: division by zero"),
        (lambda case: sys.exit(0), "'curliness' of a plugin raised SystemExit: 0"),
    ],
)
def test_a_metric_of_a_plugin_that_is_wrong_is_named(plugin, compute, message):
    with pytest.raises(ArgumentError, match=message):
        score(wall(), wall(), plugin(compute))


def test_what_a_plugin_says_of_its_figure_stands_in_the_settings(plugin):
    protocol = plugin(defines(CURLINESS)(lambda case: {"curliness": 2.5})).changed(ranked_by="curliness")
    settings = score(wall(), wall(), protocol).settings
    assert settings["plugin_figures"] == {
        "curliness": {
            "better": "high", "meaning": "how curly it is", "unit": "curls", "source": "Doe 2030",
            "range": [1.0, None], "origin": "theirs 1.0",
        }
    }  # fmt: skip
    kept = json.loads(json.dumps(settings, allow_nan=False))
    assert kept == settings  # what is compared before anything is scored again
    assert figure_of("curliness", kept) == CURLINESS
    assert figure_of("dice", kept) is FIGURES["dice"]
    assert (CURLINESS.best, replace(CURLINESS, better="low").best) == (None, 1.0)
    assert "plugin_figures" not in score(wall(), wall()).settings


def test_the_origin_of_a_figure_names_version_and_distribution(tmp_path, monkeypatch):
    """Another version of a plugin makes other settings, so that what was scored before is scored again."""
    code = (
        "from topobench.metrics import Figure, defines\n\n@defines(Figure('curls', 'low', 'curls', 'curls'))\n"
        "def curls(case):\n    return {'curls': 0.0}\n"
    )
    found = []
    for version in ("1.0", "1.1"):
        folder = tmp_path / version
        points = "[topobench.metrics]\ncurls = curls_module:curls\n"
        write_distribution(folder, "my-curls", points, version, curls_module=code)
        monkeypatch.syspath_prepend(folder)
        protocol = changed(figures=("curls", "dice"), columns=("curls",), ranked_by="curls")
        found.append(settings_of(protocol, None, None, 0))
    file = tmp_path / "my_own.py"
    file.write_text(code + "PLUGINS = {'metrics': {'curls': 'curls'}}\n")
    monkeypatch.setenv("TOPOBENCH_PLUGINS", str(file))
    of_file = settings_of(protocol, None, None, 0)["plugin_figures"]["curls"]["origin"]
    assert of_file == f"my_own.py, code {code_of(find('metrics', 'curls'))[:12]}"  # wherever the file lies
    assert [one.pop("plugin_figures")["curls"]["origin"] for one in found] == ["my-curls 1.0", "my-curls 1.1"]
    assert found[0] == found[1]


def test_a_plugin_that_does_not_load_is_named_when_the_settings_are_made(tmp_path, monkeypatch):
    write_distribution(tmp_path, "my-curls", "[topobench.metrics]\nlost = no_module_of_curls:curls\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    protocol = changed(figures=("lost", "dice"), columns=("dice",), ranked_by="dice")  # reading a file loads nobody
    with pytest.raises(ArgumentError, match=r"'lost' \(no_module_of_curls:curls, from my-curls 1\.0\) does not load"):
        settings_of(protocol, None, None, 0)


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ((), "ranked by 'curliness', of which neither .* let its plugin say what it is"),
        ((Figure("other", "low", "another"),), "ranked by 'curliness', of which neither low nor high"),
        ((Figure("curliness", "neither", "how curly"),), "ranked by 'curliness', of which neither low nor high"),
        (("curliness",), r"the figures of a metric are \('curliness',\); give a topobench.metrics.Figure for each"),
        ((CURLINESS, CURLINESS), "the figures of a metric name 'curliness' more than once"),
    ],
)
def test_a_figure_that_says_not_which_way_is_better_cannot_rank(plugin, figures, message):
    def compute(case):
        return {"curliness": 2.5}

    compute.figures = figures
    with pytest.raises(ArgumentError, match=message):
        score(wall(), wall(), plugin(compute).changed(ranked_by="curliness"))


def test_a_count_of_the_truth_cannot_rank():
    protocol = changed(figures=("truth_pinholes",), columns=("truth_pinholes",), ranked_by="truth_pinholes")
    with pytest.raises(ArgumentError, match=r"'truth_pinholes', of which .* better; rank by another figure\.$"):
        score(wall(), wall(), protocol)


def test_a_metric_may_be_any_object_that_can_be_called(plugin):
    """Be it one that cannot be a key of a dict; it is called once an image."""

    @dataclass
    class Curls:
        figures = (CURLINESS,)
        calls: int = 0

        def __call__(self, case):
            self.calls += 1
            return {"curliness": 3.0}

    curls = Curls()
    assert score(wall(), wall(), plugin(curls).changed(ranked_by="curliness"))["curliness"] == 3
    assert curls.calls == 1


def test_what_a_figure_says_is_checked():
    for wrong, message in (
        ({"name": 7}, "the name of a figure is 7; it must be a text"),
        ({"better": "lower"}, "better of the figure 'curliness' is 'lower'; it must be 'low', 'high' or 'neither'"),
        ({"limits": (1, 0)}, r"the limits of the figure 'curliness' are \(1, 0\); they must be \(lowest, highest\)"),
        ({"limits": 3}, "the limits of the figure 'curliness' are 3"),
    ):
        with pytest.raises(ArgumentError, match=message):
            replace(CURLINESS, **wrong)
    with pytest.raises(ArgumentError, match=r"are \(\); give a topobench\.metrics\.Figure for each name"):
        defines()
    for kept in (7, {"curliness": 7}, {"curliness": {**described(CURLINESS, "x"), "better": "up"}}):
        with pytest.raises(RecordError, match="what a record keeps of the figure 'curliness' of a plugin is none"):
            figure_of("curliness", {"plugin_figures": kept})
