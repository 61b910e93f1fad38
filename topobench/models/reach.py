"""How far a model looks: by how many pixels an input pixel can lie from an output pixel that it changes."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["pyramid_reach"]


def pyramid_reach(down: Sequence[int], up: Sequence[int]) -> int:
    """Return how many pixels far a network of levels looks at most, in evaluation, for images of any size.

    Parameters
    ----------
    down : number of 3x3 convolutions of each level, fine to coarse, before the 2x2 pool that follows it
    up : number of those after what comes from the next coarser level was enlarged, fine to coarse; one less

    An upper bound: where sides leave a remainder in the pools, enlarging looks a pixel further than where not.
    """
    places = range(2 ** len(up))  # among the pools: what a pixel sees depends on where in them it lies
    return max(max(place - first, last - place) for place in places for first, last in [_seen(place, down, up)])


def _seen(place: int, down: Sequence[int], up: Sequence[int]) -> tuple[int, int]:
    """Return the first and the last input pixel, along one axis, that the output pixel at `place` depends on."""
    first = last = place
    for convolutions in up:
        # Of pixel i bilinear enlargement by n / ceil(n / 2) reads two neighbours from i / 2 - 1/4 on, or up to 1/2
        # further where n is odd.
        first, last = (first - convolutions - 1) // 2, (last + convolutions) // 2 + 1
    for level in reversed(range(len(down))):
        first, last = first - down[level], last + down[level]
        if level:
            first, last = 2 * first, 2 * last + 1
    return first, last
