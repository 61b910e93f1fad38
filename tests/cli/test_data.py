"""The commands about data: `data status`, `data new`, `run --images --masks`, `--partial`, `--max-image-mib`."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from tests.cli.here import topobench_here
from tests.data.official import write_official
from topobench.cards import load_card


@pytest.fixture
def folders(tmp_path):
    """Images whose bright lines are the structure of the masks, named so that they have to be paired."""
    random = np.random.default_rng(0)
    for index in range(4):
        mask = np.zeros((80, 90), bool)
        mask[20 + 5 * index], mask[:, 30 + 9 * index] = True, True
        image = np.clip(0.3 + 0.5 * mask + 0.05 * random.normal(size=mask.shape), 0, 1)
        for folder, name, pixels in (("images", f"scan_{index}", image), ("masks", f"scan_{index}_mask", mask)):
            (tmp_path / "My Cells" / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray((255 * pixels).astype(np.uint8)).save(tmp_path / "My Cells" / folder / f"{name}.png")
    return tmp_path / "My Cells"


def own(folders, *more):
    return ["--images", folders / "images", "--masks", folders / "masks", *more]


def test_a_folder_of_ones_own_is_trained_on_and_scored(folders, suite_file, tmp_path):
    suite = suite_file()
    result = topobench_here("run", "--suite", suite, *own(folders, "--folds", "0,2"), "-o", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert "4 images of your own" in result.stderr
    assert "my-cells" in (tmp_path / "out" / "leaderboard.md").read_text()
    records = [json.loads(path.read_text()) for path in (tmp_path / "out" / "records").iterdir()]
    assert {row["image"] for record in records for row in record["rows"]} == {"scan_0", "scan_3"}
    assert {record["card"]["name"] for record in records} == {"my-cells"}
    again = topobench_here("run", "--suite", suite, *own(folders, "--folds", "0,2"), "-o", tmp_path / "out")
    assert again.stderr.count("finished before, found as") == 4


def test_options_of_ones_own_images(folders, suite_file, tmp_path):
    out = tmp_path / "out"
    for arguments, sentence in (
        (["--images", folders / "images"], "--images and --masks go together"),
        (own(folders, "--dataset", "isbi2012"), "Give either --images and --masks, or --dataset"),
        (own(folders, "--partial"), "Give either --images and --masks, or --partial"),
        (["--phase", "structure"], "--connectivity and --phase belong to --images"),
    ):
        result = topobench_here("run", "--suite", suite_file(), *arguments, "-o", out)
        assert result.returncode == 2
        assert sentence in result.stderr
    (folders / "masks" / "scan_3_mask.png").unlink()
    result = topobench_here("run", "--suite", suite_file(), *own(folders), "-o", out)
    assert result.returncode == 1
    assert "scan_3.png has no partner in" in result.stderr
    assert not out.exists()


def test_inverted_masks_are_said(folders, suite_file, tmp_path):
    for path in (folders / "masks").iterdir():
        Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    arguments = own(folders, "--connectivity", "4", "--phase", "structure")
    result = topobench_here("run", "--suite", suite_file(recipes=["unet-ce"]), *arguments, "-o", tmp_path / "out")
    assert "of the masks is structure (not 0); are they inverted?" in result.stderr
    [*_, record] = [json.loads(path.read_text()) for path in (tmp_path / "out" / "records").iterdir()]
    assert record["protocols"]["hu2019"]["connectivity"] == 4


def test_a_card_to_start_from(folders, tmp_path):
    arguments = ["data", "new", "cells", *own(folders), "-o", tmp_path / "cards"]
    result = topobench_here(*arguments)
    assert result.returncode == 0, result.stderr
    assert "4 images of 80 x 90 with 1 channels, 2 label values" in result.stdout
    assert "Taken for structure: the value 255." in result.stdout
    card = tmp_path / "cards" / "cells.toml"
    before = card.read_bytes()
    again = topobench_here(*arguments)
    assert again.returncode == 2
    assert "cells.toml exists; remove it, or choose another NAME" in again.stderr
    assert card.read_bytes() == before
    inspected = topobench_here("data", "inspect", card, "-o", tmp_path / "out")
    assert inspected.returncode == 0, inspected.stderr
    assert (tmp_path / "out" / "inspect-cells.png").exists()
    wrong = topobench_here("data", "new", "My Cells", *own(folders))
    assert wrong.returncode == 2
    assert "NAME is 'My Cells'; wanted are small letters and digits" in wrong.stderr


def test_an_edited_card_has_a_table_of_its_own(folders, tmp_path):
    """Whoever sees that structure and background are exchanged mends the card and scores again: never one row."""
    assert topobench_here("data", "new", "cells", *own(folders), "-o", tmp_path).returncode == 0
    card, text = tmp_path / "cells.toml", (tmp_path / "cells.toml").read_text()
    (tmp_path / "maps").mkdir()
    for index in range(4):
        Image.open(folders / "masks" / f"scan_{index}_mask.png").save(tmp_path / "maps" / f"scan_{index}.png")
    for structure, background in ((0, 255), (255, 0)):
        card.write_text(
            text.replace("[255]", f"[{structure}]").replace("background = [0]", f"background = [{background}]")
        )
        arguments = ["score", "--predictions", tmp_path / "maps", "--dataset", card, "-o", tmp_path / "out"]
        assert topobench_here(*arguments).returncode == 0
    tables = (tmp_path / "out" / "leaderboard.md").read_text()
    assert len(set(re.findall(r"## cells \(card version 1, \w{6} of 2\)", tables))) == 2
    assert re.search(r"\| 1† \| maps \(scored\) \| a \| 0\.000 .*?\| 1\.000 .*?\| 0\.000 .*?\| 1\.000 ", tables)


def test_status_of_what_is_there_in_part_and_not(tmp_path):
    for name in ("stare", "drive:official"):
        (tmp_path / load_card(name).family).mkdir()
        write_official(load_card(name), tmp_path / load_card(name).family)
    result = topobench_here("data", "status", "--data-dir", tmp_path)
    assert result.returncode == 0
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in result.stdout.splitlines()[3:31]}
    assert re.fullmatch(r"3 +20 +does not fit +fetch *", lines["stare"])
    assert re.fullmatch(r"8 +40 +does not fit +by hand *", lines["drive:official"])
    assert re.fullmatch(r"24 +24 +ready *", lines["synthetic-roads"])
    assert re.fullmatch(r"0 +30 +missing +by hand *", lines["isbi2012"])
    one = topobench_here("data", "status", "drive:official", "crackforest", "--data-dir", tmp_path)
    assert one.returncode == 1
    assert "Register at the home page" in one.stdout
    assert "  fold 0 scores 4 images (test-21, test-22, test-23 ... test-24) and trains on 4" in one.stdout
    assert "missing all 118 images" in one.stdout


def test_partial_is_offered_only_where_it_helps(folders, tmp_path):
    """A label that is missing is no image that is missing: the file is named, and --partial does not help."""
    assert topobench_here("data", "new", "cells", *own(folders), "-o", tmp_path).returncode == 0
    (folders / "masks" / "scan_3_mask.png").unlink()
    for more in ((), ("--partial",)):
        result = topobench_here("data", "inspect", tmp_path / "cells.toml", *more, "-o", tmp_path / "out")
        assert result.returncode == 1
        assert "scan_3.png has no label" in result.stderr
        assert "give --partial" not in result.stderr
    status = topobench_here("data", "status", tmp_path / "cells.toml")
    assert status.returncode == 1
    assert "3 of 4 images, and not all fits." in status.stdout


def test_status_says_that_no_folds_can_be_made(folders, tmp_path):
    assert topobench_here("data", "new", "cells", *own(folders), "-o", tmp_path).returncode == 0
    card = tmp_path / "cells.toml"
    card.write_text(card.read_text().replace("count = 3", "count = 5"))
    status = topobench_here("data", "status", card)
    assert status.returncode == 1
    assert "4 of 4 images, of which no folds can be made." in status.stdout
    assert "  4 images of 4 units cannot make 5 folds: some would be empty." in status.stdout
    assert "Looking in" not in status.stdout  # the card says where its files lie


def test_partial_data_are_scored_and_said(folders, suite_file, tmp_path):
    """A card of five images of which four are there: refused, and used when asked for; records and tables say so."""
    assert topobench_here("data", "new", "cells", *own(folders), "-o", tmp_path).returncode == 0
    card = tmp_path / "cells.toml"
    card.write_text(card.read_text().replace("count = 4", "count = 5"))
    (tmp_path / "maps").mkdir()
    for index in range(4):
        mask = np.asarray(Image.open(folders / "masks" / f"scan_{index}_mask.png"))
        Image.fromarray(mask).save(tmp_path / "maps" / f"scan_{index}.png")
    score = ["score", "--predictions", tmp_path / "maps", "--dataset", card, "-o", tmp_path / "out"]
    run = ["run", "--suite", suite_file(recipes=["unet-ce"]), "--dataset", card, "-o", tmp_path / "out"]
    for arguments in (score, run, ["data", "inspect", card, "-o", tmp_path / "out"]):
        refused = topobench_here(*arguments)
        assert refused.returncode == 1
        assert "lacks 1 of the 5 images images/{id}.png" in refused.stderr
        assert "To go on with the images that are there, give --partial (in Python partial=True)." in refused.stderr
        done = topobench_here(*arguments, "--partial")
        assert done.returncode == 0, done.stderr
    assert "cells.toml: 4 of 5 images, which --partial uses." in topobench_here("data", "status", card).stdout
    text = (tmp_path / "out" / "leaderboard.md").read_text()
    assert "cells (card version 1, 4 of 5 images)" in text
    assert "maps (scored)" in text


def test_the_limit_of_an_image_is_an_option(folders, monkeypatch, tmp_path):
    monkeypatch.setenv("TOPOBENCH_MAX_IMAGE_MIB", "1024")  # restored afterwards, for the command sets it
    Image.fromarray(np.zeros((1500, 1500), np.uint8)).save(folders / "images" / "scan_0.png")
    result = topobench_here("--max-image-mib", "2", "data", "new", "cells", *own(folders), "-o", tmp_path)
    assert result.returncode == 1
    assert "scan_0.png declares an image of 1500 x 1500 x 1 uint8, 2.146 MiB; the limit is 2 MiB" in result.stderr
