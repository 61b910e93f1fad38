"""The induced matching of barcodes: worked by hand, against ranks of maps, the authors' module, and by its laws."""

from dataclasses import fields
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tests.strategies import connectivities, shapes
from tests.topology.test_laws import BIJECTIONS
from topobench.errors import ArgumentError
from topobench.topology import betti_matching, label_components, match_barcodes, persistence_pairs, threads
from topobench.types import PersistencePairs

INFINITY = np.inf
small = st.tuples(st.integers(1, 4), st.integers(1, 4))
turns = st.sampled_from(sorted(BIJECTIONS))


@st.composite
def two_distinct(draw, shapes=shapes):
    """Two images in (0, 1) with no value in common, nor any twice."""
    shape = 2, *draw(shapes)
    return (np.array(draw(st.permutations(range(np.prod(shape))))).reshape(shape) + 1) / (np.prod(shape) + 1)


def two_tied(shapes=shapes):
    """Two images with few different values, infinite ones among them."""
    values = st.sampled_from([-INFINITY, -0.0, 0.0, 0.25, 0.5, 1.0, INFINITY])
    return shapes.flatmap(lambda shape: npst.arrays(np.float64, (2, *shape), elements=values))


two_images = st.one_of(two_distinct(), two_tied())
two_masks = shapes.flatmap(lambda shape: npst.arrays(np.bool_, (2, *shape)))


def grey(*rows):
    """An image of whole numbers, one digit a pixel, or * for 10."""
    return np.array([[10 if digit == "*" else int(digit) for digit in row] for row in rows])


def bars(pairs):
    """(dimension, birth, death) of each pair."""
    return list(zip(pairs.dimension.tolist(), pairs.birth.tolist(), pairs.death.tolist(), strict=True))


def partners(found):
    """Matched bars as (dimension, birth, death, birth, death), and the bars of either image without partner."""
    ours, theirs = bars(found.prediction), bars(found.truth)
    matched = [(*ours[k], *theirs[mate][1:]) for k, mate in enumerate(found.partner) if mate >= 0]
    false = [ours[k] for k in np.flatnonzero(found.partner < 0)]
    missed = [theirs[k] for k in np.setdiff1d(np.arange(len(theirs)), found.partner)]
    return sorted(matched), sorted(false), sorted(missed)


def finite(prediction, truth, connectivity=8, frame=False):
    """What `partners` finds, without the essential components, which are partners."""
    matched, false, missed = partners(match_barcodes(prediction, truth, connectivity, frame))
    essential = [bar for bar in matched if bar[2] == -INFINITY]
    assert [bar[4] for bar in essential] == [-INFINITY]
    assert not any(bar[2] == -INFINITY for bar in false + missed)
    return [bar for bar in matched if bar not in essential], false, missed


