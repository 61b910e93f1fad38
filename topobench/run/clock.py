"""Wall time, parted into what it was spent on."""

from __future__ import annotations

import time

import torch

__all__ = ["Clock"]


class Clock:
    """Wall time between laps; on an accelerator it waits for what was started, which else is counted where it ends."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.started = self._now()

    def lap(self) -> float:
        """Return the seconds since the last lap."""
        before, self.started = self.started, self._now()
        return self.started - before

    def _now(self) -> float:
        if self.kind == "cuda":
            torch.cuda.synchronize()
        elif self.kind == "mps":
            torch.mps.synchronize()
        return time.perf_counter()
