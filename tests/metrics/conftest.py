"""What several tests of figures are given."""

import pytest

from tests.distribution import offer
from topobench.metrics import load_protocol


@pytest.fixture
def plugin(monkeypatch):
    """A function that makes `compute` the metric ``curliness`` of a plugin."""

    def install(compute):
        offer(monkeypatch, "metrics", "curliness", compute)
        return load_protocol("hu2019").changed(
            figures=("curliness", "dice"), columns=("curliness", "dice"), ranked_by="dice"
        )

    return install
