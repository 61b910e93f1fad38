"""What figures must say of faults that are known (topobench.data.faults), derived by hand.

A prediction with gaps or false holes is part of the truth, with bridges or islands the truth is part of it. So the
union, through which Betti matching goes, is one of the two, and each class of it lies in one of the other's:

- k gaps: a component of the truth that fell in m pieces matches one of them, and a hole that m cells became matches one
  of the cells: m - 1 without partner each time, and a hole that opened to the outside is one more. In all k.
- k bridges: the same with the two exchanged. k islands, k false holes: each is without partner. In all k.
"""

import functools

import numpy as np
import pytest
from scipy import ndimage

from topobench import load_dataset
from topobench.data.faults import make_fault
from topobench.metrics import load_protocol, score

FAULTS = ("gaps", "bridges", "islands", "false-holes")
COUNTS = (1, 5, 20)
PROTOCOLS = ("hu2019", "pitfalls", "stucki2023")
WHOLE = ("pitfalls", "stucki2023")  # they have Betti matching, of both dimensions, without frame
TRUTHS = ("synthetic-membranes", "isbi2012")
ALL = ("euler_error", "betti_error_whole", "betti_matching_error", "diu_error", "diu0_error", "diu1_error")


@pytest.fixture(scope="module", params=TRUTHS)
def truth(request):
    """A synthetic truth, and a section of ISBI 2012."""
    folder = request.getfixturevalue("real_data") if request.param == "isbi2012" else None
    dataset = load_dataset(request.param, folder)
    return dataset[dataset.image_ids[0]].truth


@functools.cache
def chosen(protocol, figures=()):
    """A protocol, or a copy of it with other figures."""
    loaded = load_protocol(protocol)
    return loaded.changed(name="mine", figures=figures, columns=figures, ranked_by=figures[0]) if figures else loaded


def made(truth, kind, amount, protocol):
    """A fault under the connectivity and frame of a protocol, that are the protocol's own."""
    loaded = load_protocol(protocol)
    return make_fault(truth, kind, amount, 0, loaded.connectivity or 8, loaded.frame)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", FAULTS)
def test_betti_errors_count_the_faults(truth, kind, protocol):
    for count in COUNTS:
        fault = made(truth, kind, count, protocol)
        figures = score(fault.mask, truth, protocol)
        b0, b1 = map(abs, fault.betti_change)
        assert b0 + b1 == count  # each fault moves one of the two, all in one direction: nothing cancels
        assert figures["betti1_error_whole"] == b1
        if protocol == "hu2019":  # b1 alone: it sees no island, nor a gap that cuts off what encloses nothing
            assert figures["betti_error_whole"] == b1 == (0 if kind == "islands" else count - b0)
        else:
            assert figures["betti0_error_whole"] == b0
            assert figures["betti_error_whole"] == count
        assert score(fault.mask, truth, chosen(protocol, ("euler_error",)))["euler_error"] == count


@pytest.mark.parametrize("protocol", WHOLE)
@pytest.mark.parametrize("kind", FAULTS)
def test_betti_matching_counts_the_faults(truth, kind, protocol):
    for count in COUNTS:
        fault = made(truth, kind, count, protocol)
        figures = score(fault.mask, truth, protocol)
        b0, b1 = map(abs, fault.betti_change)
        assert (figures["betti0_matching_error"], figures["betti1_matching_error"]) == (b0, b1)
        assert figures["betti_matching_error"] == count
        # one of the two is the intersection and the other the union, so kernel and cokernel are what fell together
        diu = score(fault.mask, truth, chosen(protocol, ("diu_error", "diu0_error", "diu1_error")))
        assert (diu["diu_error"], diu["diu0_error"], diu["diu1_error"]) == (count, b0, b1)


