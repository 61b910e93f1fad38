"""What a maintainer asks of a submission: `leaderboard --check` of records, `rescore --verify` of their maps."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.cli.here import topobench_here
from tests.conftest import ROOT, write_suite
from topobench.files import digest
from topobench.scores import no_records, read_record


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The output folder of a null row and a failed run: nothing is trained; and of predictions, beside their record."""
    folder = tmp_path_factory.mktemp("finished")
    recipe = folder / "broken.toml"
    text = (ROOT / "baselines" / "unet-ce.toml").read_text().replace("learning_rate = 0.001", "learning_rate = 1e30")
    recipe.write_text(text.replace('name = "unet-ce"', 'name = "broken"'))
    suite, out = write_suite(folder), folder / "out"
    topobench_here("run", "--suite", suite, "--recipe", recipe, "-o", out, "--device", "cpu")
    [maps] = out.glob("predictions/null-threshold*")
    mine = shutil.copytree(maps, folder / "mine")
    image = mine / "image-00.png"
    Image.fromarray(255 - np.array(Image.open(image))).save(image)
    scored = topobench_here(
        "score", "--predictions", mine, "--dataset", "synthetic-membranes", "--fold", 0, "-o", out,
        "--postprocess", "remove-small=9",
    )  # fmt: skip
    assert scored.returncode == 0, scored.stderr
    for record in out.glob("records/mine*.json"):
        shutil.copytree(mine, out / "predictions" / record.stem)
    for record in out.glob("records/*.json"):
        edit(record, lambda content: content["environment"].update(commit="d1315c5a838c"))  # of a clean checkout
    return out


@pytest.fixture
def out(finished, tmp_path):
    for kind in ("records", "predictions"):
        shutil.copytree(finished / kind, tmp_path / "out" / kind)
    return tmp_path / "out"


def edit(path, change):
    """Change a record and make its sha256 right again."""
    content = json.loads(path.read_text())
    content.pop("sha256")
    change(content)
    path.write_text(json.dumps({**content, "sha256": digest(content)}))


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_check_of_sound_records_and_of_others(out):
    before = files(out)
    result = topobench_here("leaderboard", out, "--check", "-o", out / "board")
    assert (result.returncode, result.stderr) == (0, "")
    *notices, last = result.stdout.splitlines()
    assert last == "4 records, no faults, 2 notices"
    assert any("is shown as failed: NaN or infinite" in notice for notice in notices)
    assert files(out) == before
    [path] = out.glob("records/null*.json")
    edit(path, lambda content: content["rows"][0]["figures"].update(accuracy=1.5))
    result = topobench_here("leaderboard", "records", "--check", cwd=out)
    assert result.returncode == 1
    assert result.stdout.splitlines()[-1] == "4 records, 1 fault, 2 notices"
    assert f"fault: record records/{path.name}: by 'hu2019' accuracy is 1.5, beyond its range" in result.stdout


def test_check_of_nothing_is_an_error(tmp_path):
    (tmp_path / "records").mkdir()
    result = topobench_here("leaderboard", tmp_path, "--check")
    assert (result.returncode, result.stderr) == (1, f"Error: {no_records([tmp_path])}\n")


def test_verify_of_sound_records(out):
    before = files(out)
    result = topobench_here("rescore", out, "--verify")
    assert (result.returncode, result.stdout) == (0, "")
    lines = result.stderr.splitlines()
    assert sum(line.endswith("144 figures by hu2019, all equal, bit for bit") for line in lines) == 3
    assert sum("skipped, failed: NaN or infinite" in line for line in lines) == 1
    assert files(out) == before


@pytest.mark.parametrize("name", ["null", "mine_", "mine-remove"])
def test_verify_names_the_figure_that_was_edited(out, name):
    [path] = out.glob(f"records/{name}*.json")
    figures = read_record(path).rows[1].figures
    edit(path, lambda content: content["rows"][1]["figures"].update(betti_error=0.125))
    result = topobench_here("rescore", path, "--verify")
    assert result.returncode == 1
    assert result.stdout == (
        f"record {path}: image-01 by hu2019: betti_error is 0.125 in the record, and its map gives "
        f"{figures['betti_error']}.\n"
    )
    assert "144 figures by hu2019, 1 DIFFER" in result.stderr


def test_verify_forgives_rounding_and_no_more(out):
    [path] = out.glob("records/null*.json")

    def scale(factor):
        edit(
            path,
            lambda content: content["rows"][0]["figures"].update(voi=factor * content["rows"][0]["figures"]["voi"]),
        )

    scale(1 + 1e-12)
    result = topobench_here("rescore", path, "--verify")
    assert (result.returncode, "all equal but for rounding" in result.stderr) == (0, True)
    scale(1 + 1e-7)
    assert topobench_here("rescore", path, "--verify").returncode == 1


def test_verify_of_rows_that_were_taken_away_or_invented(out):
    [path] = out.glob("records/mine_*.json")
    edit(path, lambda content: content["rows"][0].update(image="image-99"))
    result = topobench_here("rescore", path, "--verify")
    assert result.returncode == 1
    assert "image-99 by hu2019 is no image of it." in result.stdout
    assert "image-00 by hu2019 is lacking." in result.stdout


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("null", "is not the map that the run gave"), ("mine_", "its predictions are not those that")],
)
def test_verify_wants_the_very_maps(out, name, sentence):
    [maps] = out.glob(f"predictions/{name}*")
    [path] = out.glob(f"records/{name}*.json")
    Image.fromarray(np.zeros((160, 160), np.uint8)).save(maps / "image-00.png")
    result = topobench_here("rescore", path, "--verify")
    assert (result.returncode, sentence in result.stderr) == (1, True)
    shutil.rmtree(maps)
    result = topobench_here("rescore", path, "--verify")
    assert (result.returncode, f"{maps}, " in result.stderr) == (1, True)


def test_verify_wants_protocols_as_they_were(out):
    [path] = out.glob("records/null*.json")
    edit(path, lambda content: content["protocols"]["hu2019"].update(version=1))
    result = topobench_here("rescore", path, "--verify")
    assert (result.returncode, "hu2019 is not as it was when the record was made" in result.stderr) == (1, True)

    def own(content):
        content["protocols"] = {"mine": {**content["protocols"]["hu2019"], "name": "mine"}}
        content["rows"] = [{**row, "protocol": "mine"} for row in content["rows"]]

    edit(path, own)
    result = topobench_here("rescore", path, "--verify")
    assert (result.returncode, "Give the file of your own protocol by --protocol." in result.stderr) == (1, True)
