"""What the kernel is timed on: distinct patches of likelihood-like maps, made of real sections where there are any."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from topobench.data import open_dataset
from topobench.errors import DataError
from topobench.patches import cut, random_places
from topobench.seeds import generator

__all__ = ["Source", "patches", "source"]

Maps = list[NDArray[np.float32]]


@dataclass(frozen=True)
class Source:
    """Maps (H, W) to cut patches from, and what they are, as a sentence."""

    maps: Maps
    meaning: str


def source(data_dir: Path | None = None) -> Source:
    """Return the sections of ISBI 2012 where they are on disk, else synthetic membranes, as likelihood-like maps."""
    for name in ("isbi2012", "synthetic-membranes"):
        try:
            dataset = open_dataset(name, data_dir)
        except DataError:
            continue
        maps = [_likelihood(sample.image[0]) for sample in dataset]
        return Source(maps, f"{len(maps)} images of {name}, smoothed (sigma 1), then 1 / (1 + exp(12 (x - 0.45)))")
    raise DataError("neither isbi2012 nor synthetic-membranes can be read, so there is nothing to time the kernel on.")


def patches(maps: Maps, size: int, count: int, seed: int = 0) -> NDArray[np.float32]:
    """Return distinct patches (N, size, size) at seeded places of the maps in turn.

    N is `count`, or less where the maps have hardly as many places. A map smaller than the patch is laid out several
    times, side by side.
    """
    random = generator("bench", size, seed)
    chosen: dict[tuple[int, ...], NDArray[np.float32]] = {}
    wide = [np.tile(image, [-(-size // length) for length in image.shape]) for image in maps]
    for number in range(10 * count):
        image = wide[number % len(wide)]
        place = random_places(image.shape, size, 1, random)
        chosen.setdefault((number % len(wide), *place[0]), cut(image, place, size)[0])
        if len(chosen) == count:
            break
    return np.stack(list(chosen.values()))


def _likelihood(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return dark lines of an image in [0, 1] as a map in (0, 1), high where a membrane is."""
    smooth: NDArray[np.float64] = gaussian_filter(image.astype(np.float64), 1)
    return np.asarray(1 / (1 + np.exp(12 * (smooth - 0.45))), np.float32)
