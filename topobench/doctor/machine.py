"""The machine: cores and memory, the device that runs train on, and the kernel that figures and losses rest on."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from topobench.doctor.finding import Finding
from topobench.doctor.folders import write_nothing

__all__ = ["cores_and_memory", "device", "kernel"]

GIB = 2**30
WANTED_GIB = 2  # the suite quick takes 0.8; the system and what else runs the rest
NVIDIA = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg")  # a driver, also under WSL

# Two pieces, of 5 and of 4, which meet over a column of 1; the first is a ring round a 0, closed by a 3.
IMAGE = [
    [5, 5, 5, 1, 4],
    [5, 0, 3, 1, 1],
    [5, 5, 5, 1, 1],
]
# (dimension, birth, death), worked by hand: pixels enter from 5 down, 8-connected.
PAIRS = [
    (0, 4.0, 1.0),  # the 4 joins the older piece
    (0, 5.0, float("-inf")),  # which stays
    (1, 3.0, 0.0),  # the ring's hole, until its 0 enters
]


def cores_and_memory() -> Iterator[Finding]:
    """Cores, threads and memory; a warning where threads are more than cores, or memory is scarce."""
    import torch

    cores, threads = _cores(), torch.get_num_threads()
    total, free = _memory()
    about = f"{cores} of {os.cpu_count()} cores, {threads} threads of torch, {total / GIB:.1f} GiB of memory"
    about += "" if free is None else f", {free / GIB:.1f} GiB free"
    if threads > cores:
        advice = f"Threads that share cores wait for each other: set OMP_NUM_THREADS={cores}."
        yield Finding("machine", "warning", about, advice)
    elif total < WANTED_GIB * GIB:
        yield Finding("machine", "warning", about, f"The suite quick wants {WANTED_GIB} GiB; it may be killed.")
    else:
        yield Finding("machine", "ok", about)


def device() -> Iterator[Finding]:
    """The device that ``--device auto`` takes, why not cuda, and whether it multiplies matrices right."""
    import torch

    from topobench.run.device import choose_device

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        chosen = choose_device()
        why = "" if chosen.kind == "cuda" else _why_not_cuda([str(each.message) for each in caught])
    found = f"auto takes {chosen.kind}{_name(chosen.kind)}, {chosen.precision}{why and f'; not cuda: {why}'}"
    a = torch.arange(256, dtype=torch.float32).reshape(16, 16) % 7  # small whole numbers: exact in any precision
    if not torch.equal((a.to(chosen.kind) @ a.T.to(chosen.kind)).cpu(), a @ a.T):
        advice = "Train with --device cpu; update the driver, or install another build of torch."
        yield Finding("device", "fault", f"{found}; a product of matrices is wrong", advice)
    elif chosen.kind == "cpu" and any(Path(path).exists() for path in NVIDIA):
        advice = "There is a driver for NVIDIA GPUs: install a build of torch for it, https://pytorch.org/get-started."
        yield Finding("device", "warning", found, advice)
    else:
        yield Finding("device", "ok", found)


def kernel() -> Iterator[Finding]:
    """Whether the kernel gives the right pairs, whether it had to be compiled, and where that is kept."""
    import numpy as np

    from topobench.topology import persistence_pairs

    begin = time.perf_counter()
    found = persistence_pairs(np.array(IMAGE, np.float32))
    seconds = time.perf_counter() - begin
    pairs = sorted(zip(found.dimension.tolist(), found.birth.tolist(), found.death.tolist(), strict=True))
    if pairs == PAIRS:
        yield _kept(seconds)
    else:
        advice = "Trust no figure of this installation: install it anew, and report it if it stays."
        yield Finding("kernel", "fault", f"pairs {pairs} of an image that has {PAIRS}", advice)


def _kept(seconds: float) -> Finding:
    """Return how long the first call took, and whether the next process finds what was compiled."""
    from topobench.topology.kernels import persistence

    stats = getattr(persistence, "stats", None)
    if stats is None:  # numba hands the function back as it is
        advice = "Unset it, for results; every pixel costs a thousand times as much."
        return Finding("kernel", "warning", f"right pairs, not compiled: NUMBA_DISABLE_JIT, {seconds:.1f} s", advice)
    how = "found compiled" if sum(stats.cache_hits.values()) else "compiled"
    right = f"right pairs, {how} in {seconds:.1f} s"
    if stats.cache_path is None:
        advice = "Set NUMBA_CACHE_DIR to a folder that can be written; until then each process compiles anew."
        return Finding("kernel", "warning", f"{right}, kept nowhere", advice)
    try:
        write_nothing(Path(stats.cache_path))
    except OSError as error:
        advice = "Make room there, or set NUMBA_CACHE_DIR to another folder; until then each process compiles anew."
        return Finding("kernel", "warning", f"{right}; {stats.cache_path}: {error.strerror}", advice)
    return Finding("kernel", "ok", f"{right}, kept in {stats.cache_path}")


def _why_not_cuda(warned: list[str]) -> str:
    """Return why torch sees no GPU of NVIDIA: its build, a variable, or what its start says, in a sentence."""
    import torch

    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built for {'ROCm' if torch.version.hip else 'the CPU alone'}"
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0") in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides all GPUs"
    try:
        torch.zeros(1, device="cuda")
    except (RuntimeError, AssertionError) as error:
        warned = [*warned, str(error)]
    said = " ".join(warned[-1].split()).partition(". ")[0] if warned else "torch does not say why"
    return f"torch is built for CUDA {torch.version.cuda}; {said}"


def _name(kind: str) -> str:
    """Return what the first GPU is called, in brackets, with its memory and how many there are besides."""
    import torch

    if kind != "cuda":
        return ""
    about, others = torch.cuda.get_device_properties(0), torch.cuda.device_count() - 1
    more = f", and {others} more" if others else ""
    return f" ({about.name}, {about.total_memory / GIB:.0f} GiB{more}, CUDA {torch.version.cuda})"


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> tuple[int, int | None]:
    """Return the bytes of memory, those of a container where it has fewer, and how many are free where that is said."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # no such file, or "max"
            total = min(total, int(Path(limit).read_text()))
    with suppress(OSError, IndexError):
        free = Path("/proc/meminfo").read_text().split("MemAvailable:")[1].split()[0]
        return total, min(total, 1024 * int(free))
    return total, None
