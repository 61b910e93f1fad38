"""A server and a data set to be fetched from it."""

import pytest

from tests.data.fetch.collection import Collection
from tests.data.fetch.server import serving
from topobench.data.fetch import download


@pytest.fixture
def server():
    with serving() as found:
        yield found


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0.01)


@pytest.fixture
def collection(server, tmp_path):
    return Collection(server, tmp_path)
