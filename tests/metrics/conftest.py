"""What several tests of figures are given."""

import importlib.metadata

import pytest

from topobench.metrics import load_protocol


@pytest.fixture
def plugin(monkeypatch):
    """A function that makes `compute` the metric ``curliness`` of a plugin."""

    def install(compute):
        point = importlib.metadata.EntryPoint("curliness", "plugin:compute", "topobench.metrics")
        monkeypatch.setattr(importlib.metadata.EntryPoint, "load", lambda self: compute)
        monkeypatch.setattr("topobench.registry.entry_points", lambda group: [point] if "metrics" in group else [])
        return load_protocol("hu2019").changed(
            figures=("curliness", "dice"), columns=("curliness", "dice"), ranked_by="dice"
        )

    return install
