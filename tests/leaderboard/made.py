"""Records as a benchmark gives them: several methods, folds, seeds and data sets, cheap to make."""

from dataclasses import replace

import numpy as np

from tests.test_scores import record
from topobench.types import Row

BUDGET = {"steps": 150, "batch": 4, "crop": 96}  # that of the suite quick
LEVELS = {"unet-ce": 3.0, "unet-topo": 1.0, "base-topo": 2.0, "dive-ce": 2.02}
FIGURES = ("betti_error", "accuracy", "voi")


def protocol(name="hu2019", **changes):
    base = record().protocols["hu2019"]
    return {
        **base, "name": name, "figures": list(FIGURES), "columns": list(FIGURES), "ranked_by": "betti_error",
        "sampling": "random", **changes,
    }  # fmt: skip


def runs(name, level, dataset="toy", folds=(0,), seeds=(0, 1, 2), protocols=None, recipe=None, budget=BUDGET, **more):
    """The runs of a method whose Betti error is about `level`, on four images a fold, two to a unit."""
    chosen = protocols or {"hu2019": protocol()}
    rng = np.random.default_rng([len(name), int(100 * level), len(dataset)])
    made = []
    for fold in folds:
        for seed in seeds:
            rows = tuple(
                Row(f"image-{fold}{k}", f"unit-{fold}{k // 2}", by, {
                    "betti_error": level + k / 10 + rng.normal(0, 0.05), "accuracy": 0.9 - level / 100,
                    "voi": level / 3,
                })
                for by in chosen for k in range(4)
            )  # fmt: skip
            identity = {
                "recipe": recipe or {"name": name, "version": 1}, "card": {"name": dataset, "version": 1},
                "fold": fold, "seed": seed, "budget": budget,
            }  # fmt: skip
            made.append(replace(record(**{**identity, **more}), rows=rows, protocols=chosen))
    return made


def whole_board():
    """Two data sets, three protocols, four methods and a null row, curves, a failure, published figures."""
    chosen = {
        "hu2019": protocol(), "hu2019:129": protocol("hu2019:129", patch_size=129),
        "whole": protocol("whole", sampling="whole", patch_size=None),
    }  # fmt: skip
    curve = {
        "losses": {"steps": [10, 20, 30], "terms": {"cross-entropy": [0.7, 0.4, 0.2], "topological": [None, 0.1, 0.05]}}
    }
    made = [
        replace(found, training=curve, cost={"train_seconds": 10.0 * number, "peak_memory_mib": 500.0 + number})
        for dataset in ("isbi2012", "toy")
        for number, (name, level) in enumerate(LEVELS.items(), 1)
        for found in runs(name, level, dataset, folds=(0, 1), protocols=chosen)
    ]  # fmt: skip
    null = [
        replace(one, kind="null", run_id=f"0{number}{one.run_id[2:]}")
        for number, one in enumerate(runs("null-threshold", 40.0, "toy", (0, 1), (None,), chosen, budget={}))
    ]
    failed = replace(made[0], seed=7, status="failed: NaN loss at step 812", rows=(), run_id="f" * 64)
    return [*made, *null, failed]
