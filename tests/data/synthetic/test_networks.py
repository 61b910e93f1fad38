"""Plans of networks: what they count by hand, what they draw, and where curves leave the image."""

import numpy as np
import pytest

from tests.oracles import betti_by_labelling
from topobench.data.synthetic.cracks import Growth
from topobench.data.synthetic.networks import Plan, exits_apart, hermite, lattice, triangulation
from topobench.data.synthetic.vessels import Vessels
from topobench.seeds import generator

SHAPE = (40, 60)


def plan(nodes, edges, width=3.0):
    """Straight lines between nodes."""
    nodes, edges = np.array(nodes, dtype=float), np.array(edges, dtype=int).reshape(-1, 2)
    starts, ends = nodes[edges[:, 0]], nodes[edges[:, 1]]
    points = hermite(starts, ends, ends - starts, ends - starts)
    return Plan(edges, points, np.full(points.shape[:2], width))


SQUARE = [(10, 10), (10, 30), (30, 30), (30, 10)]
AROUND = [(0, 1), (1, 2), (2, 3), (3, 0)]


@pytest.mark.parametrize(
    ("nodes", "edges", "betti", "framed"),
    [
        ([(0, 0)], [], (0, 0), (1, 1)),  # nothing: the ring and its loop
        ([(10, 10), (20, 30)], [(0, 1)], (1, 0), (2, 1)),  # an island
        ([(10, 10), (10, 80)], [(0, 1)], (1, 0), (1, 1)),  # a pier
        ([(10, 10), (41, 30)], [(0, 1)], (1, 0), (1, 1)),  # a pier that ends just outside
        ([(20, -9), (20, 70)], [(0, 1)], (1, 0), (1, 2)),  # a bridge parts the image
        (SQUARE, AROUND, (1, 1), (2, 2)),
        (SQUARE, [*AROUND, (0, 2)], (1, 2), (2, 3)),
        ([*SQUARE, (-9, 20)], [*AROUND, (0, 4), (1, 4)], (1, 1), (1, 3)),  # two ways to a node outside
        ([(10, 10), (-9, 20), (10, 30)], [(0, 1), (1, 2)], (2, 0), (1, 1)),  # two piers, joined outside only
    ],
)
def test_plans_counted_by_hand(nodes, edges, betti, framed):
    made = plan(nodes, edges).make(SHAPE)
    assert (made.betti, made.framed) == (betti, framed)
    assert betti_by_labelling(made.truth, 8, False) == betti
    assert betti_by_labelling(made.truth, 4, True) == framed


def test_numbers_come_from_the_plan_and_not_from_the_pixels():
    """Two parallel roads whose pixels touch are one component of the image, two of the plan, and so refused."""
    made = plan([(10, 10), (10, 40), (13, 10), (13, 40)], [(0, 1), (2, 3)], width=6.0).make(SHAPE)
    assert made.betti == (2, 0)
    assert betti_by_labelling(made.truth, 8, False) == (1, 0)
    assert not made.holds()


def test_a_pixel_is_structure_within_half_the_width():
    start, end = np.array([8.3, 11.0]), np.array([29.6, 47.5])
    truth = plan([start, end], [(0, 1)], width=5.0).make(SHAPE).truth
    pixels = np.argwhere(np.ones(SHAPE, dtype=bool))
    along = np.clip((pixels - start) @ (end - start) / np.sum((end - start) ** 2), 0, 1)[:, None]
    distance = np.linalg.norm(pixels - start - along * (end - start), axis=1).reshape(SHAPE)
    assert truth[distance < 2.48].all()
    assert not truth[distance > 2.5].any()


def test_slivers_are_filled_and_blocks_are_not():
    """Three lines whose triangle leaves a few pixels free."""
    small, large = (plan([(20, 20), (20 + s, 20), (20, 20 + s)], [(0, 1), (1, 2), (2, 0)]) for s in (10, 14))
    assert not small.make((50, 50)).holds()
    assert large.make((50, 50)).holds()
    assert betti_by_labelling(small.make((50, 50)).truth, 8, False) == (1, 0)


