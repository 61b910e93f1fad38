"""`topobench rescore`: kept maps scored by later protocols, record by record, whatever is wrong with one of them."""

import shutil

import numpy as np
import pytest
from PIL import Image

import topobench
from tests.cli.here import topobench_here
from tests.conftest import ROOT, write_suite
from topobench import cards
from topobench.cli import rescore
from topobench.run.claims import alone
from topobench.run.store import Store
from topobench.scores import IDENTITY, make_record, read_record, read_records, record_path, write_record

NAMES = ("null-threshold", "unet-topo")
LABELS = {
    "null-threshold": "null-threshold on synthetic-membranes, fold 0",
    "unet-topo": "unet-topo on synthetic-membranes, fold 0 seed 0",
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The output folder of a tiny suite by hu2019."""
    folder = tmp_path_factory.mktemp("finished")
    result = topobench_here("run", "--suite", write_suite(folder), "-o", folder / "out", "--device", "cpu")
    assert result.returncode == 0, result.stderr
    return folder / "out"


@pytest.fixture
def out(finished, tmp_path):
    """A copy that the test may change: maps and records alone, as one publishes them."""
    for kind in ("records", "predictions"):
        shutil.copytree(finished / kind, tmp_path / "out" / kind)
    return tmp_path / "out"


@pytest.fixture
def protocol_file(tmp_path):
    """A function that writes hu2019 with few patches, changed, as a file of one's own."""
    text = (ROOT / "protocols" / "hu2019.toml").read_text(encoding="utf-8").replace("patches = 500", "patches = 10")

    def write(name="mine", before="", after=""):
        path = tmp_path / f"{name}.toml"
        path.write_text(text.replace('name = "hu2019"', f'name = "{name}"').replace(before, after), encoding="utf-8")
        return path

    return write


def rescored(out, *options, code=0):
    result = topobench_here("rescore", "-o", out, *options)
    assert result.returncode == code, result.stderr
    return result


def record_of(out, name):
    [path] = out.glob(f"records/{name}_*.json")
    return read_record(path)


def said(number, name, what, of=2):
    return f"[{number}/{of}] {LABELS[name]}: {what}\n"


def test_by_all_protocols(out, finished):
    protocols = topobench.list_names("protocols")
    result = rescored(out, "--protocol", "all")
    rest = ", ".join(name for name in protocols if name != "hu2019")
    assert result.stderr == "".join(said(number, name, rest) for number, name in enumerate(NAMES, start=1))
    for name in NAMES:
        before, after = (record_of(folder, name) for folder in (finished, out))
        assert set(after.protocols) == set(protocols)
        assert after.rows[:8] == before.rows
        assert len(after.rows) == 8 * len(protocols)
        assert (after.cost, after.environment, after.predictions) == (
            before.cost,
            before.environment,
            before.predictions,
        )
    board = (out / "leaderboard.md").read_text()
    assert all(f"protocol {name} v" in board for name in protocols)
    assert f"Leaderboard: {out / 'leaderboard.md'}" in result.stdout
    again = rescored(out, "--protocol", "all")
    everything = ", ".join(protocols)
    assert said(2, "unet-topo", f"nothing to do, {everything} up to date") in again.stderr
    assert again.stdout == result.stdout


def test_without_protocols_what_is_up_to_date_is_left_alone(out):
    before = {path: path.read_bytes() for path in out.glob("records/*")}
    result = rescored(out)
    assert result.stderr == "".join(
        said(number, name, "nothing to do, hu2019 up to date") for number, name in enumerate(NAMES, start=1)
    )
    assert {path: path.read_bytes() for path in out.glob("records/*")} == before


def test_without_protocols_those_that_changed_are_scored_again(out, protocol_file, tmp_path, monkeypatch):
    folder, shipped = tmp_path / "protocols", cards.folder
    folder.mkdir()
    protocol_file("hu2019", "version = 2", "version = 3").rename(folder / "hu2019.toml")
    monkeypatch.setattr(cards.places, "folder", lambda kind: folder if kind == "protocols" else shipped(kind))
    assert said(2, "unet-topo", "hu2019") in rescored(out).stderr
    record = record_of(out, "unet-topo")
    assert record.protocols["hu2019"]["version"] == 3
    assert len(record.rows) == 8


def test_variants_are_shipped_ones(out, protocol_file, tmp_path, monkeypatch):
    names = ["hu2019:33", "hu2019:whole-c4"]
    result = rescored(out, *(f"--protocol={name}" for name in names))
    assert said(2, "unet-topo", ", ".join(names)) in result.stderr
    record = record_of(out, "unet-topo")
    assert {name: (of["patch_size"], of["connectivity"]) for name, of in record.protocols.items()} == {
        "hu2019": (65, 8), "hu2019:33": (33, 8), "hu2019:whole-c4": (None, 4),
    }  # fmt: skip
    assert "| method | hu2019:33 | hu2019 | hu2019:whole-c4 |" in (out / "leaderboard.md").read_text(encoding="utf-8")
    again = rescored(out)
    assert said(2, "unet-topo", "nothing to do, hu2019, hu2019:33, hu2019:whole-c4 up to date") in again.stderr
    assert "not looked at" not in again.stderr
    folder, shipped = tmp_path / "protocols", cards.folder  # now the base has another version
    folder.mkdir()
    protocol_file("hu2019", "version = 2", "version = 3").rename(folder / "hu2019.toml")
    monkeypatch.setattr(cards.places, "folder", lambda kind: folder if kind == "protocols" else shipped(kind))
    assert said(2, "unet-topo", "hu2019, hu2019:33, hu2019:whole-c4") in rescored(out).stderr
    assert {of["version"] for of in record_of(out, "unet-topo").protocols.values()} == {3}


def test_a_variant_that_is_no_longer_one_is_not_looked_at(out, protocol_file, tmp_path, monkeypatch):
    rescored(out, "--protocol", "hu2019:33")
    folder, shipped = tmp_path / "protocols", cards.folder
    folder.mkdir()
    protocol_file("hu2019", "patch_size = 65", "patch_size = 33").rename(folder / "hu2019.toml")
    monkeypatch.setattr(cards.places, "folder", lambda kind: folder if kind == "protocols" else shipped(kind))
    assert said(1, "null-threshold", "hu2019:33 not looked at; give the file by --protocol to score by it") in (
        rescored(out).stderr
    )


def test_by_a_protocol_of_ones_own(out, protocol_file, tmp_path):
    mine = protocol_file()
    assert said(1, "null-threshold", "mine") in rescored(out, "--protocol", mine).stderr
    assert set(record_of(out, "unet-topo").protocols) == {"hu2019", "mine"}
    result = rescored(out)
    assert said(1, "null-threshold", "mine not looked at; give the file by --protocol to score by it") in result.stderr
    assert said(1, "null-threshold", "nothing to do, hu2019 up to date") in result.stderr
    changed = protocol_file("mine", "version = 2", "version = 3")
    rescored(out, "--protocol", changed, "--protocol", "topomortar")
    record = record_of(out, "unet-topo")
    assert {name: choices["version"] for name, choices in record.protocols.items()} == {
        "hu2019": 2, "mine": 3, "topomortar": 1,
    }  # fmt: skip
    assert len(record.rows) == 3 * 8


def test_kept_maps_scored_as_predictions_get_the_rows_of_the_run(out):
    [maps] = out.glob("predictions/unet-topo*")
    result = topobench_here(
        "score", "--predictions", maps, "--dataset", "synthetic-membranes", "--fold", 0, "--name", "kept", "-o", out
    )
    assert result.returncode == 0, result.stderr
    assert record_of(out, "kept").rows == record_of(out, "unet-topo").rows
    result = rescored(out, "--protocol", "topomortar")  # that record is not ours to score
    assert "[1/3] kept on synthetic-membranes, fold 0: skipped, these are somebody's predictions" in result.stderr
    assert set(record_of(out, "kept").protocols) == {"hu2019"}


def test_records_that_are_named(out, tmp_path):
    [path] = out.glob("records/unet-topo*")
    result = topobench_here("rescore", path, "--protocol", "topomortar")
    assert result.returncode == 0, result.stderr
    assert result.stderr == said(1, "unet-topo", "topomortar", of=1)
    assert (out / "leaderboard.md").is_file()  # of its own store
    for cwd, name in ((out / "records", path.name), (out, f"records/{path.name}"), (out.parent, "."), (out, ".")):
        result = topobench_here("rescore", name, "--protocol", "topomortar", cwd=cwd)
        assert result.returncode == 0, result.stderr
        assert "nothing to do" in result.stderr
    both = topobench_here("rescore", path, out, path.parent, "--protocol", "hu2019")
    assert "[2/2]" in both.stderr  # each once


def test_a_map_that_was_edited_costs_that_record_alone(out):
    [first, *_] = sorted(out.glob("predictions/null-threshold*/*.png"))
    Image.fromarray(255 - np.array(Image.open(first))).save(first)
    before = record_of(out, "null-threshold")
    result = rescored(out, "--protocol", "topomortar", code=1)
    assert f"Error: record {record_path(out / 'records', vars(before))}: {first}, of shape" in result.stderr
    assert record_of(out, "null-threshold") == before
    assert set(record_of(out, "unet-topo").protocols) == {"hu2019", "topomortar"}
    assert "protocol topomortar v" in (out / "leaderboard.md").read_text()


def test_maps_that_are_not_there(out):
    [folder] = out.glob("predictions/unet-topo*")
    shutil.rmtree(folder)
    result = rescored(out, "--protocol", "topomortar", code=1)
    assert f"the folder of its maps, {folder}, is missing. Copy it there; or remove the record" in result.stderr
    assert "topomortar" in record_of(out, "null-threshold").protocols


def test_a_torn_record_and_one_in_the_wrong_place(out):
    [null], [trained] = (list(out.glob(f"records/{name}*")) for name in NAMES)
    (out / "records" / "a-torn.json").write_bytes(trained.read_bytes()[:500])
    moved = null.rename(out / "records" / "moved.json")
    result = rescored(out, "--protocol", "topomortar", code=1)
    assert "a-torn.json is torn or not JSON" in result.stderr
    assert f"record {moved}: it does not lie where topobench run puts it, {null};" in result.stderr
    assert "topomortar" in record_of(out, "unet-topo").protocols
    assert "unet-topo" in (out / "leaderboard.md").read_text()


def test_a_store_without_a_sound_record_keeps_no_other_from_its_leaderboard(out, tmp_path):
    torn = tmp_path / "bad" / "records" / "torn.json"
    torn.parent.mkdir(parents=True)
    torn.write_text("{")
    result = topobench_here("rescore", tmp_path / "bad", out)
    assert result.returncode == 1
    assert (
        f"Error: no records in {torn.parent}; name record files (*.json), or a folder that topobench run"
        in result.stderr
    )
    assert "Traceback" not in result.stderr
    assert (out / "leaderboard.md").is_file()


def test_data_that_are_not_there_are_wanted_only_for_what_is_scored(out, tmp_path):
    copy = shutil.copytree(out, tmp_path / "copy")
    for path in list(copy.glob("records/*")):
        record = read_record(path)
        identity = {name: getattr(record, name) for name in IDENTITY} | {"card": {**record.card, "name": "isbi2012"}}
        made = make_record(identity, "finished", record.protocols, record.rows, {}, {}, {}, record.predictions)
        write_record(made, path.parent)
        path.unlink()
    assert "nothing to do" in topobench_here("rescore", copy, "--data-dir", tmp_path).stderr
    result = topobench_here("rescore", copy, "--data-dir", tmp_path, "--protocol", "topomortar")
    assert result.returncode == 1
    for path in copy.glob("records/*"):
        assert f"Error: record {path}: data set 'isbi2012' lacks train-volume.tif" in result.stderr


def test_a_failed_run_is_passed_over(tmp_path):
    recipe = tmp_path / "broken.toml"
    text = (ROOT / "baselines" / "unet-ce.toml").read_text().replace("learning_rate = 0.001", "learning_rate = 1e30")
    recipe.write_text(text.replace('name = "unet-ce"', 'name = "broken"'))
    out = tmp_path / "out"
    assert topobench_here("run", "--suite", write_suite(tmp_path), "--recipe", recipe, "-o", out).returncode == 1
    result = rescored(out, "--protocol", "topomortar")
    assert "broken on synthetic-membranes, fold 0 seed 0: skipped, failed: NaN or infinite" in result.stderr


@pytest.fixture
def folders(tmp_path):
    """Images and masks of one's own, scored by a null row: the folder, and the output folder of the run."""
    random = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (tmp_path / "clinic" / kind).mkdir(parents=True)
    for name in "abcd":
        mask = random.random((70, 70)) < 0.2
        Image.fromarray(mask).save(tmp_path / "clinic" / "masks" / f"{name}.png")
        Image.fromarray((200 * mask + 20).astype(np.uint8)).save(tmp_path / "clinic" / "images" / f"{name}.png")
    own = ["--images", tmp_path / "clinic" / "images", "--masks", tmp_path / "clinic" / "masks", "--connectivity", 4]
    result = topobench_here(
        "run", "--suite", write_suite(tmp_path, recipes=["unet-ce"]), *own, "-o", tmp_path / "out", "--device", "cpu"
    )
    assert result.returncode == 0, result.stderr
    return tmp_path, own


def test_folders_of_ones_own(folders):
    folder, own = folders
    result = rescored(folder / "out", "--protocol", "topomortar", *own)
    assert "[2/2] unet-ce on clinic, fold 0 seed 0: topomortar" in result.stderr
    assert "topomortar" in record_of(folder / "out", "unet-ce").protocols


def test_data_that_changed_and_data_that_are_not_named(folders):
    folder, own = folders
    result = rescored(folder / "out", "--protocol", "topomortar", code=1)
    assert result.stderr.count("For data of your own give --dataset FILE.toml, or --images and --masks") == 2
    result = rescored(folder / "out", "--protocol", "topomortar", *own[:4], code=1)
    assert "the card of 'clinic' is not that of the run: connectivity was {'connectivity': 4}" in result.stderr
    image = folder / "clinic" / "images" / "d.png"
    Image.fromarray(255 - np.array(Image.open(image))).save(image)
    result = rescored(folder / "out", "--protocol", "topomortar", *own, code=1)
    assert result.stderr.count("the data of 'clinic' are not those of the run: their data_hash was") == 2
    assert set(record_of(folder / "out", "unet-ce").protocols) == {"hu2019"}


def test_a_card_of_ones_own_and_data_that_are_missing(folders):
    folder, own = folders
    card = folder / "clinic.toml"
    made = topobench_here("data", "new", "clinic", *own[:4], cwd=folder)
    assert made.returncode == 0, made.stderr
    out = folder / "by-card"
    suite = write_suite(folder, recipes=["unet-ce"])
    result = topobench_here("run", "--suite", suite, "--dataset", card, "-o", out, "--device", "cpu")
    assert result.returncode == 0, result.stderr
    rescored(out, "--protocol", "topomortar", "--dataset", card)
    assert "topomortar" in record_of(out, "unet-ce").protocols
    (folder / "clinic" / "masks" / "d.png").unlink()
    result = topobench_here("rescore", "-o", out, "--protocol", "stucki2023", "--dataset", card)
    assert result.returncode == 1
    assert "d.png" in result.stderr


def test_interrupted_between_two_records(out, monkeypatch):
    from topobench.run import rescore

    maps, read = [], rescore.read_map

    def interrupted(folder, image_id, sha256):
        maps.append(image_id)
        if len(maps) == 12:
            raise KeyboardInterrupt
        return read(folder, image_id, sha256)

    monkeypatch.setattr(rescore, "read_map", interrupted)
    before = record_of(out, "unet-topo")
    assert "Interrupted." in rescored(out, "--protocol", "topomortar", code=130).stderr
    assert "topomortar" in record_of(out, "null-threshold").protocols
    assert record_of(out, "unet-topo") == before
    assert not list(out.rglob("*.part"))
    result = rescored(out, "--protocol", "topomortar")  # goes on from there
    assert said(1, "null-threshold", "nothing to do, topomortar up to date") in result.stderr
    assert len(read_records([out / "records"])[0][1].rows) == 16


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        ([], 2, "topobench-out holds no folder of records; name with -o a folder that topobench run filled."),
        (["-o", "nowhere"], 2, "nowhere holds no folder of records"),
        (["nowhere"], 2, "nowhere does not exist; name record files, or a folder that holds them."),
        (["empty"], 2, "empty holds no records (*.json)"),
        (["-o", "bare"], 2, "holds no records (*.json)"),
        (["--protocol", "hu2018"], 2, "no protocol is named 'hu2018' (did you mean 'hu2019'?)"),
        (["--protocol", "none.toml"], 1, "none.toml cannot be read"),
        (["--protocol", "low.toml"], 2, "protocol 'low' takes structure from a likelihood of 0.4 on"),
        (["empty", "-o", "bare"], 2, "Give either RECORDS or -o"),
        (["--images", "."], 2, "--images and --masks go together"),
        (["--images", ".", "--masks", ".", "--dataset", "x"], 2, "Give either --images and --masks, or --dataset."),
        (["--phase", "regions"], 2, "--connectivity and --phase belong to --images"),
    ],
)
def test_wrong_arguments_get_a_sentence(tmp_path, protocol_file, arguments, code, part):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bare" / "records").mkdir(parents=True)
    protocol_file("low", "threshold = 0.5", "threshold = 0.4")
    before = sorted(tmp_path.rglob("*"))
    result = topobench_here("rescore", *arguments, cwd=tmp_path)
    assert result.returncode == code
    assert part in result.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_data_set_that_is_not_named_right(out):
    result = topobench_here("rescore", "-o", out, "--dataset", "isbi")
    assert result.returncode == 2
    assert "no data set is named 'isbi'" in result.stderr


def test_a_run_that_another_process_is_at_is_left_to_it(out, monkeypatch):
    [path] = out.glob("records/unet-topo*.json")
    before, place = path.read_bytes(), Store(out).named(path.stem)
    monkeypatch.setattr(rescore, "PATIENCE", 0.0)
    with alone(place, pytest.fail):
        result = topobench_here("rescore", "-o", out, "--protocol", "cldice64")
    assert result.returncode == 1
    assert f"record {path}: another process is at this run; rescore it when that has ended." in result.stderr
    assert path.read_bytes() == before
