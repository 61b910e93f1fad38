"""`topobench score`: every kind of prediction, several protocols, post-processing, and what it writes."""

import csv
import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

import topobench
from tests.cli.here import topobench_here
from topobench.cards import folder as folder_of
from topobench.metrics import load_protocol, remove_small, score


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """Three likelihoods, their truths, and folders that hold the maps in every way that is read."""
    folder = tmp_path_factory.mktemp("maps")
    random = np.random.default_rng(0)
    truth = random.random((3, 70, 66)) < 0.1
    truth[:, 30:33] = truth[:, :, 40:42] = True
    likelihood = np.clip(0.7 * truth + 0.4 * random.random(truth.shape), 0, 1)
    levels = np.rint(likelihood * 255)
    names = ("one", "three", "two")  # in the order of their names
    (folder / "truth").mkdir()
    for name, mask in zip(names, truth, strict=True):
        Image.fromarray(mask).save(folder / "truth" / f"{name}.png")
    savers = {
        "png8": lambda path, page: Image.fromarray(page.astype(np.uint8)).save(f"{path}.png"),
        "png16": lambda path, page: Image.fromarray((257 * page).astype(np.uint16)).save(f"{path}.png"),
        "tiff": lambda path, page: tifffile.imwrite(f"{path}.tif", page.astype(np.uint8)),
        "npy": lambda path, page: np.save(f"{path}.npy", (page / 255).astype(np.float32)),
    }
    for kind, save in savers.items():
        (folder / kind).mkdir()
        for name, page in zip(names, levels, strict=True):
            save(folder / kind / name, page)
    for kind in ("stack-tiff", "stack-npy"):
        (folder / kind).mkdir()
    tifffile.imwrite(folder / "stack-tiff" / "all.tif", levels.astype(np.uint8), photometric="minisblack")
    np.save(folder / "stack-npy" / "all.npy", (levels / 255).astype(np.float32))
    return folder, names, truth, levels / 255


def scored(folder, kind, out, *options):
    result = topobench_here("score", "--predictions", folder / kind, "--truth", folder / "truth", "-o", out, *options)
    assert result.returncode == 0, result.stderr
    records = [json.loads(path.read_text()) for path in sorted((out / "records").iterdir())]
    return result, sorted(records, key=lambda record: len(record["recipe"]["name"]))


@pytest.mark.parametrize("kind", ["png8", "png16", "tiff", "npy", "stack-tiff", "stack-npy"])
def test_every_kind_of_file_gives_the_same_figures(maps, tmp_path, kind):
    folder, names, truth, likelihood = maps
    _, [record] = scored(folder, kind, tmp_path)
    for row, name, mask, page in zip(record["rows"], names, truth, likelihood, strict=True):
        wanted = score(page, mask, image_id=name)
        assert row["image"] == name
        assert row["figures"] == pytest.approx(dict(wanted))
        assert row["valid_pixels"] == 70 * 66


def test_all_protocols_in_one_command(maps, tmp_path):
    folder, names, truth, likelihood = maps
    result, [record] = scored(folder, "npy", tmp_path, "--protocol", "all", "--name", "mine")
    protocols = topobench.list_names("protocols")
    assert list(record["protocols"]) == protocols
    assert len(record["rows"]) == 3 * len(protocols)
    for row in record["rows"]:
        page = names.index(row["image"])
        wanted = score(likelihood[page], truth[page], row["protocol"], image_id=row["image"])
        assert row["figures"] == pytest.approx(dict(wanted), nan_ok=True)
    for name in protocols:
        assert f"{name} v{load_protocol(name).version}, mean over 3 images" in result.stdout
        assert f"protocol {name} v" in (tmp_path / "leaderboard.md").read_text()
    lines = [line for line in result.stdout.splitlines() if str(tmp_path) not in line]
    assert max(map(len, lines)) <= 80


@pytest.fixture
def cells_kept(tmp_path, monkeypatch):
    """A plugin's metric of which high is better, and a protocol file that is ranked by it; returns the file."""
    (tmp_path / "cells_module.py").write_text(
        "from topobench.metrics import Figure, defines\n\n\n"
        "@defines(Figure('cells_kept', 'high', 'share of true cells found', 'of 1', 'Doe 2030', (0.0, 1.0)))\n"
        "def cells_kept(case):\n    'Count cells.'\n    return {'cells_kept': 0.75}\n"
    )
    info = tmp_path / "my_cells-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-cells\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[topobench.metrics]\ncells_kept = cells_module:cells_kept\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    text = (folder_of("protocols") / "hu2019.toml").read_text(encoding="utf-8").replace('"hu2019"', '"mine"')
    text = re.sub(r"(?ms)^figures = .*?^ranked_by = [^\n]*$", "FIGURES", text)
    mine = 'figures = ["cells_kept", "dice"]\ncolumns = ["cells_kept"]\nranked_by = "cells_kept"'
    (tmp_path / "mine.toml").write_text(text.replace("FIGURES", mine), encoding="utf-8")
    return tmp_path / "mine.toml"


