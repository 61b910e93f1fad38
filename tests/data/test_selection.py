"""A selection of a data set: a sequence whose samples are read when they are asked for."""

import numpy as np
import pytest

from topobench import load_dataset


def test_a_selection_reads_what_is_asked_for(monkeypatch):
    dataset, read = load_dataset("synthetic-membranes"), []
    adapter = dataset._adapter
    monkeypatch.setattr(
        dataset, "_adapter", type("Spy", (), {"read": lambda _, name: read.append(name) or adapter.read(name)})()
    )
    chosen = dataset.select(["image-03", "image-01", "image-02"])
    assert len(chosen) == 3
    assert read == []
    assert chosen[1].image_id == chosen[-2].image_id == "image-01"
    assert read == ["image-01"] * 2
    part = chosen[1:]
    assert len(part) == 2
    assert [sample.image_id for sample in part] == ["image-01", "image-02"]
    assert np.array_equal(part[0].image, dataset["image-01"].image)
    with pytest.raises(IndexError):
        chosen[3]
