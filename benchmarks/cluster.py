"""What a Dask cluster costs and gains, on this machine: `python benchmarks/cluster.py`.

Three measurements, each with scheduler and workers in processes of their own (``--plan GPUS`` prints instead what
follows from others for the suite `paper`):

- what a run costs beyond itself: the same short runs, one after the other, in this process and on one worker;
- 16 short trainings on one worker and on two;
- memory of client and scheduler with 10 000 queued runs of which a few are at work.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise, product
from pathlib import Path
from typing import Any

from topobench.cards import Budget, ModelChoice, load_card, load_recipe, load_suite
from topobench.data.dataset import open_card
from topobench.run.cluster.connection import connected
from topobench.run.cluster.executor import execute_on_cluster
from topobench.run.device import Device
from topobench.run.execute import Stopped
from topobench.run.executors import execute_serially
from topobench.run.matrix import Run
from topobench.run.settings import Settings

CPU = Device("cpu", "float32", 1)
SETTINGS = Settings(keep_predictions=False)


class Watch:
    """A watcher that notes when runs were sent and when they ended."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.times: list[float] = []
        self.stop_after = stop_after

    def run_ended(self, *_: Any) -> None:
        """Note when."""
        self.times.append(time.perf_counter())

    def stopping(self) -> bool:
        """Whether enough runs have ended."""
        return self.stop_after is not None and len(self.times) >= self.stop_after

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def runs(count: int, steps: int) -> list[Run]:
    """Return trainings of a narrow U-Net on small images, one a seed."""
    card = load_card("synthetic-membranes").model_copy(update={"shapes": ((80, 80),), "count": 12})
    recipe = load_recipe("unet-dice").model_copy(update={"model": ModelChoice(name="unet", width=4, depth=2)})
    dataset, budget = open_card(card), Budget(steps=steps, batch=1, crop=64)
    return [Run("unet-dice", recipe, dataset, 0, seed, budget, CPU, ("cldice64",)) for seed in range(count)]