def test_a_metric_of_a_plugin_from_the_command_to_the_page(maps, tmp_path, cells_kept):
    assert re.search(r"(?m)^cells_kept$", topobench_here("list", "metrics").stdout)
    assert "cells_module" not in sys.modules  # listing imports nobody's code
    shown = topobench_here("show", "cells_kept").stdout
    assert "high is better: share of true cells found [of 1] (Doe 2030)\n\ncells_kept(case)\n\nCount cells." in shown
    result, [record] = scored(maps[0], "npy", tmp_path, "--protocol", cells_kept)
    assert re.search(r"cells_kept ↑ +0\.75 +of 1", result.stdout)
    assert record["protocols"]["mine"]["plugin_figures"]["cells_kept"] == {
        "better": "high", "meaning": "share of true cells found", "unit": "of 1", "source": "Doe 2030",
        "range": [0.0, 1.0], "origin": "my-cells 1.2",
    }  # fmt: skip
    about = record["plugins"]["metric cells_kept"]
    assert (about["origin"], about["object"], len(about["code"])) == ("my-cells 1.2", "cells_module:cells_kept", 64)
    assert "cells_kept of my-cells 1.2" in (tmp_path / "leaderboard.md").read_text(encoding="utf-8")


def test_with_and_without_post_processing(maps, tmp_path):
    folder, names, truth, likelihood = maps
    result, [plain, cleaned] = scored(
        folder, "png8", tmp_path, "--postprocess", "remove-small=4", "--threshold", "0.4", "--name", "mine",
        "--protocol", "hu2019", "--protocol", "stucki2023",
    )  # fmt: skip
    assert plain["recipe"]["name"] == "mine, threshold 0.4"
    assert cleaned["recipe"]["name"] == "mine, threshold 0.4, remove-small=4"
    for record, clean in ((plain, False), (cleaned, True)):
        for row in record["rows"]:
            page, connectivity = names.index(row["image"]), record["protocols"][row["protocol"]]["connectivity"]
            mask = likelihood[page] >= 0.4
            mask = remove_small(mask, 4, connectivity) if clean else mask
            wanted = score(mask, truth[page], row["protocol"], image_id=row["image"])
            assert row["figures"] == pytest.approx(dict(wanted), nan_ok=True)
    assert re.search(r"betti_error ↓ +\d\S* +\d\S* +classes", result.stdout)  # side by side
    assert (cleaned["recipe"]["threshold"], cleaned["recipe"]["remove_small"]) == (0.4, 4)
    tables = [pd.read_csv(path) for path in sorted((tmp_path / "scores").iterdir())]
    assert {(table["threshold"].iloc[0], table["remove_small"].notna().all()) for table in tables} == {
        (0.4, True),
        (0.4, False),
    }
    board = (tmp_path / "leaderboard.md").read_text()
    assert "mine, threshold 0.4, remove-small=4 (scored)" in board
    assert board.count("### truth, protocol") == 2  # one table a protocol, both rows in it


def test_several_steps_of_post_processing(maps, tmp_path):
    _, records = scored(maps[0], "npy", tmp_path, "--postprocess", "remove-small=4", "--postprocess", "remove-small=9")
    assert [record["recipe"]["name"] for record in records] == ["npy", "npy, remove-small=4", "npy, remove-small=9"]


def test_predictions_that_share_nothing_with_the_truth_get_a_warning(maps, tmp_path):
    folder, names, truth, _ = maps
    mine = tmp_path / "inverted"
    mine.mkdir()
    for name, mask in zip(names, truth, strict=True):
        np.save(mine / f"{name}.npy", ~mask)
    options = ["--predictions", mine, "--truth", folder / "truth", "-o", tmp_path / "o"]
    assert "Warning: prediction and truth share no pixel" in topobench_here("score", *options).stderr
    options[1] = folder / "npy"
    assert "Warning" not in topobench_here("score", *options).stderr


def test_the_wrong_fold_gets_a_sentence(tmp_path):
    dataset = topobench.load_dataset("synthetic-membranes")
    mine = tmp_path / "mine"
    mine.mkdir()
    for image_id in dataset.fold(2)[1]:
        np.save(mine / f"{image_id}.npy", dataset[image_id].truth)
    result = topobench_here("score", "--predictions", mine, "--dataset", "synthetic-membranes", "--fold", 1)
    assert result.returncode == 1
    assert "none of those asked for: image-08, image-09" in result.stderr
    status = topobench_here("data", "status", "synthetic-membranes").stdout
    assert "fold 2 scores 8 images (image-16, image-17, image-18 ... image-23) and trains on 16" in status


