"""On what a run computes: device, precision, threads."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

from topobench.errors import ArgumentError

__all__ = ["PRECISIONS", "Device", "choose_device", "device_count", "device_elsewhere"]

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}
PRECISIONS = ("float32", *DTYPES)


@dataclass(frozen=True)
class Device:
    """A device kind (``cuda``, ``mps``, ``cpu``), the precision trained in, and the threads of a run.

    Threads share sums, so that on the CPU their number changes last digits; elsewhere it changes nothing, and is 1.
    """

    kind: str
    precision: str
    threads: int

    @property
    def autocast_dtype(self) -> torch.dtype | None:
        """The dtype of mixed precision, or None where all is float32."""
        return DTYPES.get(self.precision)

    @property
    def memory_format(self) -> torch.memory_format:
        """How images lie in memory: channels last, which convolutions are faster with (docs/performance.md)."""
        return torch.contiguous_format if self.kind == "mps" else torch.channels_last

    def prepare(self, deterministic: bool) -> None:
        """Make this process compute as the device says; with `deterministic` refuse what is not repeatable."""
        if self.kind == "cpu":
            torch.set_num_threads(self.threads)
        if deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is refused
        torch.use_deterministic_algorithms(deterministic)
        torch.backends.cudnn.deterministic = deterministic


def choose_device(name: str = "auto", precision: str = "auto", jobs: int = 1, threads: int | None = None) -> Device:
    """Return the device of that name for each of so many runs at a time.

    ``auto`` takes cuda, else mps, else cpu; and mixed precision on cuda alone: bfloat16, else float16. The threads of
    the CPU are shared out among jobs, if it is not said how many each takes. ArgumentError for what this machine has
    not.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    kind = next(kind for kind, available in there.items() if available) if name == "auto" else name
    if kind not in there:
        raise ArgumentError(
            f"device is {name!r}; it must be auto, cuda, mps or cpu (CUDA_VISIBLE_DEVICES chooses among several GPUs)."
        )
    if not there[kind]:
        present = ", ".join(kind for kind, available in there.items() if available)
        raise ArgumentError(f"device {name!r} is not there; this machine has: {present}.")
    threads = (threads or max(1, torch.get_num_threads() // jobs)) if kind == "cpu" else 1
    return Device(kind, _precision(precision, kind), threads)


def device_elsewhere(kind: str, precision: str, threads: int) -> Device:
    """Return a device of other machines, which is not looked at: ``auto`` is bfloat16 on cuda, float32 on the CPU."""
    if kind not in ("cuda", "cpu"):
        raise ArgumentError(f"device is {kind!r}; of the workers of a cluster it must be auto, cuda or cpu.")
    chosen = "bfloat16" if precision == "auto" and kind == "cuda" else precision
    return Device(kind, _precision(chosen, kind), threads if kind == "cpu" else 1)


def device_count(kind: str) -> int:
    """Return how many devices of a kind this machine has; the CPU is one."""
    return torch.cuda.device_count() if kind == "cuda" else 1


def _precision(name: str, kind: str) -> str:
    """Return the precision of that name, or the device's own for ``auto``."""
    if name == "auto":
        if kind != "cuda":
            return "float32"
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    if name not in PRECISIONS:
        raise ArgumentError(f"precision is {name!r}; it must be auto, {', '.join(PRECISIONS)}.")
    if name == "float16" and kind != "cuda":
        raise ArgumentError(f"precision is 'float16'; on {kind} it must be float32 or bfloat16.")
    return name
