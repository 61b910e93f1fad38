"""A data set that was sent to another machine: whether its files are there, and the same."""

import pickle
import shutil

import numpy as np
import pytest
from PIL import Image

from topobench.cards import load_card
from topobench.data import open_dataset
from topobench.data.dataset import open_card
from topobench.data.own import binary_labels, card_of
from topobench.data.survey import survey


@pytest.fixture
def folder(tmp_path):
    for kind in ("images", "masks"):
        (tmp_path / "mine" / kind).mkdir(parents=True)
        for index in range(3):
            values = np.random.default_rng(index).integers(0, 2, (20, 30)) * 255
            Image.fromarray(values.astype(np.uint8)).save(tmp_path / "mine" / kind / f"{index}.png")
    return tmp_path / "mine"


@pytest.fixture
def sent(folder):
    """As another machine gets it: with the hash of its data."""
    found = survey(folder / "images", folder / "masks")
    dataset = open_card(card_of("mine", found, binary_labels(found), 8, "regions"))
    assert dataset.folder == folder
    assert len(dataset.data_hash) == 64
    return pickle.loads(pickle.dumps(dataset))


def test_the_same_is_there(sent):
    assert sent.why_not_here() == ""


def test_nothing_or_a_part_is_there(sent, folder):
    (folder / "masks" / "1.png").unlink()
    assert sent.why_not_here().startswith(f"{folder} lacks 1 of the 3 images images/")
    shutil.rmtree(folder)
    assert sent.why_not_here().startswith(f"{folder} lacks all 3 images images/")


def test_other_data_are_there(sent, folder):
    Image.new("L", (30, 20)).save(folder / "images" / "1.png")
    assert sent.why_not_here() == f"{folder} holds other data than the client's"


def test_what_is_drawn_is_everywhere():
    dataset = pickle.loads(pickle.dumps(open_card(load_card("synthetic-membranes"))))
    assert dataset.why_not_here() == ""


def test_folders_are_absolute(monkeypatch, folder):
    monkeypatch.chdir(folder.parent)
    assert open_dataset("synthetic-membranes", "data").folder == folder.parent / "data" / "synthetic-membranes"
