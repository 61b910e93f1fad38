"""The contest: every contestant takes the same patches in turn, and what counts is the ratio of one round."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topobench.errors import RunError
from topobench.topology import betti_numbers, persistence_pairs
from topobench.topology.threads import share

__all__ = ["PEERS", "Contest", "compare", "first_call", "interleaved", "speed_up"]

Run = Callable[[], Any]
Peers = dict[str, Callable[[NDArray[np.float64]], Any]]
PEERS = {
    "gudhi": "gudhi's CubicalComplex, with pixels",
    "cripser": "Cubical Ripser, with pixels",
    "gudhi-values": "gudhi's fast path for two dimensions, values only",
    "np.sort": "numpy.sort of the patch's pixels (float32)",
}
FIRST_CALL = (
    "import time, numpy; start = time.perf_counter(); from topobench.topology import persistence_pairs; "
    "persistence_pairs(numpy.zeros((65, 65), numpy.float32)); print(time.perf_counter() - start)"
)


@dataclass(frozen=True)
class Contest:
    """What one patch size gave.

    Attributes
    ----------
    size, patches, rounds : int
    kernel : float
        Microseconds a patch, all patches in one call on one thread.
    alone : float
        Microseconds a patch, one patch a call.
    betti : float
        Microseconds of `betti_numbers` a patch, thresholded at 0.5.
    ratios : dict
        For each peer that can be imported, how many times as long it takes as the kernel: the median over rounds.
    """

    size: int
    patches: int
    rounds: int
    kernel: float
    alone: float
    betti: float
    ratios: dict[str, float]


def compare(patches: NDArray[np.float32], rounds: int) -> Contest:
    """Let the kernel and its peers compute the persistence of distinct patches (N, size, size), on one thread."""
    masks = patches >= 0.5
    runs: dict[str, Run] = {
        "kernel": lambda: persistence_pairs(patches, threads=1),
        "alone": lambda: [persistence_pairs(patch, threads=1) for patch in patches],
        "betti": lambda: betti_numbers(masks, threads=1),
    }
    runs |= _peers(patches)
    seconds = interleaved(runs, rounds)
    micro = {name: 1e6 * times / len(patches) for name, times in seconds.items()}
    kernel, alone, betti = (float(np.median(micro[name])) for name in ("kernel", "alone", "betti"))
    ratios = {name: float(np.median(micro[name] / micro["kernel"])) for name in PEERS if name in micro}
    return Contest(patches.shape[-1], len(patches), rounds, kernel, alone, betti, ratios)


def speed_up(patches: NDArray[np.float32], threads: int, rounds: int) -> tuple[float, float]:
    """Return how many times as fast so many threads are as one, the median over rounds: the kernel, and `np.sort`.

    Sorting, shared in the same way, shows what the machine gives to a second thread at the moment.
    """
    flat = patches.reshape(len(patches), -1)

    def sort(count: int) -> Any:
        return share(lambda first, last: np.sort(flat[first:last]), patches.shape, count)

    seconds = interleaved(
        {
            "kernel": lambda: persistence_pairs(patches, threads=1),
            "kernel shared": lambda: persistence_pairs(patches, threads=threads),
            "sort": lambda: sort(1),
            "sort shared": lambda: sort(threads),
        },
        rounds,
    )
    kernel, sorting = (float(np.median(seconds[name] / seconds[f"{name} shared"])) for name in ("kernel", "sort"))
    return kernel, sorting


def first_call() -> tuple[float, float]:
    """Return the seconds of the first call in a fresh process: where nothing is compiled, and with the cache on disk.

    The import of the kernel and of numba counts.
    """
    with tempfile.TemporaryDirectory() as cache:
        variables = os.environ | {"NUMBA_CACHE_DIR": cache, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        compiling, cached = (_call(variables) for _ in range(2))
    return compiling, cached


def _call(variables: dict[str, str]) -> float:
    """Return the seconds of the first call in a process with these environment variables."""
    result = subprocess.run([sys.executable, "-c", FIRST_CALL], env=variables, capture_output=True, text=True)
    if result.returncode:
        raise RunError(f"the kernel does not run in a fresh process: {result.stderr.strip().splitlines()[-1]}.")
    return float(result.stdout)


def interleaved(runs: dict[str, Run], rounds: int) -> dict[str, NDArray[np.float64]]:
    """Return the seconds of each run in each round, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return {name: np.array(times[1:]) for name, times in seconds.items()}


def _peers(patches: NDArray[np.float32]) -> dict[str, Run]:
    """Return the contestants that are installed; they take the sublevel filtration, in float64."""
    inverted = [-patch.astype(np.float64) for patch in patches]
    single: Peers = {}
    for find in (_gudhi, _gudhi_values, _cripser):
        with contextlib.suppress(ImportError, AttributeError):  # a peer that is not there takes no part
            single |= find()
    flat = [patch.ravel() for patch in patches]
    runs: dict[str, Run] = {"np.sort": lambda: [np.sort(pixels) for pixels in flat]}
    return runs | {name: _over(inverted, compute) for name, compute in single.items()}


def _gudhi() -> Peers:
    import gudhi

    def with_pixels(image: NDArray[np.float64]) -> Any:
        complex_ = gudhi.CubicalComplex(top_dimensional_cells=image)
        complex_.compute_persistence()
        return complex_.cofaces_of_persistence_pairs()

    return {"gudhi": with_pixels}


def _gudhi_values() -> Peers:
    from gudhi.sklearn import cubical_persistence  # needs scikit-learn

    fast = cubical_persistence._persistence_on_rectangle_from_top_cells  # the public class around it takes longer
    return {"gudhi-values": lambda image: fast(image, 0.0)}


def _cripser() -> Peers:
    import cripser

    return {"cripser": lambda image: cripser.compute_ph(image, filtration="T", maxdim=1)}


def _over(images: list[NDArray[np.float64]], compute: Callable[[NDArray[np.float64]], Any]) -> Run:
    return lambda: [compute(image) for image in images]
