"""Theorems that persistence pairs of images obey, whoever computes them."""

import gudhi.hera
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import betti_by_labelling, euler_characteristic, values_of
from tests.strategies import connectivities, distinct_images, images
from topobench.topology import persistence_pairs

BIJECTIONS = {
    "transpose": np.transpose,
    "upside down": np.flipud,
    "mirrored": np.fliplr,
    "turned": np.rot90,
}


def alive(pairs, dimension, level):
    """The number of classes of the segmentation `>= level`."""
    return np.count_nonzero((pairs.dimension == dimension) & (pairs.birth >= level) & (pairs.death < level))


@given(images(), connectivities)
def test_alexander_duality(image, connectivity):
    """A hole of the structure is a component of the background, of the dual connectivity, that is not the outside.

    As the film runs backwards the background of f is the structure of -f, and the outside the frame.
    """
    holes = persistence_pairs(image, connectivity, dimensions=(1,))
    pools = persistence_pairs(-image, 12 - connectivity, frame=True, dimensions=(0,))
    finite = np.isfinite(pools.birth)
    assert sorted(zip(holes.birth, holes.death, strict=True)) == sorted(
        zip(-pools.death[finite], -pools.birth[finite], strict=True)
    )


@given(distinct_images(), connectivities)
def test_alexander_duality_holds_for_pixels(image, connectivity):
    holes = persistence_pairs(image, connectivity, dimensions=(1,))
    pools = persistence_pairs(-image, 12 - connectivity, frame=True, dimensions=(0,))
    wanted = set(zip(holes.birth_pixel.tolist(), holes.death_pixel.tolist(), strict=True))
    assert wanted == set(zip(pools.death_pixel.tolist(), pools.birth_pixel.tolist(), strict=True)) - {(-1, -1)}


@given(images(), connectivities, st.booleans())
def test_euler_identity_and_betti_numbers_at_every_level(image, connectivity, frame):
    pairs = persistence_pairs(image, connectivity, frame)
    for level in np.unique(image):
        mask = np.pad(image >= level, 1, constant_values=True) if frame else image >= level
        b0, b1 = (alive(pairs, dimension, level) for dimension in (0, 1))
        assert b0 - b1 == euler_characteristic(mask, connectivity)
        assert (b0, b1) == betti_by_labelling(image >= level, connectivity, frame)


@given(images(), connectivities, st.booleans(), st.sampled_from(sorted(BIJECTIONS)))
def test_flips_and_transposes_keep_values(image, connectivity, frame, name):
    turned = persistence_pairs(BIJECTIONS[name](image), connectivity, frame)
    assert values_of(turned) == values_of(persistence_pairs(image, connectivity, frame))


@given(distinct_images(), connectivities, st.booleans(), st.sampled_from(sorted(BIJECTIONS)))
def test_flips_and_transposes_carry_pixels_along(image, connectivity, frame, name):
    turn = BIJECTIONS[name]
    went_to = np.append(turn(np.arange(image.size).reshape(image.shape)).ravel(), -1)  # -1 stays -1
    before, after = persistence_pairs(image, connectivity, frame), persistence_pairs(turn(image), connectivity, frame)
    found = zip(went_to[after.birth_pixel].tolist(), went_to[after.death_pixel].tolist(), strict=True)
    assert sorted(found) == sorted(zip(before.birth_pixel.tolist(), before.death_pixel.tolist(), strict=True))


@given(images(), connectivities, st.booleans(), st.floats(0.1, 10), st.floats(-5, 5))
def test_monotone_maps_keep_pixels_and_map_values(image, connectivity, frame, slope, shift):
    def rising(values):
        return np.arctan(slope * np.asarray(values)) + shift

    before, after = persistence_pairs(image, connectivity, frame), persistence_pairs(rising(image), connectivity, frame)
    assert np.array_equal(before.birth_pixel, after.birth_pixel)
    assert np.array_equal(before.death_pixel, after.death_pixel)
    for old, new, pixel in (
        (before.birth, after.birth, before.birth_pixel),
        (before.death, after.death, before.death_pixel),
    ):
        assert np.array_equal(rising(old[pixel >= 0]), new[pixel >= 0])
        assert np.array_equal(old[pixel < 0], new[pixel < 0])


@given(images(), st.integers(0, 2**32 - 1), connectivities, st.floats(0, 0.5))
def test_stability(image, seed, connectivity, amount):
    """The bottleneck distance of two diagrams is at most the greatest difference of a pixel (Cohen-Steiner 2007)."""
    other = image + np.random.default_rng(seed).uniform(-amount, amount, image.shape)
    bound = np.abs(other - image).max()
    for dimension in (0, 1):
        diagrams = []
        for each in (image, other):
            pairs = persistence_pairs(each, connectivity, dimensions=(dimension,))
            diagrams.append(np.stack([-pairs.birth, -pairs.death], axis=1))  # the sublevel diagram of -f
        assert gudhi.hera.bottleneck_distance(*diagrams, delta=0) <= bound + 1e-9


@given(images(), connectivities, st.booleans())
def test_values_stand_at_their_pixels(image, connectivity, frame):
    pairs = persistence_pairs(image, connectivity, frame)
    flat = image.ravel()
    for value, pixel, none in ((pairs.birth, pairs.birth_pixel, np.inf), (pairs.death, pairs.death_pixel, -np.inf)):
        there = pixel >= 0
        assert np.array_equal(flat[pixel[there]], value[there])
        assert (value[~there] == none).all()
    assert ((pairs.birth > pairs.death) | (pairs.death_pixel < 0)).all()


@given(images(), connectivities, st.booleans())
def test_no_pixel_gives_birth_twice_or_dies_twice(image, connectivity, frame):
    pairs = persistence_pairs(image, connectivity, frame)
    for dimension in (0, 1):
        chosen = pairs.dimension == dimension
        extremum = (pairs.birth_pixel if dimension == 0 else pairs.death_pixel)[chosen]
        assert len(set(extremum.tolist())) == len(extremum)
