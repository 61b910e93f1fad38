"""Predictions with faults that are known: so many gaps, bridges, islands or false holes, or borders that are moved.

Who writes or uses a metric wants to know what it sees. So each family here changes a truth in one way alone, at places
that follow from the seed, and says by how much b0 and b1 changed. Every single fault is checked by counting, with and
without it, under the connectivity and frame asked for; what changes the numbers otherwise is not made.

| kind | one fault | b0 | b1 |
|---|---|---|---|
| ``gaps`` | a strand is cut across at one place: a component falls in two, or a hole opens | +1 or 0 | 0 or -1 |
| ``bridges`` | a bar across background: two components join, or a hole is split in two | -1 or 0 | 0 or +1 |
| ``islands`` | a square of structure inside the background, that touches nothing | +1 | 0 |
| ``false-holes`` | a square of background inside the structure | 0 | +1 |
| ``thinned``, ``thickened`` | layers of border, taken away or added | 0 | 0 |
| ``shifted`` | all moved, edge pixels repeated | not promised | |

In each row the two cases exclude each other, so k gaps raise b0 - b1 by k, and k bridges lower it by k.

A validity mask is not taken: crop the truth instead.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from topobench.data.fault_places import Canvas, Proposals, bars, cuts, squares
from topobench.errors import ArgumentError
from topobench.registry import nearest, unknown_name
from topobench.seeds import generator
from topobench.topology import betti_numbers, thicken, thin
from topobench.topology.images import as_mask, check_connectivity
from topobench.types import BoolArray, IntArray

__all__ = [
    "FAMILIES", "Fault", "bridges", "false_holes", "gaps", "islands", "make_fault", "shifted", "thickened", "thinned",
]  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """A prediction, and what is wrong with it.

    Attributes
    ----------
    kind : str
        A key of `FAMILIES`.
    mask : bool (H, W)
        The prediction.
    places : int64 (k, 2)
        Row and column of the middle of each fault, in the order in which they were made; (0, 2) for moved borders.
    betti_change : (int, int)
        b0 and b1 of the mask less those of the truth.
    """

    kind: str
    mask: BoolArray
    places: IntArray
    betti_change: tuple[int, int]


def make_fault(
    truth: ArrayLike, kind: str, amount: int, seed: int = 0, connectivity: int = 8, frame: bool = False, **options: Any
) -> Fault:
    """Make a prediction with faults of one kind.

    Parameters
    ----------
    truth : (H, W), bool or values 0 and 1
        True where there is structure.
    kind : str
        A key of `FAMILIES`; the module says what they do.
    amount : int
        Number of faults; of ``thinned`` and ``thickened`` the layers; of ``shifted`` the pixels down and to the right,
        which may be negative. 0 gives the truth.
    seed : int
        The places are a function of truth, seed and options; with a larger amount the earlier faults stay.
    connectivity : 8 or 4
        Of the structure; the background has the dual one.
    frame : bool
        Whether Betti numbers are counted with a ring of structure outside the image.
    options
        Of the family: see its function.

    Returns
    -------
    Fault

    Raises
    ------
    UnknownNameError
        For a kind that there is not.
    ArgumentError
        Where the truth has no room for so many, saying for how many; for what is no mask; for wrong options.

    Examples
    --------
    >>> ring = np.pad(np.zeros((7, 7)), 1, constant_values=1)
    >>> make_fault(ring, "gaps", 1).betti_change
    (0, -1)
    """
    if kind not in FAMILIES:
        raise unknown_name("faults", kind, FAMILIES)
    family = FAMILIES[kind]
    parameters = list(inspect.signature(family).parameters)[2:]  # what comes after truth and amount
    common = {"seed": seed, "connectivity": connectivity, "frame": frame}
    own = [name for name in parameters if name not in common]
    for name in options:
        if name not in own:
            raise ArgumentError(
                f"the fault {kind!r} has no option {name!r}{nearest(name, own)}; it takes {', '.join(own) or 'none'}."
            )
    return family(truth, amount, **{name: common[name] for name in common if name in parameters}, **options)


def gaps(
    truth: ArrayLike, count: int, length: int = 2, apart: int = 8, seed: int = 0, connectivity: int = 8,
    frame: bool = False,
) -> Fault:  # fmt: skip
    """Cut strands of structure across: for each gap either b0 rises by 1 or b1 falls by 1.

    Parameters
    ----------
    truth, count, seed, connectivity, frame
        As for `make_fault`.
    length : int
        Pixels that are taken away along the strand, across its whole width. A gap of 1 in a slanting strand may still
        be closed by diagonal contacts; such places are passed over.
    apart : int
        Of any two faults the boxes around the changed pixels have at least so many pixels between them.

    Notes
    -----
    A gap lies at a pixel of the truth's skeleton, perpendicular to the way to the nearest background. What it cuts
    apart is at each side, seen in a small window, no less than what it takes away: no mere crumbs.
    """
    _check_whole("length", length, 1)
    canvas = Canvas(as_mask(truth, "truth"), connectivity, bool(frame))
    return _made("gaps", canvas, count, seed, apart, cuts(canvas, length), {(1, 0), (0, -1)})


def bridges(
    truth: ArrayLike, count: int, width: int = 3, reach: int = 24, apart: int = 8, seed: int = 0,
    connectivity: int = 8, frame: bool = False,
) -> Fault:  # fmt: skip
    """Draw bars across the background: for each bridge either b0 falls by 1 or b1 rises by 1.

    Parameters
    ----------
    truth, count, seed, connectivity, frame, apart
        As for `make_fault` and `gaps`.
    width : int
        Pixels across. A bar of 1 that slants is no path in connectivity 4; such places are passed over.
    reach : int
        The longest bar, pixels.

    Notes
    -----
    A bridge goes through a pixel half-way between structures, from the nearest structure straight on. The frame is none
    of the structure that it may end at.
    """
    _check_whole("width", width, 1)
    _check_whole("reach", reach, 1)
    canvas = Canvas(as_mask(truth, "truth"), connectivity, bool(frame))
    return _made("bridges", canvas, count, seed, apart, bars(canvas, width, reach), {(-1, 0), (0, 1)})


def islands(
    truth: ArrayLike, count: int, size: int = 3, margin: int = 2, apart: int = 8, seed: int = 0, connectivity: int = 8,
    frame: bool = False,
) -> Fault:  # fmt: skip
    """Put squares of structure into the background: b0 rises by 1 for each, b1 stays, under any connectivity and frame.

    Parameters
    ----------
    truth, count, seed, connectivity, frame, apart
        As for `make_fault` and `gaps`.
    size : int
        Side of a square, pixels.
    margin : int
        Background, inside the image, that is left around it at least, pixels; from 1 on.
    """
    _check_whole("size", size, 1)
    _check_whole("margin", margin, 1)
    canvas = Canvas(as_mask(truth, "truth"), connectivity, bool(frame))
    return _made("islands", canvas, count, seed, apart, squares(~canvas.truth, size, margin), {(1, 0)})


def false_holes(
    truth: ArrayLike, count: int, size: int = 1, margin: int = 1, apart: int = 8, seed: int = 0, connectivity: int = 8,
    frame: bool = False,
) -> Fault:  # fmt: skip
    """Take squares out of the structure: b1 rises by 1 for each, b0 stays, under any connectivity and frame.

    Parameters
    ----------
    truth, count, seed, connectivity, frame, apart
        As for `make_fault` and `gaps`.
    size : int
        Side of a square, pixels.
    margin : int
        Structure, inside the image, that is left around it at least, pixels; from 1 on.
    """
    _check_whole("size", size, 1)
    _check_whole("margin", margin, 1)
    canvas = Canvas(as_mask(truth, "truth"), connectivity, bool(frame))
    return _made("false-holes", canvas, count, seed, apart, squares(canvas.truth, size, margin), {(0, 1)})


def shifted(truth: ArrayLike, pixels: int | tuple[int, int], connectivity: int = 8, frame: bool = False) -> Fault:
    """Move all by so many pixels, (down, right) or one number for both, negative for up and left; edges are repeated.

    Betti numbers are not promised: what leaves the image is lost, and what is repeated may close or join.
    """
    mask = as_mask(truth, "truth")
    shift = pixels if isinstance(pixels, tuple) else (pixels, pixels)
    if len(shift) != 2 or not all(map(_is_whole, shift)):
        raise ArgumentError(f"pixels is {pixels!r}; it must be a whole number, or two of them (down, right).")
    rows, columns = (np.clip(np.arange(side) - by, 0, side - 1) for side, by in zip(mask.shape, shift, strict=True))
    return _moved("shifted", mask, mask[np.ix_(rows, columns)], connectivity, frame)


def thinned(truth: ArrayLike, pixels: int, connectivity: int = 8, frame: bool = False) -> Fault:
    """Take layers of pixels off the structure, as `topobench.topology.thin` does: the topology stays."""
    mask = as_mask(truth, "truth")
    return _moved("thinned", mask, thin(mask, pixels, connectivity), connectivity, frame)


def thickened(truth: ArrayLike, pixels: int, connectivity: int = 8, frame: bool = False) -> Fault:
    """Add layers of pixels to the structure, as `topobench.topology.thicken` does: the topology stays."""
    mask = as_mask(truth, "truth")
    return _moved("thickened", mask, thicken(mask, pixels, connectivity), connectivity, frame)


FAMILIES: dict[str, Callable[..., Fault]] = {
    "gaps": gaps,
    "bridges": bridges,
    "islands": islands,
    "false-holes": false_holes,
    "shifted": shifted,
    "thinned": thinned,
    "thickened": thickened,
}


def _made(
    kind: str, canvas: Canvas, count: int, seed: int, apart: int, proposals: Proposals, allowed: set[tuple[int, int]]
) -> Fault:
    """Make so many faults where proposals, taken in the order of the seed, change the Betti numbers as allowed."""
    _check_whole("count", count, 0)
    _check_whole("apart", apart, 1)
    _check_whole("seed", seed, 0)
    before, places = canvas.betti, []
    for index in generator("fault", kind, seed).permutation(len(proposals)) if count else ():
        pixels = proposals.pixels(index)
        if pixels is not None and canvas.flip(pixels, allowed, apart):
            places.append(proposals.places[index])
            if len(places) == count:
                break
    if len(places) < count:
        raise _no_room(kind.replace("-", " "), len(places), count, apart)
    change = canvas.betti[0] - before[0], canvas.betti[1] - before[1]
    return Fault(kind, canvas.image.copy(), np.array(places, np.int64).reshape(-1, 2), change)


def _no_room(word: str, room: int, count: int, apart: int) -> ArgumentError:
    most = f"ask for at most {room}" if room else "take other sizes"
    return ArgumentError(
        f"the truth has room for {room} {word} of the {count} wanted, {apart} pixels apart; "
        f"{most}, or give a larger truth."
    )


def _moved(kind: str, truth: BoolArray, mask: BoolArray, connectivity: int, frame: bool) -> Fault:
    check_connectivity(connectivity)
    after, before = (betti_numbers(image, connectivity, frame) for image in (mask, truth))
    return Fault(kind, mask, np.empty((0, 2), np.int64), (int(after[0] - before[0]), int(after[1] - before[1])))


def _check_whole(name: str, value: int, least: int) -> None:
    """Raise ArgumentError unless a value is a whole number from `least` on."""
    if not _is_whole(value) or value < least:
        raise ArgumentError(f"{name} is {value!r}; it must be a whole number from {least} on.")


def _is_whole(value: int) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
