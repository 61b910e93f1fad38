"""Where a run is, as a small file beside its lock, so that `topobench status` can read it while the run goes on."""

from __future__ import annotations

import json
import os
import platform
import time
from typing import TYPE_CHECKING, Any

from topobench.files import write_atomic
from topobench.run.store import Place
from topobench.run.watcher import Relay, Step, Watcher

if TYPE_CHECKING:
    from topobench.run.matrix import Run

__all__ = ["Progress", "read_progress"]

EVERY = 2.0  # seconds between two writes


class Progress(Relay):
    """Writes where a run is, every two seconds."""

    def __init__(self, place: Place, watcher: Watcher) -> None:
        super().__init__(watcher)
        self.place, self.written, self.started = place, -EVERY, time.time()
        self.began: float | None = None  # the part of the training that was done at the first step seen

    def begin(self) -> None:
        """Write that the run begins, or goes on from where it was; the first step may be some way off."""
        before = read_progress(self.place) or {}
        self._write(doing="starting", part=before.get("part", 0.0))
        self.written = -EVERY  # the first step is written, too

    def stepped(self, run: Run, step: Step) -> None:
        """Write the step, and what the losses are."""
        self.began = step.part if self.began is None else self.began
        losses = {name: float(f"{value:.4g}") for name, value in step.losses.items()}
        self._write(doing="training", step=step.number + 1, part=step.part, losses=losses)
        super().stepped(run, step)

    def scored(self, run: Run, images: int, of: int) -> None:
        """Write how many images are scored."""
        self._write(doing="scoring", images=images, of=of, part=1.0)
        super().scored(run, images, of)

    def _write(self, **where: Any) -> None:
        if time.monotonic() - self.written < EVERY:
            return
        self.written = time.monotonic()
        about = {"pid": os.getpid(), "host": platform.node(), "updated": time.time()}
        about |= {"started": self.started, "began": self.began or 0.0}
        write_atomic(self.place.progress, json.dumps({**where, **about}, allow_nan=True).encode())


def read_progress(place: Place) -> dict[str, Any] | None:
    """Return where a run is; None where it is not going on, or where that cannot be read."""
    try:
        found = json.loads(place.progress.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict):
        return None
    times = (found.get(name) for name in ("updated", "started", "began"))
    return found if all(isinstance(value, int | float) for value in times) else None
