"""Figures over batches and processes: those of `score_samples`, whatever the batches and the order."""

import json
import pickle
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
import torch

from topobench.errors import ArgumentError
from topobench.metrics import Accumulator, average, load_protocol
from topobench.scores import score_samples
from topobench.types import Sample

IDS = [f"section-{number:02}" for number in range(5)]
DISTANCES = load_protocol("hu2019").changed(
    name="distances", figures=("hd95", "dice"), columns=("hd95", "dice"), ranked_by="hd95"
)


class Likelihood(torch.Tensor):
    """A subclass of tensors, as MONAI's MetaTensor is one."""


def images():
    """Likelihoods, truths and validity masks, float32 and bool (B, H, W); the last prediction is empty."""
    random = np.random.default_rng(0)
    truth = np.zeros((len(IDS), 70, 81), bool)
    truth[:, ::16] = truth[:, :, ::20] = True
    likelihood = (0.45 * truth + 0.55 * random.random(truth.shape)).astype(np.float32)
    likelihood[-1] = 0
    valid = np.ones_like(truth)
    valid[:, :, :3] = False
    return likelihood, truth, valid


def rows_of(protocol="hu2019", phase="regions", connectivity=8, valid=True):
    """What `score_samples` makes of the same images."""
    likelihood, truth, masks = images()
    samples = [
        Sample(name, likelihood[number][None], truth[number], masks[number] if valid else None, name)
        for number, name in enumerate(IDS)
    ]
    found = score_samples(samples, lambda sample: sample.image[0], [protocol], phase, connectivity)
    return tuple(row for rows in found for row in rows)


def given(protocol="hu2019", order=None, cuts=(0, None), **choices):
    """An accumulator that was given the images in an order, in batches cut at those places."""
    likelihood, truth, valid = images()
    order = np.arange(len(IDS)) if order is None else order
    figures = Accumulator(protocol, **choices)
    for start, stop in pairwise(cuts):
        some = order[start:stop]
        figures.update(likelihood[some], truth[some], [IDS[number] for number in some], valid[some])
    return figures


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 2, 0, 3, 1]])
@pytest.mark.parametrize("cuts", [(0, 5), (0, 1, 5), (0, 2, 4, 5)])
def test_figures_are_those_of_score_samples_whatever_the_batches_and_the_order(order, cuts):
    figures = given(order=np.array(order), cuts=cuts)
    assert figures.rows == rows_of()
    assert figures.compute() == average(row.figures for row in rows_of())


def test_choices_are_taken_as_score_takes_them():
    figures = given("cldice64", phase="structure", connectivity=4)
    assert figures.rows == rows_of("cldice64", "structure", 4)
    assert (figures.settings["phase"], figures.settings["connectivity"]) == ("structure", 4)
    with pytest.raises(ArgumentError, match="connectivity is 6; it must be 8 or 4"):
        Accumulator(connectivity=6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16, Likelihood])
def test_tensors_of_any_dtype_and_subclass_are_taken(dtype):
    likelihood, truth, valid = images()
    tensor = torch.from_numpy(likelihood)
    tensor = tensor.as_subclass(Likelihood) if dtype is Likelihood else tensor.to(dtype)
    figures, wanted = Accumulator(DISTANCES), Accumulator(DISTANCES)
    figures.update(
        tensor[:, None].requires_grad_(), torch.from_numpy(truth)[:, None].to(torch.uint8), IDS,
        torch.from_numpy(valid)[:, None],
    )  # fmt: skip
    wanted.update(np.asarray(tensor.detach().float()), truth, IDS, valid)
    assert figures.rows == wanted.rows


def test_what_lies_just_below_the_threshold_in_float64_stays_there():
    figures = Accumulator(DISTANCES)
    figures.update(torch.full((4, 4), 0.5 - 1e-12, dtype=torch.float64), np.ones((4, 4), bool), "below")
    assert figures.compute()["dice"].value == 0


def test_one_image_of_two_axes_with_its_unit():
    likelihood, truth, _ = images()
    figures = Accumulator()
    figures.update(likelihood[0], truth[0], "section-00", units="block-00")
    [row] = figures.rows
    assert (row.image, row.unit) == ("section-00", "block-00")
    assert row.figures == rows_of(valid=False)[0].figures


def test_undefined_figures_are_counted():
    mean = given(DISTANCES).compute()["hd95"]
    assert (mean.defined, mean.undefined) == (4, 1)  # of the empty prediction there is no distance


def test_an_image_that_comes_again_counts_once():
    twice = given(DISTANCES, order=np.array([0, 1, 2, 3, 4, 0, 1]), cuts=(0, 3, 7))
    assert twice.rows == given(DISTANCES).rows


def test_an_image_with_other_figures_is_refused_and_nothing_of_its_batch_is_kept():
    likelihood, truth, _ = images()
    figures = Accumulator(DISTANCES)
    figures.update(truth[0], truth[0], "one")
    wanted = r"image 'one' came twice, with hd95 0\.0 and then None; give each image its own id, call reset\(\)"
    with pytest.raises(ArgumentError, match=wanted):
        figures.update(np.stack([likelihood[1], likelihood[-1]]), truth[:2], ["two", "one"])
    assert [row.image for row in figures.rows] == ["one"]
    with pytest.raises(ArgumentError, match="image 'one' came twice, with unit 'one' and then 'block-00'"):
        figures.update(truth[0], truth[0], "one", units="block-00")


