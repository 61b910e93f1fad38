"""Which images are shown, and what becomes of pictures that were drawn before."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.leaderboard.made import protocol, runs
from topobench.cli.gallery import _Drawing
from topobench.errors import RecordError
from topobench.leaderboard import (
    Prediction,
    Scene,
    choose_images,
    make_tables,
    read_scenes,
    write_leaderboard,
    write_scenes,
)  # fmt: skip
from topobench.leaderboard import scenes as module
from topobench.leaderboard.scenes import embedded, shown
from topobench.leaderboard.stale import stale_files
from topobench.scores import each_record, write_record
from topobench.types import Sample


def scene(folder, dataset="toy", image="image-0", run="a" * 64, pixels=4):
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    stem = f"{dataset}-{image}"
    names = [f"{stem}-{what}.png" for what in ("image", "truth", "likelihood", "mistakes")]
    for name in names:
        noise = np.random.default_rng(len(name)).integers(0, 255, (pixels, pixels), np.uint8)
        Image.fromarray(noise).save(folder / "pictures" / name)
    return Scene(dataset, "0" * 64, image, "why", pixels, pixels, *names[:2], (Prediction(run, *names[2:], "none"),))


def test_scenes_are_read_as_they_were_written(tmp_path):
    made = [scene(tmp_path, image=f"image-{k}") for k in (0, 1)]
    write_scenes(tmp_path, made)
    assert read_scenes(tmp_path) == made
    assert read_scenes(tmp_path / "elsewhere") == []
    write_scenes(tmp_path, made[:1])
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == {"pictures.json", *made[0].files}
    uri = embedded(tmp_path, made[0].image_file)
    assert uri.startswith("data:image/png;base64,iVBOR")


@pytest.mark.parametrize(
    ("spoil", "wanted"),
    [
        (lambda folder: (folder / "pictures.json").write_text("{"), "does not say what pictures there are"),
        (lambda folder: next(folder.glob("*truth.png")).unlink(), "names 'toy-image-0-truth.png', which is not beside"),
        (lambda folder: _rename(folder, "../../etc/passwd"), "names '../../etc/passwd', which is not beside it"),
    ],
)
def test_damaged_pictures_are_named(tmp_path, spoil, wanted):
    write_scenes(tmp_path, [scene(tmp_path)])
    spoil(tmp_path / "pictures")
    with pytest.raises(RecordError, match=wanted):
        read_scenes(tmp_path)


def _rename(folder, name):
    found = json.loads((folder / "pictures.json").read_text())
    found[0]["image_file"] = name
    (folder / "pictures.json").write_text(json.dumps(found))


def test_a_page_shows_predictions_of_its_own_runs_alone(tmp_path):
    mine, other = scene(tmp_path), scene(tmp_path, image="image-1", run="b" * 64)
    assert shown([mine, other], ["a" * 64], tmp_path) == ([mine], 0)
    assert shown([other], ["a" * 64], tmp_path) == ([], 0)


def test_room_goes_to_the_first_scene_of_each_data_set(tmp_path, monkeypatch):
    made = [
        scene(tmp_path, dataset, image, pixels=60) for dataset in ("one", "two") for image in ("image-0", "image-1")
    ]
    each = sum((tmp_path / "pictures" / name).stat().st_size for name in made[0].files)
    monkeypatch.setattr(module, "ROOM", int(2.5 * each))
    found, left_out = shown(made, ["a" * 64], tmp_path)
    assert [(one.dataset, one.image) for one in found] == [("one", "image-0"), ("two", "image-0")]
    assert left_out == 2


@pytest.mark.parametrize(("name", "sign"), [("betti_error", 1), ("accuracy", -1)])
def test_the_hardest_the_middle_and_the_easiest_are_chosen(name, sign):
    chosen = {"hu2019": protocol(ranked_by=name)}
    [table] = make_tables([*runs("a", 1.0, protocols=chosen), *runs("b", 2.0, protocols=chosen)])
    means = np.mean([entry.scores.images for entry in table.entries], axis=0)
    order = np.argsort(-sign * means, kind="stable")
    found = choose_images(table)
    assert [image for image, _ in found] == [table.images[order[place]] for place in (0, 1, 3)]
    assert found[0][1] == f"the hardest by {name}, the mean over methods"


@pytest.mark.parametrize(("dataset", "faults"), [("isbi2012", 1), ("synthetic-membranes", 0), ("toy", 1)])
def test_pictures_that_may_not_be_redistributed_are_a_fault(tmp_path, dataset, faults):
    made = runs("a", 1.0, dataset)
    for one in made:
        write_record(one, tmp_path / "records")
    write_scenes(tmp_path, [scene(tmp_path, dataset, run=made[0].run_id)])
    write_leaderboard(each_record([tmp_path], print), tmp_path)
    found = list(stale_files(tmp_path))
    assert [path for path, _ in found] == [tmp_path / "pictures"] * faults
    assert all(f"it has pictures of {dataset}, whose card does not say" in what for _, what in found)


def test_images_of_one_name_in_other_data_have_pictures_of_their_own(tmp_path):
    sample = Sample("image-0", np.zeros((1, 4, 4), np.float32), np.zeros((4, 4), bool))
    found = set()
    for letter in "ab":
        [table] = make_tables(runs("a", 1.0, data_hash=64 * letter))
        found.add(_Drawing(table, sample, tmp_path).scene("why", 64 * letter, []).image_file)
    assert len(found) == 2
    assert all((tmp_path / name).exists() for name in found)


def test_null_rows_choose_no_images():
    null = [type(one)(**{**one.__dict__, "kind": "null", "budget": {}}) for one in runs("null", 9.0, seeds=(0,))]
    [table] = make_tables([*runs("a", 1.0), *null])
    alone = choose_images(make_tables(runs("a", 1.0))[0])
    assert choose_images(table) == alone
