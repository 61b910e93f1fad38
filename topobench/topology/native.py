"""The back end `numba`, the default: our own kernel, given arrays of the few kinds that it is compiled for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from topobench.topology.images import HoldsNaN
from topobench.topology.kernels import persistence
from topobench.topology.links import links_of
from topobench.types import PersistencePairs

__all__ = ["numba_pairs"]

EXACT_IN_FLOAT32 = {np.dtype(name) for name in ("bool", "i1", "u1", "i2", "u2", "f2", "f4")}


def numba_pairs(images: NDArray[Any], connectivity: int, frame: bool, dimensions: tuple[int, ...]) -> PersistencePairs:
    """Return the pairs by our own kernel, compiled by numba: in float32 where that is exact, else in float64."""
    height, width = images.shape[1:]
    places = (height + 2) * (width + 2)
    wide = images.dtype not in EXACT_IN_FLOAT32
    images = np.ascontiguousarray(images, np.float64 if wide else np.float32)
    if not (images.flags.writeable and images.flags.aligned):  # for these numba would compile the kernel anew
        images = images.copy()
    room = np.empty(places, images.dtype)
    bits = room.view(np.uint64 if wide else np.uint32)
    flip = np.uint8(0 if connectivity == 8 else 255)
    wanted = (0 in dimensions, 1 in dimensions)
    numbers, values, clean = persistence(images, room, bits, links_of(connectivity, width + 2), flip, frame, wanted)
    if not clean:
        raise HoldsNaN
    return PersistencePairs(numbers[0], numbers[1], values[0], values[1], numbers[2], numbers[3])