def test_after_a_reset_nothing_is_left():
    figures = given(DISTANCES)
    figures.reset()
    assert figures.rows == ()
    with pytest.raises(ArgumentError, match="no image was given yet; call update"):
        figures.compute()


def test_states_merge_in_any_order_through_pickle_and_json():
    parts = [given(order=np.array(order)).state() for order in ([3, 1], [0, 4, 3], [2, 2])]
    for carried in (parts, parts[::-1], pickle.loads(pickle.dumps(parts)), json.loads(json.dumps(parts))):
        figures = Accumulator()
        for part in carried:
            figures.merge(part)
        assert figures.rows == rows_of()
        assert figures.compute() == given().compute()
    assert pickle.loads(pickle.dumps(given())).compute() == given().compute()


def test_a_state_is_a_copy():
    figures = given(DISTANCES)
    state = figures.state()
    state["rows"][0]["figures"]["dice"] = 7.0
    assert figures.rows == given(DISTANCES).rows
    with pytest.raises(ArgumentError, match=r"image 'section-00' came twice, with dice 0\.\d+ and then 7\.0"):
        figures.merge(state)


@pytest.mark.parametrize(
    ("other", "wanted"),
    [
        (Accumulator("topomortar"), "name is 'topomortar' in the state and 'hu2019' here; merge only"),
        (Accumulator(load_protocol("hu2019").changed(threshold=0.4)), "threshold is 0.4 in the state and 0.5 here"),
    ],
)
def test_what_was_scored_with_other_choices_is_refused(other, wanted):
    with pytest.raises(ArgumentError, match=wanted):
        Accumulator().merge(other.state())


def test_a_choice_counts_only_where_the_protocol_leaves_it_open():
    Accumulator("hu2019").merge(Accumulator("hu2019", phase="structure").state())  # which fixes it
    with pytest.raises(ArgumentError, match="phase is 'structure' in the state and 'regions' here"):
        Accumulator("cldice64").merge(Accumulator("cldice64", phase="structure").state())


@pytest.mark.parametrize("state", [None, {}, (), {"settings": {}, "rows": [{"image": "one"}]}])
def test_what_is_no_state_is_refused(state):
    with pytest.raises(ArgumentError, match=r"cannot be merged .*give what state\(\) of another accumulator returned"):
        Accumulator().merge(state)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"likelihood": np.full((2, 1, 8, 9), -3.0)}, "image 'a': .*values in .-3.0, -3.0.*apply the sigmoid first"),
        ({"likelihood": np.full((2, 1, 8, 9), np.nan)}, "image 'a': the prediction has values in .nan, nan"),
        ({"likelihood": np.zeros((2, 2, 8, 9))}, r"likelihood has shape \(2, 2, 8, 9\); it must be \(B, 1, H, W\)"),
        ({"truth": np.zeros((1, 8, 9))}, "there are 2 likelihoods and 1 truths; give one for each"),
        ({"truth": np.zeros((2, 9, 8))}, r"image 'a': the prediction has shape \(8, 9\), the truth \(9, 8\)"),
        ({"truth": np.full((2, 8, 9), 255, np.uint8)}, "image 'a': the truth is uint8 with the values 255"),
        ({"valid": np.ones((3, 8, 9))}, "there are 2 likelihoods and 3 validity masks"),
        ({"image_ids": ["a"]}, "there are 2 likelihoods and 1 image_ids; give one for each"),
        ({"image_ids": "ab"}, "there are 2 likelihoods and 1 image_ids"),
        ({"image_ids": torch.arange(2)}, "image_ids is tensor.*; it must be a list of texts"),
        ({"units": [0, 1]}, r"units is \[0, 1\]; it must be a list of texts"),
    ],
)
def test_what_does_not_fit_is_refused(change, wanted):
    fits = {"likelihood": np.zeros((2, 1, 8, 9)), "truth": np.zeros((2, 8, 9)), "image_ids": ["a", "b"]}
    figures = Accumulator(DISTANCES)
    figures.update(**fits)
    figures.reset()
    with pytest.raises(ArgumentError, match=wanted):
        figures.update(**{**fits, **change})
    assert figures.rows == ()


def _process(rank, folder):
    """One of two processes: scores its share of five images, padded to three, and writes what all of them come to."""
    import torch.distributed as dist
    from torch.utils.data.distributed import DistributedSampler

    meeting = f"file://{folder}/meeting"
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2, timeout=timedelta(seconds=60))
    try:
        mine = list(DistributedSampler(IDS, num_replicas=2, rank=rank, shuffle=True, seed=3))
        figures = given(DISTANCES, order=np.array(mine), cuts=(0, 2, 3))
        states = [None, None]
        dist.all_gather_object(states, figures.state())
        for state in states:
            figures.merge(state)
    finally:
        dist.destroy_process_group()
    found = {"shares": [len(state["rows"]) for state in states], "means": figures.compute()}
    (folder / f"{rank}.json").write_text(json.dumps(found))


def test_two_processes_with_a_padded_sampler_come_to_the_figures_of_one(tmp_path):
    """This process is the first of them: torch takes seconds to start."""
    second = torch.multiprocessing.get_context("spawn").Process(target=_process, args=(1, tmp_path))
    second.start()
    _process(0, tmp_path)
    second.join(60)
    assert second.exitcode == 0
    means = {name: list(mean) for name, mean in given(DISTANCES).compute().items()}
    for rank in (0, 1):
        found = json.loads((tmp_path / f"{rank}.json").read_text())
        assert found["shares"] == [3, 3]  # of five images: one of them is in both
        assert found["means"] == means