def test_betti_matching_sees_faults_that_cancel_in_numbers(truth):
    """Five gaps, and five false holes in what they left: b0 - b1 is that of the truth, ten classes have no partner."""
    mask = make_fault(make_fault(truth, "gaps", 5).mask, "false-holes", 5).mask
    figures = score(mask, truth, chosen("pitfalls", ALL))
    assert figures["euler_error"] == 0
    assert figures["betti_error_whole"] < 10 == figures["betti_matching_error"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", FAULTS)
def test_pixel_figures_hardly_see_them(truth, kind, protocol):
    size = truth.sum()
    for count in COUNTS:
        fault = made(truth, kind, count, protocol)
        figures, changed = score(fault.mask, truth, protocol), np.count_nonzero(fault.mask ^ truth)
        assert figures["accuracy"] == 1 - changed / truth.size > 0.95
        assert figures["dice"] == pytest.approx(2 * (fault.mask & truth).sum() / (fault.mask.sum() + size))
        assert figures["dice"] > 0.94


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", FAULTS)
def test_more_faults_of_one_seed_are_worse(truth, kind, protocol):
    figures = [score(made(truth, kind, count, protocol).mask, truth, protocol) for count in (0, *COUNTS)]

    def rises(name, sign=1):
        steps = sign * np.diff([found[name] for found in figures])
        return (steps > 0).all()

    assert rises("accuracy", -1)
    assert rises("dice", -1)
    if protocol == "hu2019" and kind == "gaps":
        assert rises("voi_filled")
        assert rises("arand_f_filled", -1)
    if protocol == "hu2019":
        assert rises("betti_error") == rises("betti_error_whole") == (kind != "islands")
    else:
        assert rises("betti_error_whole")
        assert rises("betti_matching_error")
        assert np.all(np.diff([found["cldice"] for found in figures]) < (1e-3 if kind == "false-holes" else 0))


@pytest.mark.parametrize("count", COUNTS)
def test_rand_and_voi_of_gaps(truth, count):
    """Cells that gaps merge, all else alike: with n_c counted pixels in cell c and n_g in what it became part of,

    voi_split = 0, voi_merge = sum_c n_c / N log2(n_g / n_c), arand_f = 2 sum n_c^2 / (sum n_c^2 + sum n_g^2).
    """
    fault = made(truth, "gaps", count, "hu2019")
    figures = score(fault.mask, truth, "hu2019")
    cells, _ = ndimage.label(~truth)
    groups, _ = ndimage.label(~fault.mask)
    sizes, owner = np.bincount(cells[cells > 0])[1:], np.zeros(cells.max() + 1, int)
    owner[cells] = groups
    whole = np.bincount(groups[cells > 0], minlength=groups.max() + 1)
    group = whole[owner[1:]]
    assert len(sizes) - np.count_nonzero(whole) == -fault.betti_change[1]
    for form in ("", "_filled"):
        assert figures[f"voi_split{form}"] == pytest.approx(0, abs=1e-12)
        assert figures[f"voi_merge{form}"] == pytest.approx((sizes / sizes.sum() * np.log2(group / sizes)).sum())
        pairs, merged = (sizes.astype(float) ** 2).sum(), (whole.astype(float) ** 2).sum()
        assert figures[f"arand_f{form}"] == pytest.approx(2 * pairs / (pairs + merged))


def test_what_the_filled_figures_do_not_see(truth):
    """Islands take the label of the cell around them, and holes within the structure lie where the truth counts not."""
    for kind in ("islands", "false-holes"):
        figures = score(made(truth, kind, 20, "hu2019").mask, truth, "hu2019")
        assert (figures["arand_f_filled"], figures["voi_filled"]) == (1, 0)
        assert (figures["arand_f"] == 1) == (kind == "false-holes")


def test_bridges_split_cells(truth):
    figures = score(made(truth, "bridges", 20, "hu2019").mask, truth, "hu2019")
    assert figures["voi_split_filled"] > 0.05
    assert figures["voi_merge_filled"] < 0.02  # of pixels beneath a bar that are nearer to a cell across a wall
    assert figures["voi_split"] > figures["voi_split_filled"]
    assert figures["arand_f_filled"] < 0.999


@pytest.mark.parametrize("kind", ["thinned", "thickened"])
@pytest.mark.parametrize("pixels", [1, 2])
def test_width_alone_changes_no_topology(truth, kind, pixels):
    for protocol in PROTOCOLS:
        mask, loaded = made(truth, kind, pixels, protocol).mask, chosen(protocol, ALL)
        assert not any(score(mask, truth, loaded).values())
        assert score(mask, truth, protocol)["accuracy"] < 0.95


@pytest.mark.parametrize("pixels", [1, 2])
def test_width_alone_and_the_two_forms_of_rand_and_voi(truth, pixels):
    """Plain, a thicker prediction is punished, as one segment holds all it covers; a thinner one is not: the truth's
    structure counts not. Filled, neither is."""
    thin, thick = (
        score(made(truth, kind, pixels, "hu2019").mask, truth, "hu2019") for kind in ("thinned", "thickened")
    )
    for figures in (thin, thick):
        assert figures["arand_f_filled"] > 0.999
        assert figures["voi_filled"] < 0.001
    assert (thin["arand_f"], thin["voi"]) == (1, 0)
    assert thick["arand_f"] < 0.9
    assert thick["voi"] > 0.8


def test_raw_masks_are_blind_to_a_gap():
    """One gap between two equal cells: the Rand F of components falls to 2 * 2 / (2 + 4), that of raw masks hardly."""
    truth = np.zeros((101, 101), bool)
    truth[50] = True
    fault = make_fault(truth, "gaps", 1, frame=True, length=2)
    figures = score(fault.mask, truth, "stucki2023")
    assert fault.betti_change == (0, -1)
    assert figures["arand_f"] == pytest.approx(2 / 3)
    assert figures["voi"] == pytest.approx(1)
    shares = (99**2 + 2**2) / 101**2  # of the line's pixels, the only ones that count, 99 are 1 still
    assert figures["arand_f_raw_mask"] == pytest.approx(2 * shares / (1 + shares))
    assert figures["arand_f_raw_mask"] > 0.97


def test_raw_masks_see_width_and_not_gaps(truth):
    gap, thin = (
        score(made(truth, *fault, "stucki2023").mask, truth, "stucki2023") for fault in (("gaps", 20), ("thinned", 1))
    )
    assert gap["arand_f_raw_mask"] > 0.97 > 0.9 > gap["arand_f"]
    assert thin["arand_f_raw_mask"] < 0.8 < thin["arand_f"] == 1
    assert gap["voi_raw_mask"] < thin["voi_raw_mask"] and gap["betti_error_whole"] > thin["betti_error_whole"] == 0


def test_a_shift_is_seen_by_pixels_and_not_by_topology(truth):
    fault = made(truth, "shifted", 1, "pitfalls")
    figures = score(fault.mask, truth, "pitfalls")
    assert figures["betti_error_whole"] == sum(map(abs, fault.betti_change)) == 0
    assert figures["betti_matching_error"] == 0  # of walls wider than the shift
    assert figures["dice"] < 0.9
    assert score(fault.mask, truth, "hu2019")["arand_f_filled"] > 0.999
