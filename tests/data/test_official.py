"""Every card on a small data set in exactly its official layout: what was written is what is read."""

import numpy as np
import pytest

from tests.data.official import write_official
from topobench import cards
from topobench.data.conformance import check_adapter
from topobench.data.dataset import open_card

NAMES = [name for name in cards.names("datasets") if cards.load_card(name).adapter != "synthetic"]


@pytest.fixture(params=NAMES)
def written(request, tmp_path):
    """The opened data set, and what was written into its files."""
    card = cards.load_card(request.param)
    (tmp_path / card.family).mkdir()
    card, made = write_official(card, tmp_path / card.family)
    return open_card(card, tmp_path), made


def test_what_was_written_is_what_is_read(written):
    dataset, made = written
    assert set(dataset.image_ids) == set(made)
    assert len(dataset) == dataset.card.count
    for sample in dataset:
        image, truth, valid = made[sample.image_id]
        assert sample.image.shape == (dataset.card.channels, *truth.shape)
        assert sample.image.dtype == np.float32
        lossy = ".jpg" in str(dataset.card.layout)
        wanted = np.moveaxis(np.atleast_3d(image), -1, 0) / 255
        assert np.abs(sample.image - wanted).max() <= (0.04 if lossy else 1e-6)
        assert np.array_equal(sample.truth, truth)
        assert (sample.valid is None) == (valid is None)
        assert valid is None or np.array_equal(sample.valid, valid)


def test_each_adapter_keeps_every_rule(written, tmp_path):
    report = check_adapter(written[0].card, tmp_path)
    assert report.failed == (), report
    assert report.counts()["folds are disjoint"]["passed"] == written[0].card.folds.number + 1


def test_the_hash_follows_the_bytes_of_every_file(written, tmp_path):
    dataset, _ = written
    before = open_card(dataset.card, tmp_path).data_hash
    assert open_card(dataset.card, tmp_path).data_hash == before
    for path in sorted((tmp_path / dataset.card.family).rglob("*.*"))[:6]:
        sound = path.read_bytes()
        path.write_bytes(sound + b"\0")
        assert open_card(dataset.card, tmp_path).data_hash != before
        path.write_bytes(sound)