@contextmanager
def cluster(workers: int) -> Iterator[tuple[str, int]]:
    """Give the address of a scheduler with so many workers, and its process."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    begun = [_dask("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")]
    begun += [_dask("worker", address, "--nthreads", "1", "--no-dashboard") for _ in range(workers)]
    try:
        with connected(address) as client:
            client.wait_for_workers(workers)
        yield address, begun[0].pid
    finally:
        for process in begun:
            process.kill()
            process.wait()


def _dask(what: str, *options: str) -> subprocess.Popen[bytes]:
    code = f"from distributed.cli.dask_{what} import main; main()"
    return subprocess.Popen([sys.executable, "-c", code, *options], stderr=subprocess.DEVNULL)


def on(address: str, todo: Sequence[Run], folder: Path, jobs: int | None = None) -> float:
    """Return the seconds that runs take on a cluster whose workers have executed something before."""
    with connected(address) as client:
        execute_on_cluster(todo[:2], folder / "warm", Watch(), lambda: False, SETTINGS, client)  # type: ignore[arg-type]
        watch, started = Watch(), time.perf_counter()
        execute_on_cluster(todo[2:], folder / "out", watch, lambda: False, SETTINGS, client, jobs=jobs)  # type: ignore[arg-type]
        return time.perf_counter() - started


def overhead(count: int, folder: Path) -> None:
    """Print what a run costs beyond itself: medians of the time from one run's end to the next one's."""
    todo = runs(count + 1, 3)
    execute_serially(todo[:1], folder / "warm", Watch(), lambda: False, SETTINGS)  # type: ignore[arg-type]
    here = Watch()
    execute_serially(todo[1:], folder / "here", here, lambda: False, SETTINGS)  # type: ignore[arg-type]
    with cluster(1) as (address, _), connected(address) as client:
        there = Watch()
        execute_on_cluster(todo, folder / "there", there, lambda: False, SETTINGS, client)  # type: ignore[arg-type]
    alone, sent = (1000 * statistics.median(_gaps(watch.times)) for watch in (here, there))
    print(f"{count} runs one after the other: {alone:.0f} ms each in this process, {sent:.0f} ms each on a worker;")
    print(f"dispatch costs {sent - alone:.0f} ms a run beyond the run itself (goal: 50).")


def _gaps(times: Sequence[float]) -> list[float]:
    return [later - before for before, later in pairwise(times[2:])]


def scaling(steps: int, folder: Path) -> None:
    """Print how long 16 trainings take on one worker and on two."""
    todo, took = runs(18, steps), {}
    for workers in (1, 2):
        with cluster(workers) as (address, _):
            took[workers] = on(address, todo, folder / f"{workers}")
    print(f"16 trainings of {steps} steps: {took[1]:.1f} s on one worker, {took[2]:.1f} s on two: ", end="")
    print(f"{took[1] / took[2]:.2f} times as fast.")


def memory(queued: int, folder: Path) -> None:
    """Print what client and scheduler hold with many runs queued, of which a few end."""
    todo = runs(queued, 3)
    before = _resident(os.getpid())
    with cluster(2) as (address, scheduler), connected(address) as client:
        idle = _resident(scheduler)
        watch, started = Watch(stop_after=20), time.perf_counter()
        with suppress(Stopped):
            execute_on_cluster(todo, folder / "many", watch, watch.stopping, SETTINGS, client)  # type: ignore[arg-type]
        first = watch.times[0] - started
        after = _resident(os.getpid())
        print(f"{queued} queued runs: the client takes {after:.0f} MiB (before: {before:.0f}), ", end="")
        print(f"the scheduler {_resident(scheduler):.0f} MiB (before: {idle:.0f});")
        print(f"the first run ends after {first:.1f} s.")


def _resident(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


H200_MS = 11.0  # a step of unet-ce on 8 crops of 128x128, bfloat16 (docs/performance.md)
UNET_STEPS = {
    "unet-ce": 1.0,
    "unet-topo": 21 / 11,
    "unet-mosinska": 2923 / 235,
    "dive-ce": 13.0,
}  # the last two on a CPU
SCORE_SECONDS, MAP_BYTES, ROW_BYTES = 1.7, 0.55, 1130  # of a megapixel on one core; a pixel of a map; a row of a record
CHECKPOINT_BYTES = {"unet-ce": 5.9e6, "unet-topo": 5.9e6, "unet-mosinska": 5.9e6, "dive-ce": 12e6}


def plan(gpus: int) -> None:
    """Print what so many GPUs do with the suite `paper`: a run takes its steps, and then scores its fold."""
    suite = load_suite("paper")
    assert suite.budget and suite.budget.steps
    crops = suite.budget.batch * suite.budget.crop**2 / (8 * 128**2)  # as much work, if all of it grows with pixels
    lasts, scores, kept = [], 0.0, 0.0
    for name, _, recipe, _ in product(suite.datasets, suite.folds, suite.recipes, suite.seeds):  # in the suite's order
        card = load_card(name)
        images = card.count / 3
        pixels = images * card.shapes[0][0] * card.shapes[0][1]
        training = suite.budget.steps * crops * H200_MS / 1000 * UNET_STEPS[recipe]
        lasts.append(training + pixels / 1e6 * SCORE_SECONDS)
        scores += pixels / 1e6 * SCORE_SECONDS
        kept += pixels * MAP_BYTES + images * ROW_BYTES + CHECKPOINT_BYTES[recipe]
        print(f"{recipe:14} {name:20} {training / 60:4.0f} min training, {lasts[-1] / 60:4.0f} min in all")
    print(
        f"{len(lasts)} runs, {sum(lasts) / 3600:.0f} GPU hours ({scores / 3600:.0f} of scoring), {kept / 1e9:.0f} GB."
    )
    shared = sum(lasts) / 3600 / gpus
    print(f"On {gpus} GPUs {_hours(lasts, gpus):.1f} h in the suite's order, ", end="")
    print(
        f"{_hours(sorted(lasts, reverse=True), gpus):.1f} h with the longest first; evenly shared out {shared:.1f} h, ",
        end="",
    )
    print(f"and the longest run alone takes {max(lasts) / 3600:.1f} h.")


def _hours(lasts: Sequence[float], gpus: int) -> float:
    """Return when the last of runs ends of which each begins as soon as a GPU has nothing to do."""
    busy = [0.0] * gpus
    for seconds in lasts:
        busy[busy.index(min(busy))] += seconds
    return max(busy) / 3600


def main() -> None:
    """Measure all three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=60, help="of which the cost of dispatch is the median")
    parser.add_argument("--steps", type=int, default=300, help="of each of the 16 trainings")
    parser.add_argument("--queued", type=int, default=10_000)
    parser.add_argument("--plan", type=int, metavar="GPUS", help="measure nothing; print what so many GPUs do")
    asked = parser.parse_args()
    if asked.plan:
        plan(asked.plan)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        overhead(asked.runs, folder / "overhead")
        scaling(asked.steps, folder / "scaling")
        memory(asked.queued, folder / "memory")


if __name__ == "__main__":
    main()
