"""What the eight neighbours of a pixel say about it: tables over the 256 sets of earlier neighbours.

The neighbours form a ring, the *link*; bit k of a byte is set where neighbour k enters before the pixel. Those that
enter before form the upper link, the others the lower one. When the pixel enters, the numbers of connected
components of the two decide what happens: no upper one, a component is born (peak); no lower one, a hole is filled
(pit); one of each, nothing; k of each, the pixel joins k components or closes holes, k - 1 events in all (saddle).

Components of the upper link are those of the structure's connectivity, of the lower link those of the dual one: two
diagonal neighbours on either side of an absent one touch in 8, and a corner whose sides are absent hangs loose in 4.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from topobench.types import IntArray

__all__ = ["PEAK", "PIT", "REGULAR", "RING", "SADDLE", "Links", "components", "links_of"]

RING = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))  # clockwise from north, (down, right)
REGULAR, PEAK, PIT, SADDLE = range(4)
MOST = 4  # components that a link can have


class Links(NamedTuple):
    """Tables by the byte of earlier neighbours; the last two hold steps in an image of one width, modulo 2**64.

    Attributes
    ----------
    kind : uint8 (256,)
        REGULAR, PEAK, PIT or SADDLE.
    joins : uint8 (256,)
        Number of pairs of components that a saddle brings together: one less than there are.
    step : uint64 (2, 256)
        Step to an earlier neighbour (row 0) or a later one (row 1), as steep as a byte can tell; 0 where there is none.
    neighbour : uint64 (2, 256, 4)
        Steps from a saddle to one neighbour in each component of the upper link (row 0) and the lower one (row 1),
        clockwise and in turn: the lower component k lies between the upper components k and k + 1.
    """

    kind: NDArray[np.uint8]
    joins: NDArray[np.uint8]
    step: NDArray[np.uint64]
    neighbour: NDArray[np.uint64]


def components(byte: int, connectivity: int) -> list[list[int]]:
    """Return the connected components of a set of ring neighbours, clockwise, each as its neighbours clockwise."""
    ring = [bool(byte >> k & 1) for k in range(8)]
    for corner in range(1, 8, 2):
        sides = ring[corner - 1], ring[(corner + 1) % 8]
        ring[corner] = (ring[corner] or all(sides)) if connectivity == 8 else (ring[corner] and any(sides))
    if all(ring):
        return [[k for k in range(8) if byte >> k & 1]]
    found = []
    for start in (k for k in range(8) if ring[k] and not ring[k - 1]):
        run = [start]
        while ring[(run[-1] + 1) % 8]:
            run.append((run[-1] + 1) % 8)
        found.append([k for k in run if byte >> k & 1])
    return found


@lru_cache(maxsize=256)
def links_of(connectivity: int, stride: int) -> Links:
    """Return the tables for a structure of that connectivity, in images whose rows are `stride` places apart."""
    kind, joins, step, neighbour = _directions(connectivity)
    places = np.array([down * stride + right for down, right in RING] + [0]).view(np.uint64)
    return Links(kind, joins, places[step], places[neighbour])


@cache
def _directions(connectivity: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], IntArray, IntArray]:
    """Return the fields of `Links`, with indices into RING instead of steps, -1 for none."""
    kind, joins = np.zeros(256, np.uint8), np.zeros(256, np.uint8)
    step, neighbour = np.full((2, 256), -1), np.full((2, 256, MOST), -1)
    for byte in range(256):
        upper, lower = components(byte, connectivity), components(255 - byte, 12 - connectivity)
        kind[byte] = SADDLE if len(upper) > 1 else PEAK if not upper else PIT if not lower else REGULAR
        for row, runs in enumerate((upper, lower)):
            if runs:
                step[row, byte] = _middle(max(runs, key=len))
        if kind[byte] == SADDLE:
            joins[byte] = len(upper) - 1
            lower.sort(key=lambda run: (run[0] - upper[0][0]) % 8)
            for row, runs in enumerate((upper, lower)):
                neighbour[row, byte, : len(runs)] = [_middle(run) for run in runs]
    return kind, joins, step, neighbour


def _middle(run: list[int]) -> int:
    """Return the neighbour in the middle of a run: in a smooth image the steepest way, so that paths are short."""
    return run[len(run) // 2]
