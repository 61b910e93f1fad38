"""Pictures of a leaderboard, from kept maps; and pages beside records that are not what they give."""

import json
import shutil

import pytest
from PIL import Image

from tests.cli.here import topobench_here
from tests.conftest import write_suite
from topobench.files import digest
from topobench.leaderboard import read_scenes
from topobench.scores import run_id_of, run_name

NULLS = ["null-threshold", "null-largest"]


@pytest.fixture(scope="module", autouse=True)
def _pictures():
    """Pictures as users have them, in this file alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TOPOBENCH_PICTURES")
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory, _pictures):
    """The output folder of two null rows and a training of no steps to speak of."""
    folder = tmp_path_factory.mktemp("finished")
    out = folder / "out"
    result = topobench_here("run", "--suite", write_suite(folder, nulls=NULLS), "-o", out, "--device", "cpu")
    assert result.returncode == 0, result.stderr
    return out


@pytest.fixture
def out(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "out")


def made_again(out, *options, code=0):
    result = topobench_here("leaderboard", out, "-o", out, *options)
    assert result.returncode == code, result.stderr
    return result


def page(out):
    return (out / "index.html").read_text(encoding="utf-8")


def test_a_run_draws_three_images_and_what_each_method_gave(out):
    scenes = read_scenes(out)
    assert len(scenes) == 3
    assert all(len(scene.predictions) == 3 for scene in scenes)
    assert scenes[0].why.startswith("the hardest by betti_error")
    for name in scenes[0].files:
        picture = Image.open(out / "pictures" / name)
        assert min(picture.size) > 100
    text = page(out)
    assert text.count("<img ") == text.count("data:image/png;base64,") == 3 * (2 + 2 * 3)
    assert text.index('value="0" data-method="unet-topo"') < text.index('value="1" data-method="null-')
    assert "components too many" in text


def test_two_recipes_of_one_name_are_told_apart_and_it_is_said_by_what(out):
    assert "[letters]" not in made_again(out).stdout
    [path] = [path for path in (out / "records").glob("*.json") if json.loads(path.read_text())["kind"] == "trained"]
    record = json.loads(path.read_text())
    record["recipe"]["learning_rate"] *= 2
    record["run_id"] = run_id_of(record)
    record["sha256"] = digest({key: value for key, value in record.items() if key != "sha256"})
    (out / "records" / f"{run_name(record)}.json").write_text(json.dumps(record))
    assert "\n[letters] behind a name: its recipe's hash, as two recipes, or one" in made_again(out).stdout


def test_what_was_drawn_is_not_drawn_again(out):
    before = {path: path.stat().st_mtime_ns for path in (out / "pictures").glob("*.png")}
    shutil.rmtree(out / "predictions")
    made_again(out)
    assert {path: path.stat().st_mtime_ns for path in (out / "pictures").glob("*.png")} == before
    assert page(out).count("<img ") == 24


def test_pictures_of_runs_that_are_gone_go_too(out):
    for path in (*out.glob("records/null-*"),):
        path.unlink()
    shutil.rmtree(out / "predictions")
    made_again(out)
    assert page(out).count("<img ") == 3 * 4


def test_predictions_that_were_handed_in_are_shown_and_stay(out, tmp_path):
    [maps] = out.glob("predictions/unet-topo*")
    mine = shutil.copytree(maps, tmp_path / "mine")
    score = ("score", "--predictions", mine, "--dataset", "synthetic-membranes", "--fold", 0, "-o", out)
    result = topobench_here(*score, "--postprocess", "remove-small=2000")
    assert result.returncode == 0, result.stderr
    for _ in range(2):
        text = page(out)
        assert text.count("<img ") == 3 * (2 + 2 * 5)
        assert (
            text.count('data-method="mine (scored)"')
            == text.count('data-method="mine, remove-small=2000 (scored)"')
            == 3
        )
        shutil.rmtree(mine, ignore_errors=True)
        made_again(out)
    name = next(out.glob("records/mine-remove*.json")).stem
    cleaned = [one.summary for scene in read_scenes(out) for one in scene.predictions if one.run_id[:12] in name]
    assert [summary[:21] for summary in cleaned] == ["0 components too many"] * 3


def test_none_are_shown_where_none_were_drawn(out):
    shutil.rmtree(out / "pictures")
    made_again(out, "--pictures", "none")
    assert "<img " not in page(out)
    assert not (out / "pictures").exists()


def test_data_that_may_not_be_redistributed_are_not_shown_unless_asked(out, monkeypatch):
    from topobench import cards
    from topobench.leaderboard import scenes

    card = cards.load_card("synthetic-membranes").model_copy(update={"redistributable": False})
    monkeypatch.setattr(scenes, "load_card", lambda _: card)
    shutil.rmtree(out / "pictures")
    assert "its card does not say that they may be redistributed; --pictures all" in made_again(out).stderr
    assert not (out / "pictures").exists()
    made_again(out, "--pictures", "all")
    assert page(out).count("<img ") == 24
    assert "its card does not say that" in made_again(out).stderr  # without the word a page may be published
    assert "<img " not in page(out)
    assert not list((out / "pictures").glob("*.png"))


def as_if_run_on_others(out, **changes):
    """Let runs be of other data: their records, and the folders of their maps, named as they are then."""
    for path in out.glob("records/*.json"):
        content = json.loads(path.read_text())
        content.pop("sha256")
        content |= changes
        content["run_id"] = run_id_of(content)
        name = run_name(content)
        path.rename(path.with_name(f"{name}.json")).write_text(json.dumps({**content, "sha256": digest(content)}))
        (out / "predictions" / path.stem).rename(out / "predictions" / name)


def test_other_data_than_those_of_the_records_are_not_shown(out):
    as_if_run_on_others(out, data_hash="f" * 64)
    shutil.rmtree(out / "pictures")
    assert "the data that are here are not those of the records" in made_again(out).stderr


def test_a_map_that_is_gone_or_another_costs_the_pictures_and_is_said(out):
    shutil.rmtree(out / "pictures")
    for path in out.glob("predictions/null-largest*/*.png"):
        Image.open(path).transpose(Image.Transpose.ROTATE_90).save(path)
    found = made_again(out)
    assert "No pictures of synthetic-membranes:" in found.stderr
    assert "is not the map that the run gave" in found.stderr


def test_check_finds_pages_that_are_not_what_the_records_give(out):
    stale = "it is not what the records beside it give; make it anew: topobench leaderboard"
    with_commit(out, "")
    assert stale not in made_again(out, "--check", code=1).stdout  # faults of the records come first
    with_commit(out, "d1315c5a838c")
    made_again(out)
    assert "no faults" in made_again(out, "--check").stdout
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with (out / "leaderboard.md").open("a") as file:
        file.write("and unet-topo is the best of all\n")
    (out / "index.html").unlink()
    said = topobench_here("leaderboard", "--check", out / "records", cwd=out)
    assert said.returncode == 1
    assert f"fault: {out / 'leaderboard.md'}: {stale}" in said.stdout
    assert f"fault: {out / 'index.html'}: it is missing" in said.stdout
    assert {path for path in out.rglob("*") if path.is_file()} == before.keys() - {out / "index.html"}


def with_commit(out, commit):
    """Let records be of that commit."""
    for path in out.glob("records/*.json"):
        content = json.loads(path.read_text())
        content.pop("sha256")
        content["environment"]["commit"] = commit
        path.write_text(json.dumps({**content, "sha256": digest(content)}))


def test_data_of_ones_own_are_not_shipped_and_it_is_said_how_they_are_drawn(out):
    card = json.loads(next(out.glob("records/*.json")).read_text())["card"]
    as_if_run_on_others(out, card={**card, "name": "mine"})
    shutil.rmtree(out / "pictures")
    said = made_again(out).stderr
    assert "No pictures of mine: its card is not shipped; name its file by --dataset" in said
    assert "Known:" not in said  # a list of what it is not
    assert not (out / "pictures").exists()


def test_an_output_that_is_a_file_is_wrong_usage(out, tmp_path):
    (tmp_path / "file").write_text("")
    said = topobench_here("leaderboard", out, "-o", tmp_path / "file")
    assert said.returncode == 2
    assert f"Directory '{tmp_path / 'file'}' is a file." in said.stderr
