"""Execute a tiny run and be killed, at each file operation in turn or at random moments. Run by test_resume.py.

`python -m tests.run.kills operations STEP FOLDER` kills at each STEP-th file operation; `... random COUNT FOLDER` so
often at random moments. After each kill all that lies in the store must be sound, and the run that goes on from there
must end equal, bit for bit, to one that was never killed. A process of its own, for it forks, and what forks must have
no threads: torch gets one.
"""

import random
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tests.faults.kills import dies, forked
from topobench.cards import Budget, Card, ModelChoice, Suite, Validation, load_recipe
from topobench.data.dataset import open_card
from topobench.run.checkpoint import Checkpoints
from topobench.run.device import Device
from topobench.run.execute import execute
from topobench.run.matrix import expand
from topobench.run.settings import Settings
from topobench.run.store import Store
from topobench.run.watcher import Watcher
from topobench.scores import read_record, run_id_of

STEPS = 6
SETTINGS = Settings(checkpoint_seconds=0)  # a checkpoint at every step


class Silent(Watcher):
    """A watcher that says nothing."""


def tiny_run(folder, steps=STEPS):
    """A run of a few steps on six images of one's own, with a topological term and images held out."""
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for index in range(6):
        truth = np.zeros((40, 44), bool)
        truth[6 + index], truth[:, 22] = True, True
        noise = np.random.default_rng(index).integers(0, 60, truth.shape)
        Image.fromarray((180 - 120 * truth + noise).astype(np.uint8)).save(folder / "images" / f"{index}.png")
        Image.fromarray(255 * truth.astype(np.uint8)).save(folder / "masks" / f"{index}.png")
    part = {"images": "images/{id}.png", "labels": "masks/{id}.png", "count": 6}
    card = Card(
        schema=1, name="tiny", version=1, title="tiny", adapter="paired_folders", connectivity=8, phase="regions",
        count=6, labels={"rule": "values", "structure": (255,), "background": (0,)},
        folds={"rule": "contiguous", "count": 3}, layout={"parts": [part]}, licence="none", redistributable=False,
        folder=str(folder),
    )  # fmt: skip
    recipe = load_recipe("unet-topo")
    recipe = recipe.model_copy(update={"model": ModelChoice(name="unet", width=4, depth=2)})
    budget = Budget(steps=steps, batch=2, crop=32, validation=Validation(times=3))
    suite = Suite(
        schema=1, name="tiny", version=1, title="tiny", recipes=("unet-topo",), datasets=("tiny",), folds=(0,),
        seeds=(0,), protocols=("hu2019",), budget=budget,
    )  # fmt: skip
    [run] = expand(suite, [recipe], [open_card(card)], Device("cpu", "float32", 1))
    return run


def executed(run, folder):
    return execute(run, folder, Silent(), lambda: False, SETTINGS)


def end_of(run, folder):
    """What a finished run has left: its last state, rows, maps, how the training went; but not times and memory."""
    place = Store(folder).place(run.identity())
    record = read_record(place.record)
    assert record.finished, record.status
    _, state, refused = Checkpoints(place.checkpoints, run_id_of(run.identity())).latest()
    times = {"seconds", "validation_seconds", "peaks"}
    kept = {key: value for key, value in state.items() if key not in times}
    return kept, record.rows, record.predictions, record.training, refused


def same(first, second):
    """Whether two nests of containers, tensors and values are equal, tensors bit for bit."""
    if isinstance(first, torch.Tensor):
        return isinstance(second, torch.Tensor) and first.dtype == second.dtype and torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


def check_sound(run, folder):
    """Assert that nothing in the store is torn: what has its final name is whole."""
    place = Store(folder).place(run.identity())
    if place.record.exists():
        assert read_record(place.record).finished
    found = Checkpoints(place.checkpoints, run_id_of(run.identity())).latest()
    assert found is None or found[2] == []  # none was refused
    for path in place.predictions.glob("*.png"):
        if path.name.startswith("."):
            continue
        with Image.open(path) as image:
            image.load()


def at_operations(run, folder, step):
    wanted = end_of(run, folder / "straight")
    number, killed = 0, 0
    while True:
        store = folder / "killed"
        shutil.rmtree(store, ignore_errors=True)

        def work(number=number, store=store):
            dies(number)
            executed(run, store)

        ended = forked(work)
        check_sound(run, store)
        forked(lambda store=store: executed(run, store))
        assert same(end_of(run, store), wanted), f"killed at file operation {number}"
        if not ended:
            return killed
        killed, number = killed + 1, number + step


def at_random(run, folder, count):
    wanted = end_of(run, folder / "straight")
    started = time.monotonic()
    forked(lambda: executed(run, folder / "timed"))
    length = time.monotonic() - started
    draw, killed, finished = random.Random(0), 0, 0
    while killed < count:
        store = folder / f"killed-{finished}"
        if forked(lambda store=store: executed(run, store), draw.uniform(0, length)):
            killed += 1
            check_sound(run, store)
        else:
            assert same(end_of(run, store), wanted), f"finished after {killed} kills"
            finished += 1
    store = folder / f"killed-{finished}"
    forked(lambda: executed(run, store))
    assert same(end_of(run, store), wanted)
    return killed


def main(kind, number, folder):
    torch.set_num_threads(1)
    folder = Path(folder)
    run = tiny_run(folder / "data", steps=4)  # three of them with a validation, one without
    executed(run, folder / "straight")  # here, so that all is imported and compiled before it forks
    print({"operations": at_operations, "random": at_random}[kind](run, folder, int(number)))


if __name__ == "__main__":
    main(*sys.argv[1:])
