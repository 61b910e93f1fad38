"""How runs are executed, in ways that change no run's identity."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEFAULTS", "Settings"]


@dataclass(frozen=True)
class Settings:
    """What a command may choose of how its runs are executed.

    Attributes
    ----------
    checkpoint_seconds : float
        About so much wall time lies between two checkpoints.
    keep_predictions : bool
        Whether the likelihood maps of the scored images are kept (run/maps.py).
    deterministic : bool
        Whether operations that are not repeatable bit for bit are refused; on the CPU none is used anyway.
    scalars : bool
        Whether losses, learning rate and times are written for TensorBoard.
    cache_bytes : int
        Of training images that a run may keep in memory.
    """

    checkpoint_seconds: float = 60.0
    keep_predictions: bool = True
    deterministic: bool = False
    scalars: bool = False
    cache_bytes: int = 4 * 2**30


DEFAULTS = Settings()
