"""The tables over links, against labelling of the ring's pixels."""

import numpy as np
import pytest
from scipy import ndimage

from topobench.topology.links import PEAK, PIT, REGULAR, RING, SADDLE, components, links_of

STRIDE = 100


def labelled(byte, connectivity):
    """The components of a link as sets, by labelling a 3x3 window; a corner joined to no side is not in a 4-link."""
    window = np.zeros((3, 3), bool)
    for k, (down, right) in enumerate(RING):
        window[1 + down, 1 + right] = byte >> k & 1
    labels, count = ndimage.label(window, ndimage.generate_binary_structure(2, 1 if connectivity == 4 else 2))
    sets = [
        {k for k, (down, right) in enumerate(RING) if labels[1 + down, 1 + right] == label}
        for label in range(1, count + 1)
    ]
    return sorted(sorted(found) for found in sets if connectivity == 8 or any(k % 2 == 0 for k in found))


@pytest.mark.parametrize("connectivity", [4, 8])
def test_components_are_those_of_the_window(connectivity):
    for byte in range(256):
        assert sorted(map(sorted, components(byte, connectivity))) == labelled(byte, connectivity)


@pytest.mark.parametrize("connectivity", [4, 8])
def test_kinds_follow_from_the_numbers_of_components(connectivity):
    links = links_of(connectivity, STRIDE)
    for byte in range(256):
        upper, lower = len(labelled(byte, connectivity)), len(labelled(255 - byte, 12 - connectivity))
        wanted = PEAK if upper == 0 else PIT if lower == 0 else REGULAR if upper == 1 else SADDLE
        assert links.kind[byte] == wanted
        assert links.joins[byte] == (upper - 1 if wanted == SADDLE else 0)
        assert upper == lower or 0 in (upper, lower)


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("row", [0, 1])
def test_steps_lead_into_each_component(connectivity, row):
    links = links_of(connectivity, STRIDE)
    places = {int(np.int64(down * STRIDE + right).view(np.uint64)): k for k, (down, right) in enumerate(RING)}
    for byte in range(256):
        runs = labelled(byte if row == 0 else 255 - byte, connectivity if row == 0 else 12 - connectivity)
        step = int(links.step[row, byte])
        assert (step == 0) == (not runs)
        assert step == 0 or any(places[step] in run for run in runs)
        if links.kind[byte] == SADDLE:
            ends = [places[int(step)] for step in links.neighbour[row, byte, : len(runs)]]
            assert sorted(runs.index(next(run for run in runs if end in run)) for end in ends) == list(range(len(runs)))


@pytest.mark.parametrize("connectivity", [4, 8])
def test_upper_and_lower_components_take_turns(connectivity):
    links = links_of(connectivity, STRIDE)
    places = {int(np.int64(down * STRIDE + right).view(np.uint64)): k for k, (down, right) in enumerate(RING)}
    for byte in np.flatnonzero(links.kind == SADDLE):
        count = links.joins[byte] + 1
        upper, lower = ([places[int(step)] for step in links.neighbour[row, byte, :count]] for row in (0, 1))
        turns = [(k - upper[0]) % 8 for pair in zip(upper, lower, strict=True) for k in pair]
        assert turns == sorted(turns)
