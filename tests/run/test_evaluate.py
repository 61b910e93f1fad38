"""Prediction of images of any size: whole up to a tile, in blended tiles beyond it."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.offline import untrained
from topobench import list_names, load_model
from topobench.patches import Tiling
from topobench.run.batches import standardise
from topobench.run.evaluate import TILE, _tile_numbers, model_predictor
from topobench.types import Sample


def sample(*shape, valid=None):
    image = np.random.default_rng(0).random((1, *shape), np.float32)
    return Sample("a", image, np.zeros(shape, bool), valid)


def box(reach):
    """A model that is purely local: a convolution that looks `reach` pixels far."""
    torch.manual_seed(0)
    return nn.Conv2d(1, 1, 2 * reach + 1, padding=reach)


def whole(model, found):
    with torch.inference_mode():
        return torch.sigmoid(model(torch.from_numpy(standardise(found.image))[None]))[0, 0].numpy()


@pytest.mark.parametrize("shape", [(40, 33), (1, 70), (64, 64), (3, 1)])
def test_an_image_no_larger_than_a_tile_goes_through_whole(shape):
    torch.manual_seed(0)
    model, found = load_model("unet", width=4).eval(), sample(*shape)
    likelihood = model_predictor(model, "cpu", tile=70)(found)
    assert likelihood.dtype == np.float32
    assert np.array_equal(likelihood, whole(model, found))


@pytest.mark.parametrize("shape", [(100, 150), (33, 32), (1, 95), (31, 64)])
def test_tiles_equal_the_whole_where_the_margin_covers_the_reach(shape):
    model, found = box(3), sample(*shape)  # of a tile of 32 the margin is 3, the overlap 8
    assert np.abs(model_predictor(model, "cpu", tile=32)(found) - whole(model, found)).max() < 1e-6


def test_what_looks_beyond_the_margin_differs_in_overlaps_alone():
    model, found = box(8), sample(100, 150)
    differs = np.abs(model_predictor(model, "cpu", tile=32)(found) - whole(model, found)) > 1e-6
    times = np.zeros(differs.shape, int)
    for window in Tiling(differs.shape, 32, 8, 3).windows():
        times[window] += 1
    assert differs[times > 1].any()
    assert not differs[times == 1].any()


@pytest.mark.parametrize("name", list_names("models"))
def test_our_models_in_tiles_equal_the_whole(name):
    """Sides that their pools divide: else the whole image itself is enlarged by a little more or less than twice."""
    torch.manual_seed(0)
    small = {"widths": (4, 6, 8), "hidden": 5} if name == "dive" else untrained("models", name)
    model, found = load_model(name, **small).eval(), sample(32, TILE + 512)
    with torch.no_grad():
        for norm in model.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.running_var.fill_(0.1)
    likelihood = whole(model, found)
    assert likelihood.std() > 1e-4
    assert np.abs(model_predictor(model, "cpu")(found) - likelihood).max() < 1e-5


def test_tiles_grow_with_the_reach():
    assert _tile_numbers(TILE, None) == _tile_numbers(TILE, 96) == _tile_numbers(TILE, "far") == (1024, 256, 96)
    assert _tile_numbers(TILE, 100) == (1024, 256, 112)
    for reach in (97, 195, 242, 256, 257, 569, 3000):
        tile, overlap, margin = _tile_numbers(TILE, reach)
        Tiling((1, 1), tile, overlap, margin)  # they go together
        assert reach <= margin < 1.25 * reach + 16
        assert (tile - overlap) % (2 ** (reach.bit_length() - 4)) == 0


@pytest.mark.parametrize("known", [True, False])
def test_a_model_that_looks_far_gets_margins_if_it_says_so(known):
    model, found = box(20), sample(40, 300)
    if known:
        model.reach = 20
    differs = np.abs(model_predictor(model, "cpu", tile=64)(found) - whole(model, found)).max()
    assert (differs < 1e-6) == known


def test_no_more_than_a_tile_is_fed_at_once():
    seen = []

    class Watched(nn.Conv2d):
        def forward(self, image):
            seen.append(image.shape)
            return super().forward(image)

    model_predictor(Watched(1, 1, 1), "cpu")(sample(1100, 2000))
    assert len(seen) == 2 * 3
    assert max(max(shape[2:]) for shape in seen) == TILE


@pytest.mark.parametrize("tile", [32, 1024])
def test_what_is_not_valid_changes_nothing(tile):
    valid = np.ones((50, 60), bool)
    valid[:, 40:] = False
    first = sample(50, 60, valid=valid)
    second = sample(50, 60, valid=valid)
    second.image[:, ~valid] = 0.9
    predict = model_predictor(box(2), "cpu", tile=tile)
    assert np.array_equal(predict(first), predict(second))
    second.image[:, ~valid] = np.nan
    assert np.array_equal(predict(first), predict(second))
