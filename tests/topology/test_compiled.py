"""Compiled code is kept on disk: beside the source, else in the user's cache folder, else not at all."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

COUNT = """
import numpy as np
from topobench.topology import betti_numbers
from topobench.topology.labelling import count_components_and_holes as kernel
assert betti_numbers(np.eye(5, dtype=bool), 4) == (5, 0)
print(sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values()))
"""


@pytest.fixture
def site(tmp_path):
    """A copy of the package, without what was compiled before."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "topobench", tmp_path / "site" / "topobench", ignore=ignored)
    return tmp_path / "site"


def run(site, **variables):
    """Hits and misses of the cache in a fresh process."""
    keep = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment = keep | {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"} | variables
    found = subprocess.run([sys.executable, "-c", COUNT], env=environment, cwd=site, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return found.stdout.split()


def forbid_writing(folder):
    """Put a file where numba would make its folder: that stops root, whom permissions do not."""
    (folder / "__pycache__").write_text("")


def test_kept_beside_the_source(site, tmp_path):
    home = tmp_path / "home"
    assert run(site, HOME=str(home), XDG_CACHE_HOME=str(home / "cache")) == ["0", "1"]
    assert list((site / "topobench" / "topology" / "__pycache__").glob("labelling.count*.nbc"))
    assert run(site, HOME=str(home), XDG_CACHE_HOME=str(home / "cache")) == ["1", "0"]
    assert not home.exists()


def test_a_read_only_install_keeps_it_in_the_cache_of_the_user(site, tmp_path):
    forbid_writing(site / "topobench" / "topology")
    cache = tmp_path / "cache"
    assert run(site, XDG_CACHE_HOME=str(cache)) == ["0", "1"]
    assert list(cache.rglob("labelling.count*.nbc"))
    assert run(site, XDG_CACHE_HOME=str(cache)) == ["1", "0"]


def test_where_nothing_can_be_written_it_is_compiled_anew(site):
    forbid_writing(site / "topobench" / "topology")
    for _ in range(2):
        assert run(site, HOME="/dev/null", XDG_CACHE_HOME="/dev/null")[0] == "0"


EVERY_SHAPE = """
import numpy as np
from tests.topology.test_cubical import LONG_WAYS
from topobench.topology import betti_numbers, label_components, match_barcodes, persistence_pairs
from topobench.topology import simple_points, thicken, thin
random = np.random.default_rng(0)
shapes = [(1, 1), (1, 7), (7, 1), (2, 2), (2, 9), (3, 8), (8, 3), (13, 11), (40, 41)]
images = [random.integers(0, levels, shape) for shape in shapes for levels in (1, 2, 5, 1000)]
images += [np.indices((17, 18)).sum(0) % 2, np.stack([np.zeros((20, 21)), *random.random((2, 20, 21))])]
images += [sign * image for image in LONG_WAYS for sign in (1, -1)]
for image in images:
    for connectivity in (4, 8):
        for frame in (False, True):
            persistence_pairs(image.astype(np.float32), connectivity, frame)
            match_barcodes(image.astype(np.float32), image[..., ::-1], connectivity, frame)
            betti_numbers(image > np.median(image), connectivity, frame)
            simple_points(image > np.median(image), connectivity, frame)
        label_components(image > np.median(image), connectivity)
        thin(image > np.median(image), 99, connectivity)
        thicken(image > np.median(image), 99, connectivity)
print("within bounds")
"""


def test_no_index_leaves_its_array(tmp_path):
    sooner = {"NUMBA_OPT": "0"}  # bounds are checked alike, whatever LLVM makes of the rest
    checked = os.environ | sooner | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    found = subprocess.run([sys.executable, "-c", EVERY_SHAPE], env=checked, cwd=ROOT, capture_output=True, text=True)
    assert found.stdout == "within bounds\n", found.stderr
