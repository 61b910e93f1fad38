"""How long a leaderboard of many records takes, and how much memory: `python benchmarks/leaderboard.py`.

Records are made up: data sets x methods x folds x seeds, each with rows for 50 images in 10 resampling units, all
figures of hu2019 and a training curve. The command is the one that users give, in a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np

from topobench.cards import load_protocol
from topobench.scores import make_record, protocol_settings, write_record
from topobench.types import Row, RunRecord

METHODS, FOLDS, SEEDS, IMAGES = 20, 5, 10, 50
BUDGET = {"steps": 500, "batch": 8, "crop": 128}
ENVIRONMENT = {"topobench": "0.1.0", "commit": "0123456789ab", "python": "3.11.7", "numpy": "2.2.0", "torch": "2.13.0"}


def records(count: int) -> Iterator[RunRecord]:
    """Yield so many records: data set by data set, all of the first before any of the second."""
    protocols = protocol_settings(["hu2019"], "regions", 8)
    names = load_protocol("hu2019").figures
    rng = np.random.default_rng(0)
    steps = list(range(10, 501, 10))
    made = 0
    while made < count:
        dataset = f"set-{made // (METHODS * FOLDS * SEEDS)}"
        for method, fold, seed in product(range(METHODS), range(FOLDS), range(SEEDS)):
            level = 1 + method / 10 + rng.normal(0, 0.1)
            figures = np.abs(level + rng.normal(0, 0.3, (IMAGES, len(names)))).tolist()
            rows = [
                Row(f"image-{fold}-{k:02}", f"unit-{fold}-{k // 5}", "hu2019", dict(zip(names, found, strict=True)))
                for k, found in enumerate(figures)
            ]
            identity = {
                "kind": "trained", "recipe": {"name": f"method-{method:02}", "version": 1},
                "card": {"name": dataset, "version": 1}, "data_hash": "0" * 64, "fold": fold, "seed": seed,
                "budget": BUDGET, "device": "cpu", "precision": "float32", "threads": 2, "training_version": 4,
            }  # fmt: skip
            curve = {"steps": steps, "terms": {"cross-entropy": [round(level / step, 6) for step in steps]}}
            cost = {"train_seconds": 60.0 + method, "peak_memory_mib": 900.0}
            yield make_record(identity, "finished", protocols, rows, cost, ENVIRONMENT, {"losses": curve})
            made += 1
            if made == count:
                return


def main() -> None:
    """Make records, then their leaderboard, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    count = parser.parse_args().records
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for record in records(count):
            write_record(record, folder / "records")
        command = [sys.executable, "-m", "topobench", "leaderboard", str(folder / "records"), "-o", str(folder / "out")]
        started = time.perf_counter()
        subprocess.run([*command, "--pictures", "none"], check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**10
        page = (folder / "out" / "index.html").stat().st_size / 1e6
        size = sum(path.stat().st_size for path in (folder / "records").iterdir()) / 1e6
    print(f"{count} records of {IMAGES} image rows ({size:.0f} MB): {seconds:.1f} s, peak {peak:.0f} MiB; ", end="")
    print(f"index.html {page:.2f} MB")


if __name__ == "__main__":
    main()
