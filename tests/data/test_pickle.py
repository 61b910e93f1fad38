"""Data sets go to other processes: each adapter's survives pickle, open files and all, and reads the same."""

import pickle

import h5py
import numpy as np
import pytest

from topobench.cards import load_card
from topobench.data import open_dataset
from topobench.data.dataset import open_card
from topobench.registry import BUILTINS

OF_FILES = ["isbi2012", "crackforest", "stare", "vnc-sstem", "massachusetts-roads"]


def assert_same(dataset, image_ids):
    before = [dataset[image_id] for image_id in image_ids]  # opens whatever is read from
    digest = dataset.data_hash
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy.__dict__["data_hash"] == digest  # it travels: nothing is hashed again
    assert copy.members == dataset.members
    assert copy.identity() == dataset.identity()
    for sample in before:
        for found in (copy[sample.image_id], dataset[sample.image_id]):
            assert np.array_equal(found.image, sample.image)
            assert np.array_equal(found.truth, sample.truth)
            assert np.array_equal(found.valid, sample.valid)
            assert found.unit == sample.unit


@pytest.mark.parametrize("name", OF_FILES)
def test_data_sets_of_files(real_data, name):
    dataset = open_dataset(name, real_data, partial=True)
    assert_same(dataset, [dataset.image_ids[0], dataset.image_ids[-1]])


def test_synthetic_ones():
    assert_same(open_dataset("synthetic-roads"), ["image-00", "image-05"])


def test_volumes_in_hdf5(tmp_path):
    card = load_card("cremi")
    ids = np.arange(2 * 64 * 64).reshape(2, 64, 64) // 512
    volumes = [{"name": name, "file": f"{name}.hdf", "sections": 2} for name in "AB"]
    for volume in volumes:
        with h5py.File(tmp_path / volume["file"], "w") as file:
            file["volumes/raw"] = (ids % 256).astype(np.uint8)
            file["volumes/labels/neuron_ids"] = ids.astype(np.uint64)
    card = card.model_copy(
        update={
            "layout": {**card.layout, "volumes": volumes}, "count": 4, "shapes": ((64, 64),), "folder": str(tmp_path),
        }
    )  # fmt: skip
    assert_same(open_card(card), ["A-000", "B-001"])


def test_every_adapter_is_tried():
    assert {load_card(name).adapter for name in (*OF_FILES, "synthetic-roads", "cremi")} == set(BUILTINS["adapters"])