def test_an_empty_background_is_no_sliver():
    made = plan([(0, 0)], []).make((3, 3))
    assert not made.truth.any()
    assert made.holds()


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (90, 70)])
@pytest.mark.parametrize("seed", range(5))
def test_no_node_lies_near_the_border(shape, seed):
    random = generator(seed)
    grid = lattice(shape, 12.0, 0.3, random.uniform(0, 2), 4.0, random)
    depth = np.minimum(grid.nodes + 0.5, np.array(shape) - 0.5 - grid.nodes).min(axis=-1)
    assert np.abs(depth).min() > 4 - 1e-9
    assert np.array_equal(grid.inside, depth > 0)
    assert (grid.nodes.min(axis=(0, 1)) < -12).all()
    assert (grid.nodes.max(axis=(0, 1)) > np.array(shape) + 11).all()
    nodes, inside, edges = triangulation(grid, shape, 20.0, 10.0, random)
    assert inside[edges].any(axis=1).all()
    assert (np.linalg.norm(nodes[edges[:, 0]] - nodes[edges[:, 1]], axis=1) <= 20).all()
    assert len(np.unique(np.sort(edges, axis=1), axis=0)) == len(edges)


def test_exits_are_apart_also_around_a_corner():
    """Of ways that leave within 10 pixels of each other the first is kept; ways inside are no matter."""
    nodes = np.array([(9.5, 9.5), (-10.5, 9.5), (9.5, -10.5), (-10.5, 15.5), (20, 20), (50.5, 30.5), (20.5, 70.5)])
    inside = np.array([True, False, False, False, True, False, False])
    edges = np.array([(0, 1), (0, 4), (2, 0), (3, 0), (4, 5), (4, 6)])
    assert exits_apart(nodes, inside, edges, SHAPE, 10.0).tolist() == [True, True, True, False, True, True]
    # from (-.5, 9.5) to (9.5, -.5) it is 20 pixels around the corner, from (-.5, 9.5) to (-.5, 12.5) it is 3
    assert exits_apart(nodes, inside, edges, SHAPE, 20.5).tolist() == [True, True, False, False, True, True]
    assert exits_apart(nodes, inside, edges[[3, 0]], SHAPE, 3.5).tolist() == [True, False]
    assert exits_apart(nodes, inside, edges[[3, 0]], SHAPE, 2.5).tolist() == [True, True]


def test_cracks_neither_go_on_nor_branch_outside():
    """0 and 2 lie inside, 1 and 3 outside: nothing that reaches 1 gets on to 2."""
    nodes, inside = np.array([(5, 5), (-5, 9), (5, 15), (-5, 20)], dtype=float), np.array([True, False, True, False])
    growth = Growth(nodes, inside, np.array([(0, 1), (1, 2), (2, 3)]), generator(0))
    before, cost = growth._ways(0)
    assert (before >= 0).tolist() == [False, True, False, False]
    assert np.isfinite(cost).tolist() == [True, True, False, False]
    growth._take([0, 1], 0)
    growth.branch(1.0)
    assert growth.drawn == [(0, 1)]
    growth._take([2], 1)
    growth.branch(1.0)
    assert growth.drawn == [(0, 1), (2, 3)]
    assert growth.owner.tolist() == [0, 0, 1, 1]


def test_a_loop_is_a_second_way_over_free_nodes():
    nodes, inside = np.array([(5, 5), (5, 15), (15, 10), (25, 10)], dtype=float), np.ones(4, dtype=bool)
    growth = Growth(nodes, inside, np.array([(0, 1), (0, 2), (1, 2), (2, 3)]), generator(0))
    assert not growth.loop()  # of no crack
    growth._take([0, 1], 0)
    assert growth.loop()
    assert {frozenset(edge) for edge in growth.drawn} == {frozenset(edge) for edge in [(0, 1), (0, 2), (1, 2)]}
    assert not growth.loop()  # 3 is free, but no way leads back from it


def test_vessels_follow_the_law_of_murray():
    """A stem with three leaves is the cube root of 3 as wide as a leaf, and no wider than the highest width."""
    nodes = np.array([(-9, 20), (10, 20), (20, 10), (20, 30), (32, 24), (32, 36)], dtype=float)
    tree = {1: 0, 2: 1, 3: 1, 4: 3, 5: 3}
    options = {"seed": 0, "contrast": 0.3, "blur": 0.8, "noise": 0.1, "gaps": 0.0, "shade": 0.0}
    family = Vessels(trees=(1, 1), spacing=15.0, width=(2.0, 2.7), twigs=1.0, **options)
    plan = family._plan(nodes, tree, generator(0))
    assert dict(zip(plan.ends[:, 1].tolist(), plan.width[:, -1].round(3).tolist(), strict=True)) == {
        1: 2.7, 2: 2.0, 3: round(2 * 2 ** (1 / 3), 3), 4: 2.0, 5: 2.0,
    }  # fmt: skip
    assert (np.diff(plan.width, axis=1) <= 1e-12).all()  # it never widens towards a tip