def test_csv_of_every_image(maps, tmp_path):
    folder, names, *_ = maps
    result, [record] = scored(folder, "npy", tmp_path, "--protocol", "hu2019", "--protocol", "topomortar")
    [path] = (tmp_path / "scores").iterdir()
    assert f"Figures of every image: {path}" in result.stdout
    table = pd.read_csv(path)
    assert table["image"].tolist() == [name for name in names for _ in range(2)]
    assert set(table["protocol"]) == {"hu2019", "topomortar"}
    hu = table[table["protocol"] == "hu2019"]
    assert hu["betti_error"].tolist() == pytest.approx([row["figures"]["betti_error"] for row in record["rows"][::2]])
    assert (hu["patch_size"].iloc[0], hu["patches"].iloc[0], hu["connectivity"].iloc[0], hu["seed"].iloc[0]) == (
        65,
        500,
        8,
        0,
    )
    assert hu["hd95"].isna().all()  # not a figure of hu2019


def test_undefined_figures_are_counted_on_the_terminal_and_explained_in_the_csv(tmp_path):
    for name in ("truth", "mine"):
        (tmp_path / name).mkdir()
        for image in "ab":
            mask = np.zeros((65, 65), bool)
            mask[32, 5:60] = image == "a" or name == "mine"
            np.save(tmp_path / name / f"{image}.npy", mask)
    result, [record] = scored(tmp_path, "mine", tmp_path / "o", "--protocol", "topomortar")
    assert re.search(r"hd95 ↓ +0 \(1 undefined\) +pixels", result.stdout)
    assert re.search(r"^1 +mine \(scored\) .* 0\.000\* +1\.000\*", result.stdout, re.MULTILINE)
    assert "* undefined for some images" in result.stdout
    assert "Ranked by betti_error_whole." in " ".join(result.stdout.split())
    assert "0.000 (1 of 2 undefined)" in (tmp_path / "o" / "leaderboard.md").read_text()
    assert record["rows"][1]["figures"]["hd95"] is None
    [path] = (tmp_path / "o" / "scores").iterdir()
    second = list(csv.DictReader(path.read_text().splitlines()))[1]
    assert (second["hd95"], second["cldice"]) == ("", "")
    assert "hd95: the truth has no structure" in second["undefined"]


def test_a_protocol_from_a_file(maps, tmp_path):
    text = (topobench.cards.folder("protocols") / "hu2019.toml").read_text()
    mine = tmp_path / "mine.toml"
    mine.write_text(text.replace('"hu2019"', '"mine"').replace("patches = 500", "patches = 20"))
    _, [record] = scored(maps[0], "npy", tmp_path / "o", "--protocol", mine)
    assert record["protocols"]["mine"]["patches"] == 20
    assert {row["protocol"] for row in record["rows"]} == {"mine"}


@pytest.mark.parametrize(
    ("options", "code", "part"),
    [
        (["--postprocess", "remove-small=0"], 2, "write remove-small=N with N pixels from 1 on"),
        (["--postprocess", "open=3"], 2, "'open=3' is no step"),
        (["--threshold", "nan"], 2, "nan is not in the range 0<=x<=1"),
        (["--name", "a" * 101], 2, "must consist of at most 100 letters"),
        (["-o", "/dev/null/x"], 1, "/dev/null"),
        (["--threshold", "1.5"], 2, "1.5 is not in the range 0<=x<=1"),
        (["--protocol", "hu2018"], 2, "did you mean 'hu2019'?"),
        (["--protocol", "stucki2023", "--connectivity", "8"], 2, "fixes the connectivity to 4; leave out"),
        (["--protocol", "none.toml"], 1, "none.toml cannot be read"),
        (["--fold", "0"], 2, "--fold belongs to --dataset"),
        (["--dataset", "isbi2012"], 2, "Give either --truth DIR or --dataset NAME"),
    ],
)
def test_wrong_options_get_a_sentence(maps, tmp_path, options, code, part):
    folder = maps[0]
    result = topobench_here(
        "score", "--predictions", folder / "npy", "--truth", folder / "truth", "-o", tmp_path / "o", *options
    )
    assert result.returncode == code
    assert part in result.stderr
    assert not (tmp_path / "o").exists()


