"""One rule for all randomness: a generator is a pure function of its key, on every machine.

Weights, data, patches, scoring and synthetic images each name their own key, so that none disturbs another
and the draw at step t can be repeated without the t - 1 before it.
"""

from __future__ import annotations

import numpy as np

from topobench.files import digest

__all__ = ["generator", "seed_of"]


def seed_of(*key: int | str) -> int:
    """Return a seed in [0, 2**63) that depends on the key alone (sha256 of its canonical JSON)."""
    plain = [part if isinstance(part, str) else int(part) for part in key]
    return int(digest(plain)[:16], 16) >> 1


def generator(*key: int | str) -> np.random.Generator:
    """Return a numpy generator seeded by the key alone, e.g. ``generator(seed, "batch", step)``."""
    return np.random.default_rng(seed_of(*key))
