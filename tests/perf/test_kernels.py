"""The named kernels: for the clock under pytest-benchmark, for instruction counts under pytest-codspeed.

`benchmarks/gate.py` runs a copy of this folder against another version of the package, so it imports nothing from
`tests`. Each kernel is called once before it is measured: no compilation, no first import, no cold cache is counted.
"""

from functools import partial

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, label

from topobench import topology


def membranes(count, size, dtype=np.float32):
    """Likelihoods (count, size, size) of thin closed curves, such as membranes: the level lines of smooth noise."""
    noise = np.random.default_rng(size).standard_normal((count, size, size))
    smooth = gaussian_filter(noise, (0, 3, 3))
    distance = np.abs(smooth) / smooth.std() - 0.35 + noise / 40
    return (1 / (1 + np.exp(8 * distance))).astype(dtype)


def measured(benchmark, kernel):
    """Call the kernel once to warm it, then measure it; return its result."""
    kernel()
    return benchmark(kernel)


def euler(masks):
    """Vertices - edges + faces of the union of the closed pixels of each mask: b0 - b1 for connectivity 8."""
    faces = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
    beside, below = faces[:, :, 1:] | faces[:, :, :-1], faces[:, 1:] | faces[:, :-1]
    corners = beside[:, 1:] | beside[:, :-1]
    return sum(sign * cells.sum((1, 2)) for sign, cells in ((1, corners), (-1, beside), (-1, below), (1, faces)))


@pytest.mark.parametrize(
    ("count", "size", "dtype", "options"),
    [
        pytest.param(120, 65, np.float32, {}, id="65"),
        pytest.param(120, 65, np.float32, {"connectivity": 4}, id="65-connectivity4"),
        pytest.param(120, 65, np.float32, {"frame": True, "dimensions": (1,)}, id="65-framed-holes"),
        pytest.param(120, 65, np.float64, {}, id="65-float64"),
        pytest.param(8, 257, np.float32, {}, id="257"),
    ],
)
def test_persistence_pairs(benchmark, count, size, dtype, options):
    images = membranes(count, size, dtype)
    pairs = measured(benchmark, partial(topology.persistence_pairs, images, threads=1, **options))
    alive = (pairs.birth >= 0.5) & (pairs.death < 0.5)
    wanted = options.get("dimensions", (0, 1))
    frame, connectivity = options.get("frame", False), options.get("connectivity", 8)
    betti = topology.betti_numbers(images >= 0.5, connectivity, frame, threads=1)
    for dimension in wanted:
        found = np.bincount(pairs.image[alive & (pairs.dimension == dimension)], minlength=count)
        assert found.tolist() == betti[dimension].tolist()


def test_betti_numbers(benchmark):
    masks = membranes(400, 65) >= 0.5
    b0, b1 = measured(benchmark, partial(topology.betti_numbers, masks, threads=1))
    assert b0.min() > 0
    assert b1.max() > 1
    assert (b0 - b1).tolist() == euler(masks).tolist()


def test_label_components(benchmark):
    masks = membranes(400, 65) >= 0.5
    labels = measured(benchmark, partial(topology.label_components, masks, threads=1))
    assert np.array_equal(labels > 0, masks)
    assert labels.max((1, 2)).tolist() == [label(mask, np.ones((3, 3)))[1] for mask in masks]


def test_betti_matching(benchmark):
    prediction, truth = membranes(100, 65) >= 0.5, membranes(100, 65) >= 0.45
    found = measured(benchmark, partial(topology.betti_matching, prediction, truth, threads=1))
    numbers = np.array([topology.betti_numbers(masks, threads=1) for masks in (prediction, truth)])
    assert np.array_equal(found.matched + found.false, numbers[0])
    assert np.array_equal(found.matched + found.missed, numbers[1])


def test_match_barcodes(benchmark):
    prediction, truth = membranes(20, 65), membranes(20, 65) >= 0.45
    found = measured(benchmark, partial(topology.match_barcodes, prediction, truth, threads=1))
    assert len(found.partner) == len(topology.persistence_pairs(prediction, threads=1))
    mates = found.partner[found.partner >= 0]
    assert 20 < len(mates) == len(set(mates.tolist()))


def test_contingency_table(benchmark):
    from topobench.metrics.contingency import tabulate

    prediction, truth = (topology.label_components(~(membranes(1, 512)[0] >= cut), 4) for cut in (0.5, 0.45))
    table = measured(benchmark, partial(tabulate, prediction, truth))
    assert table.total == 512**2
    pairs = {(int(s), int(t)) for s, t in zip(prediction.ravel(), truth.ravel(), strict=True)}
    assert set(zip(table.segment.tolist(), table.region.tolist(), strict=True)) == pairs


def test_nearest_labels(benchmark):
    from topobench.topology.nearest import nearest_labels

    labels = topology.label_components(~(membranes(1, 512)[0] >= 0.5), 4)
    filled = measured(benchmark, partial(nearest_labels, labels))
    assert filled.min() > 0
    assert np.array_equal(filled[labels > 0], labels[labels > 0])


def test_critical_regions(benchmark):
    prediction, truth = membranes(100, 65) >= 0.5, membranes(100, 65) >= 0.45
    regions = measured(benchmark, partial(topology.critical_regions, prediction, truth, threads=1))
    assert regions.max() > 1
    assert not regions[prediction == truth].any()


def test_warp(benchmark):
    prediction, truth = membranes(100, 65) >= 0.5, membranes(100, 65) >= 0.45
    warped = measured(benchmark, partial(topology.warp, truth, prediction, threads=1))
    assert 0 < (warped != prediction).sum() < (truth != prediction).sum()
    assert np.array_equal(*(topology.betti_numbers(masks, threads=1) for masks in (warped, truth)))


def test_maximin_pairs(benchmark):
    images = membranes(100, 65)
    labels = topology.label_components(images < 0.5, 4)
    same, other = measured(benchmark, partial(topology.maximin_pairs, 1 - images, labels, 4, threads=1))
    count = (labels > 0).sum((1, 2))
    assert ((same + other).sum((1, 2)) == count * (count + 1) // 2).all()