def test_all_protocols_leave_to_those_that_fix_it_their_connectivity(maps, tmp_path):
    _, [record] = scored(maps[0], "npy", tmp_path, "--protocol", "all", "--connectivity", "4")
    assert record["protocols"]["hu2019"]["connectivity"] == record["protocols"]["stucki2023"]["connectivity"] == 4
    assert record["protocols"]["topomortar"]["connectivity"] == 8


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda folder: (folder / "two.npy").unlink(), "two lacking"),
        (lambda folder: np.save(folder / "four.npy", np.zeros((70, 66))), "four not asked for"),
        (lambda folder: np.save(folder / "two.npy", np.zeros((66, 70))), r"two.npy has the shape \(66, 70\)"),
        (lambda folder: np.save(folder / "two.npy", np.full((70, 66), 3.0)), r"two.npy holds float64 in \[3.0, 3.0\]"),
        (
            lambda folder: np.save(folder / "two.npy", np.full((70, 66), np.nan)),
            r"two.npy holds float64 in \[nan, nan\]",
        ),
        (lambda folder: (folder / "two.npy").write_text("text"), "two.npy cannot be read as an image"),
    ],
)
def test_wrong_predictions_get_a_sentence(maps, tmp_path, change, part):
    mine = tmp_path / "mine"
    mine.mkdir()
    for path in (maps[0] / "npy").iterdir():
        (mine / path.name).write_bytes(path.read_bytes())
    change(mine)
    result = topobench_here("score", "--predictions", mine, "--truth", maps[0] / "truth", "-o", tmp_path / "o")
    assert result.returncode == 1
    assert re.search(part, result.stderr), result.stderr
    assert not (tmp_path / "o").exists()


def test_scoring_again_by_another_protocol_keeps_the_first(maps, tmp_path):
    scored(maps[0], "npy", tmp_path)
    _, [both] = scored(maps[0], "npy", tmp_path, "--protocol", "cldice64")
    assert set(both["protocols"]) == {"hu2019", "cldice64"}
    _, records = scored(maps[0], "npy", tmp_path, "--protocol", "cldice64", "--connectivity", "4")
    assert len(records) == 2  # another connectivity is another truth: nothing is overwritten
    assert (tmp_path / "leaderboard.md").read_text().count("### truth, protocol") == 3


def test_a_threshold_that_is_the_protocols_own_is_no_other_method(maps, tmp_path):
    scored(maps[0], "npy", tmp_path)
    _, [record] = scored(maps[0], "npy", tmp_path, "--threshold", "0.5")
    assert record["recipe"]["name"] == "npy"
    _, records = scored(maps[0], "npy", tmp_path, "--threshold", "0.5000003")
    assert [record["recipe"]["name"] for record in records] == ["npy", "npy, threshold 0.5000003"]


def test_folds_scored_one_by_one_make_one_ranked_method(tmp_path):
    dataset = topobench.load_dataset("synthetic-membranes")
    mine = tmp_path / "mine"
    mine.mkdir()
    for sample in dataset:
        np.save(mine / f"{sample.image_id}.npy", sample.truth)
    for fold in range(3):  # all images lie in one folder; each fold takes its own
        result = topobench_here(
            "score", "--predictions", mine, "--dataset", "synthetic-membranes", "--fold", fold, "-o", tmp_path / "o"
        )
        assert result.returncode == 0, result.stderr
    [row] = [line for line in (tmp_path / "o" / "leaderboard.md").read_text().splitlines() if "| mine (scored)" in line]
    assert re.sub(r" \[.*?\]", "", row).startswith(
        "| 1† | mine (scored) | a | 0.000 | 1.000 | 0.000 | 1.000 | 1.000 | 0.000 | 24 |"
    )


def test_what_was_scored_is_kept_though_nobody_reads_the_tables(maps, tmp_path):
    command = f"{sys.executable} -m topobench score --predictions {maps[0] / 'npy'} --truth {maps[0] / 'truth'}"
    subprocess.run(
        f"{command} --protocol all -o {tmp_path / 'o'} | head -n 1", shell=True, capture_output=True, check=True
    )
    [path] = (tmp_path / "o" / "records").iterdir()
    assert len(json.loads(path.read_text())["protocols"]) == 6


def test_two_protocols_of_one_name(maps, tmp_path):
    text = (topobench.cards.folder("protocols") / "hu2019.toml").read_text()
    (tmp_path / "hu2019.toml").write_text(text.replace("patches = 500", "patches = 20"))
    options = ["--protocol", "hu2019", "--protocol", tmp_path / "hu2019.toml"]
    result = topobench_here(
        "score", "--predictions", maps[0] / "npy", "--truth", maps[0] / "truth", "-o", tmp_path / "o", *options
    )
    assert result.returncode == 2
    assert "Two protocols that differ are named 'hu2019'" in result.stderr
