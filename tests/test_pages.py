"""The pages that say how to add something, typed as they stand; what they make is found, trained, scored and named."""

import json
import shutil

import pytest

from tests.conftest import ROOT
from tests.pages import Reader


@pytest.fixture
def reader(tmp_path):
    return Reader(tmp_path)


def records(folder):
    """The records in an output folder, by the names of their recipes."""
    found = [json.loads(path.read_text()) for path in (folder / "records").glob("*.json")]
    return {record["recipe"]["name"]: record for record in found}


def test_a_model_is_made_installed_checked_trained_scored_and_named(reader):
    reader.follow(ROOT / "docs" / "add-a-model.md")
    found = records(reader.folder / "topobench-out")
    assert {"my-net", "unet-ce", "null-threshold"} < set(found)
    assert found["my-net"]["status"] == "finished"
    assert all(row["figures"]["betti_error"] is not None for row in found["my-net"]["rows"])
    assert {name: about["origin"] for name, about in found["my-net"]["plugins"].items()} == {
        "model my-net": "my-net 0.1.0", "recipe my-net": "my-net 0.1.0",
    }  # fmt: skip
    board = (reader.folder / "topobench-out" / "leaderboard.md").read_text()
    assert "| my-net |" in board
    reader.type("pytest -q my-net")
    assert "3 passed" in reader.printed[-1][1]


def test_a_loss_in_a_file(reader):
    reader.follow(ROOT / "docs" / "add-a-loss.md")
    assert (reader.folder / "brier.png").stat().st_size > 10_000


def test_a_data_set_by_folders_by_a_card_and_by_an_adapter(reader):
    reader.follow(ROOT / "docs" / "add-a-dataset.md")
    assert not (reader.folder / "topobench-out" / "records").exists()


def test_the_example_of_a_loss_a_recipe_and_a_card(reader):
    shutil.copytree(ROOT / "examples" / "grains", reader.folder, dirs_exist_ok=True)
    reader.follow(reader.folder / "README.md")
    found = records(reader.folder / "topobench-out")
    assert found.keys() == {"unet-tversky", "unet-ce", "null-threshold"}
    assert all(record["status"] == "finished" for record in found.values())
    assert set(found["unet-tversky"]["plugins"]) == {"loss tversky", "recipe unet-tversky", "card grains"}
    assert set(found["unet-ce"]["plugins"]) == {"card grains"}