FLOOR = "00000"
# (prediction, truth): matched bars, bars of the prediction and of the truth without partner, connectivity 4, by hand.
# The compiled module `betti_matching` of the paper's authors (topolosses 0.2.0), run on tenths, finds the same.
WORKED = {
    "two bumps": (grey("914", "000"), grey("534", "000"), [(0, 4, 1, 4, 3)], [], []),
    "a gap that the truth bridges": (grey("914", "000"), grey("555", "000"), [], [(0, 4, 1)], []),
    "a gap that the prediction bridges": (grey("555", "000"), grey("914", "000"), [], [], [(0, 4, 1)]),
    "three bumps for two": (grey("91738", FLOOR), grey("82666", FLOOR), [(0, 8, 1, 6, 2)], [(0, 7, 3)], []),
    "one hole": (grey("555", "515", "555"), grey("444", "424", "444"), [(1, 5, 1, 4, 2)], [], []),
    "a hole filled": (grey("555", "515", "555"), grey("444", "444", "444"), [], [(1, 5, 1)], []),
    "holes apart": (grey("77777", "71777", "77777"), grey("66666", "66626", "66666"), [], [(1, 7, 1)], [(1, 6, 2)]),
    "a mask, far from the threshold": (grey("16571", FLOOR), grey("**0**", FLOOR), [(0, 6, 5, 10, 0)], [], []),
    "a mask, one piece unseen": (grey("380645", "277711"), grey("**0***", "000000"), [], [(0, 5, 4)], [(0, 10, 0)]),
}
# The same, but the module, which keeps bars of empty image and orders deaths at one pixel by place, matches those that
# stand last.
NOT_THE_MODULE = {
    # at level 1, when the prediction bears the bump, it has long been one with the rest in the union
    "a bump born late": (grey("3201", "0000"), grey("1524", "0000"), [], [(0, 1, 0)], [(0, 4, 2)], [(0, 1, 0, 4, 2)]),
    "a gap in the wrong place": (
        grey("1653241", "0000000"), grey("**0****", "0000000"), [], [(0, 4, 2)], [(0, 10, 0)], [(0, 4, 2, 10, 0)],
    ),
    "four meet at one pixel": (
        grey("090", "817", "060"), grey("030", "629", "080"),
        [(0, 6, 1, 3, 2), (0, 7, 1, 6, 2), (0, 8, 1, 8, 2)], [], [],
        [(0, 6, 1, 6, 2), (0, 7, 1, 8, 2), (0, 8, 1, 3, 2)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("prediction", "truth", "matched", "false", "missed"),
    [*WORKED.values(), *(case[:5] for case in NOT_THE_MODULE.values())],
    ids=[*WORKED, *NOT_THE_MODULE],
)
def test_worked_by_hand(prediction, truth, matched, false, missed):
    assert finite(prediction, truth, 4) == (matched, false, missed)


@pytest.mark.parametrize("case", NOT_THE_MODULE.values(), ids=NOT_THE_MODULE)
def test_the_definition_tells_us_from_the_module(case):
    prediction, truth, matched, _, _, module = case
    assert [bar for bar in by_ranks(prediction, truth, 4, False) if bar[2] > -INFINITY] == matched
    assert matched != module


def test_four_holes_meet_at_one_pixel():
    prediction, truth = grey("919", "283", "949"), grey("939", "572", "919")
    matched, *alone = finite(prediction, truth, 8, True)
    assert matched == [(1, 8, 2, 7, 2), (1, 8, 3, 7, 3), (1, 8, 4, 7, 5), (1, INFINITY, 1, INFINITY, 1)]
    assert alone == [[], []]


def test_the_frames_are_partners():
    found = match_barcodes([[3, 1, 2]], [[1, 1, 1]], frame=True)
    assert partners(found)[0] == [(0, INFINITY, -INFINITY, INFINITY, -INFINITY), (1, INFINITY, 1, INFINITY, 1)]
    assert found.prediction.birth_pixel[found.partner >= 0].tolist() == [-1, -1]


# --- The definition, by ranks: no union-find, no duality, no order within a pixel ---


def ranked(*images):
    """Whole numbers from 1 on in place of the values of images; among equals the greatest stands first."""
    entries = [(float(value), -place) for image in images for place, value in enumerate(image.ravel())]
    rank = {entry: number for number, entry in enumerate(sorted(set(entries)), 1)}
    return np.array([rank[entry] for entry in entries]).reshape(len(images), *images[0].shape)


def cells(image, connectivity):
    """The level at which each cell enters, by its place in a grid twice as fine; it extends along odd coordinates."""
    height, width = image.shape
    if connectivity == 4:  # pixels are vertices; a cell enters with the last of its own
        pixels = {(2 * y, 2 * x): image[y, x] for y, x in product(range(height), range(width))}
        grid, choose = product(range(2 * height - 1), range(2 * width - 1)), min
    else:  # pixels are squares; a cell enters with the first of those that it bounds
        pixels = {(2 * y + 1, 2 * x + 1): image[y, x] for y, x in product(range(height), range(width))}
        grid, choose = product(range(2 * height + 1), range(2 * width + 1)), max
    around = list(product((-1, 0, 1), repeat=2))
    return {(y, x): int(choose(pixels[y + j, x + i] for j, i in around if (y + j, x + i) in pixels)) for y, x in grid}


def boundary(cell):
    y, x = cell
    return [(y - 1, x), (y + 1, x)] * (y % 2) + [(y, x - 1), (y, x + 1)] * (x % 2)


def of_dimension(complex_, dimension):
    return [cell for cell in complex_ if cell[0] % 2 + cell[1] % 2 == dimension]


class Span:
    """A vector space over the field of two elements; vectors are the bits of whole numbers."""

    def __init__(self, rows=()):
        self.rows = dict(rows)

    def rest(self, vector):
        while vector and vector.bit_length() in self.rows:
            vector ^= self.rows[vector.bit_length()]
        return vector

    def add(self, vector):
        if vector := self.rest(vector):
            self.rows[vector.bit_length()] = vector


def cycles(complex_, dimension, bit):
    """(level, cycle), such that those from a level on span the cycles of what has entered by then."""
    high, found, reduced = len(bit), [], Span()  # a chain's boundary stands in the high bits, the chain in the low ones
    for cell in sorted(of_dimension(complex_, dimension), key=complex_.get, reverse=True):
        rest = reduced.rest(sum(1 << high + bit[face] for face in boundary(cell)) | 1 << bit[cell])
        if rest >> high:
            reduced.add(rest)
        else:
            found.append((complex_[cell], rest))
    return found


def barcode(inner, outer, dimension, levels, bit):
    """Bars (birth, death) of the images of H(inner) -> H(outer), level by level, 0 for never, from the ranks alone."""
    held = cycles(inner, dimension, bit)
    filled = [
        (outer[cell], sum(1 << bit[face] for face in boundary(cell))) for cell in of_dimension(outer, dimension + 1)
    ]
    rank = np.zeros((len(levels) + 1, len(levels) + 2), int)  # of what inner has at one level in outer at a later one
    for j, later in enumerate(levels, 1):
        boundaries = Span()
        for level, chain in filled:
            if level >= later:
                boundaries.add(chain)
        span = Span(boundaries.rows)
        for i, earlier in enumerate(levels[:j], 1):
            for level, cycle in held:
                if level == earlier:
                    span.add(cycle)
            rank[i, j] = len(span.rows) - len(boundaries.rows)
    born = rank[1:] - rank[:-1]  # what lives at a level of those born at one
    ends = [*levels, 0]
    return [
        (levels[i], ends[j])
        for i, j in product(range(len(levels)), range(1, len(ends)))
        if i < j
        for _ in range(born[i, j] - born[i, j + 1])
    ]


def shared(first, second, end):
    """For each bar of the first barcode that of the second with the same birth (end 0) or death (1), by length."""
    found = {}
    for level in {bar[end] for bar in first}:
        alike = [sorted((bar for bar in bars if bar[end] == level), key=lambda bar: bar[1] - bar[0])
                 for bars in (first, second)]  # fmt: skip
        found |= dict(zip(*alike, strict=False))
    assert found.keys() == set(first)
    return found


def partners_by_ranks(prediction, truth, connectivity, frame):
    """(dimension, birth, death, birth, death) of partners, in ranks, as Bauer and Lesnick define them."""
    images = ranked(prediction, truth)
    top = int(images.max()) + 1
    value = {0: -INFINITY, top: INFINITY}
    value |= dict(zip(images.ravel().tolist(), np.stack([prediction, truth]).ravel().tolist(), strict=True))
    levels = sorted({*images.ravel().tolist(), *([top] if frame else [])}, reverse=True)
    if frame:
        images = np.pad(images, ((0, 0), (1, 1), (1, 1)), constant_values=top)
    p, t, c = (cells(image, connectivity) for image in (*images, np.maximum(*images)))
    bit = {cell: number for number, cell in enumerate(c)}
    found = []
    for dimension in (0, 1):
        union = barcode(c, c, dimension, levels, bit)
        goes = []
        for own in (p, t):
            image, bars = (barcode(own, outer, dimension, levels, bit) for outer in (c, own))
            image_of, class_of = shared(image, bars, 0), shared(image, union, 1)
            lasting = [bar for bar in image if bar[1] == 0 or value[bar[0]] > value[bar[1]]]
            goes.append({class_of[bar]: image_of[bar] for bar in lasting})
        found += [(dimension, *goes[0][bar], *goes[1][bar]) for bar in goes[0].keys() & goes[1].keys()]
    return sorted(found), images, value


def by_ranks(prediction, truth, connectivity, frame):
    """The same in values."""
    found, _, value = partners_by_ranks(prediction, truth, connectivity, frame)
    return sorted((bar[0], *(value[rank] for rank in bar[1:])) for bar in found)


@settings(max_examples=300)
@given(st.one_of(two_distinct(small), two_tied(small)), connectivities, st.booleans())
def test_partners_are_those_that_the_ranks_of_maps_define(images, connectivity, frame):
    found = match_barcodes(*images, connectivity, frame)
    ranks = ranked(*images)
    top = int(ranks.max()) + 1

    def in_ranks(pairs, image):
        births = np.append(image.ravel(), top)[pairs.birth_pixel]
        deaths = np.append(image.ravel(), 0)[pairs.death_pixel]
        return list(zip(pairs.dimension.tolist(), births.tolist(), deaths.tolist(), strict=True))

    ours, theirs = in_ranks(found.prediction, ranks[0]), in_ranks(found.truth, ranks[1])
    matched = sorted((*ours[k], *theirs[mate][1:]) for k, mate in enumerate(found.partner) if mate >= 0)
    assert matched == partners_by_ranks(*images, connectivity, frame)[0]


# --- Laws ---


@given(two_images, connectivities, st.booleans())
def test_the_pairs_are_those_of_each_image(images, connectivity, frame):
    found = match_barcodes(*images, connectivity, frame)
    for pairs, image in zip((found.prediction, found.truth), images, strict=True):
        alone = persistence_pairs(image, connectivity, frame)
        assert all(np.array_equal(getattr(pairs, field.name), getattr(alone, field.name)) for field in
                   fields(PersistencePairs))  # fmt: skip


@given(two_images, connectivities, st.booleans())
def test_partners_are_two_of_a_kind_and_no_others(images, connectivity, frame):
    found = match_barcodes(*images, connectivity, frame)
    ours, partner = np.flatnonzero(found.partner >= 0), found.partner[found.partner >= 0]
    assert len(set(partner.tolist())) == len(partner)
    assert np.array_equal(found.prediction.dimension[ours], found.truth.dimension[partner])
    essential = [np.flatnonzero(pairs.death_pixel == -1).tolist() for pairs in (found.prediction, found.truth)]
    assert found.partner[essential[0]].tolist() == essential[1]


@given(two_images, connectivities, st.booleans())
def test_an_image_is_matched_with_itself_pair_by_pair(images, connectivity, frame):
    found = match_barcodes(images[0], images[0], connectivity, frame)
    assert np.array_equal(found.partner, np.arange(len(found.truth)))


@given(two_images, connectivities, st.booleans())
def test_partners_have_each_other(images, connectivity, frame):
    one, other = match_barcodes(*images, connectivity, frame), match_barcodes(*images[::-1], connectivity, frame)
    matched = np.flatnonzero(one.partner >= 0)
    assert np.array_equal(other.partner[one.partner[matched]], matched)
    assert np.count_nonzero(other.partner >= 0) == len(matched)


@given(two_distinct(), connectivities, st.booleans(), turns)
def test_flips_and_transposes_carry_partners_along(images, connectivity, frame, name):
    turned = [BIJECTIONS[name](image) for image in images]
    before, after = match_barcodes(*images, connectivity, frame), match_barcodes(*turned, connectivity, frame)
    assert partners(before) == partners(after)


@given(two_distinct(), connectivities, st.booleans(), turns, st.floats(0, 1))
def test_for_a_mask_flips_and_transposes_keep_who_has_a_partner(images, connectivity, frame, name, level):
    images = images[0], images[1] > level
    turned = [BIJECTIONS[name](image) for image in images]
    before, after = match_barcodes(*images, connectivity, frame), match_barcodes(*turned, connectivity, frame)
    assert partners(before) == partners(after)


@given(two_images, connectivities, st.booleans())
def test_a_monotone_map_of_both_keeps_partners(images, connectivity, frame):
    before, after = (match_barcodes(*values, connectivity, frame) for values in (images, np.sinh(images) * 3 + 1))
    assert np.array_equal(before.partner, after.partner)


@given(two_images, connectivities, st.booleans(), st.sampled_from([0, 1]))
def test_one_dimension_alone(images, connectivity, frame, dimension):
    both, alone = (match_barcodes(*images, connectivity, frame, wanted) for wanted in ((0, 1), (dimension,)))
    assert partners(alone) == tuple([bar for bar in bars if bar[0] == dimension] for bars in partners(both))


def count(found, dimension):
    return np.count_nonzero((found.partner >= 0) & (found.prediction.dimension == dimension))


@given(two_masks, connectivities, st.booleans())
def test_of_masks_as_many_holes_are_matched_as_by_betti_matching(masks, connectivity, frame):
    full = frame and np.logical_or(*masks).all()  # the holes of the frames are bars even where nothing is left of them
    holes = betti_matching(*masks, connectivity, frame).matched[1, 0]
    assert count(match_barcodes(*masks, connectivity, frame), 1) == holes + full


@given(two_masks, connectivities, st.booleans())
def test_of_masks_at_least_as_many_components_are_matched_as_by_betti_matching(masks, connectivity, frame):
    found = count(match_barcodes(*masks, connectivity, frame), 0)
    if frame:
        masks = np.pad(masks, ((0, 0), (1, 1), (1, 1)), constant_values=True)
    meeting = label_components(np.logical_or(*masks), connectivity)
    ours, theirs = (set(meeting[mask].tolist()) for mask in masks)
    assert betti_matching(*masks, connectivity).matched[0, 0] == len(ours & theirs)
    assert max(len(ours & theirs), 1) <= found <= max(min(len(ours), len(theirs)), 1)


# --- Batches, threads, input ---


@pytest.mark.parametrize("asked", [1, 2, 5])
def test_batches_and_threads_change_nothing(monkeypatch, asked):
    monkeypatch.setattr(threads, "WORTH_A_THREAD", 1)
    random = np.random.default_rng(0)
    prediction, truth = random.random((11, 24, 31)).astype(np.float32), random.random((11, 24, 31)) < 0.5
    found, offset = match_barcodes(prediction, truth, 4, True, threads=asked), 0
    for number in range(11):
        alone = match_barcodes(prediction[number], truth[number], 4, True)
        here = found.partner[found.prediction.image == number]
        assert np.array_equal(np.where(here >= 0, here - offset, here), alone.partner)
        offset += len(alone.truth)
    assert offset == len(found.truth)


def test_input_is_never_written_and_may_lie_anyhow():
    prediction, truth = np.random.default_rng(1).integers(0, 9, (2, 13, 22))
    expected = match_barcodes(prediction, truth).partner
    prediction.flags.writeable = truth.flags.writeable = False
    for dtype in (np.uint8, np.int64, np.float16, np.float64, ">f4"):
        assert np.array_equal(match_barcodes(prediction.astype(dtype), truth).partner, expected)
    assert np.array_equal(match_barcodes(np.asfortranarray(prediction), truth.tolist()).partner, expected)
    assert len(match_barcodes(np.zeros((0, 3, 3)), np.zeros((0, 3, 3))).partner) == 0


def test_values_that_float32_does_not_tell_apart():
    found = match_barcodes([[1 + 1e-12, 0, 1]], np.array([[1, 0, 1]], np.float32))
    assert found.prediction.birth_pixel[found.partner >= 0].tolist() == [2, 0]
    beyond = match_barcodes([[1.0, 1 - 1e-12, 1.0]], np.array([[1, 0, 1]], np.float32))
    assert np.count_nonzero(beyond.partner >= 0) == 2


def test_wrong_input():
    image = np.zeros((3, 6))
    with pytest.raises(ArgumentError, match=r"prediction has shape \(3, 6\), the truth \(6, 3\)"):
        match_barcodes(image, image.T)
    with pytest.raises(ArgumentError, match=r"prediction has shape \(1, 3, 6\), the truth \(3, 6\)"):
        match_barcodes(image[None], image)
    with pytest.raises(ArgumentError, match="connectivity is 6"):
        match_barcodes(image, image, 6)
    with pytest.raises(ArgumentError, match="dimensions is 2"):
        match_barcodes(image, image, dimensions=2)
    with pytest.raises(ArgumentError, match="threads is 0"):
        match_barcodes(image, image, threads=0)
    with pytest.raises(ArgumentError, match=r"NaN at 1 of 18 places, the first at \(2, 5\)"):
        match_barcodes(image, np.where(np.arange(18).reshape(3, 6) == 17, np.nan, image))
    with pytest.raises(ArgumentError, match="complex128"):
        match_barcodes(image * 1j, image)
    with pytest.raises(ArgumentError, match="rows must be equally long"):
        match_barcodes([[1, 2], [3]], image)
