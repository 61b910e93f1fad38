"""On what a run computes: device, precision, threads."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from topobench.errors import ArgumentError

__all__ = ["Device", "choose_device"]


@dataclass(frozen=True)
class Device:
    """A device kind (``cuda``, ``mps``, ``cpu``), the precision trained in, and the threads of a run."""

    kind: str
    precision: str
    threads: int

    @property
    def autocast_dtype(self) -> torch.dtype | None:
        """The dtype of mixed precision, or None where all is float32."""
        return {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(self.precision)


def choose_device(name: str = "auto") -> Device:
    """Return the device of that name; ``auto`` takes cuda, else mps, else cpu. Mixed precision on cuda alone."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, available in there.items() if available)
    if name not in there:
        raise ArgumentError(f"device is {name!r}; it must be auto, cuda, mps or cpu.")
    if not there[name]:
        present = ", ".join(kind for kind, available in there.items() if available)
        raise ArgumentError(f"device {name!r} is not there; this machine has: {present}.")
    precision = "float32"
    if name == "cuda":
        precision = "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    return Device(name, precision, torch.get_num_threads())
