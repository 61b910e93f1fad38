"""From a trained model to the likelihood of an image of any size."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from topobench.errors import RunError
from topobench.patches import Tiling
from topobench.run.batches import standardise
from topobench.scores import Predictor
from topobench.types import Sample

__all__ = ["TILE", "model_predictor", "try_model"]

TILE = 1024  # pixels a side up to which an image is predicted whole


def model_predictor(model: nn.Module, device: str, tile: int = TILE) -> Predictor:
    """Return what predicts the likelihood (H, W) of a sample's whole image, float32 in [0, 1].

    Parameters
    ----------
    model : maps standardised images (1, C, h, w) to logits (1, 1, h, w)
    device : kind, such as ``cpu``
    tile : pixels a side
        A larger image, standardised as a whole, is predicted in tiles of this size, one after the other, so that
        feature maps take the memory of one. They overlap by a quarter and are blended (`Tiling`); the outer 3/32, 96
        pixels of 1024, do not count. A model that says in its attribute `reach` that it looks further gets as much more
        of both as it needs, and if need be a larger tile: what it gives in tiles differs from the whole image only
        where its sides leave a remainder in its pools.
    """
    model.eval()
    numbers = _tile_numbers(tile, getattr(model, "reach", None))

    def predict(sample: Sample) -> NDArray[np.float32]:
        image = standardise(sample.image, sample.valid)
        tiling = Tiling((image.shape[1], image.shape[2]), *numbers)
        return tiling.stitch(_likelihood(model, part, device) for part in tiling.cut(image))

    return predict


def try_model(model: nn.Module, device: str, channels: int, size: int) -> None:
    """Raise RunError where, in evaluation, a model gives something else than logits of an image's height and width.

    Shapes: one image (channels, size, size) of zeros is tried. The model is left in eval mode.
    """
    _likelihood(model.eval(), np.zeros((channels, size, size), np.float32), device)


def _tile_numbers(tile: int, reach: Any) -> tuple[int, int, int]:
    """Return size, overlap and margin of tiles (see `Tiling`) for a model that looks so far, if that is known.

    A margin that grows ends at a multiple of a power of two, at least an eighth of the reach: so do the steps from tile
    to tile, and the pools of a tile lie where those of the whole image do.
    """
    overlap, margin = tile // 4, 3 * tile // 32
    if isinstance(reach, int) and reach > margin:
        grain = 2 ** max(reach.bit_length() - 3, 0)
        margin = -(-reach // grain) * grain
        overlap = max(overlap, 2 * margin)
        tile = max(tile, 2 * overlap)
    return tile, overlap, margin


@torch.inference_mode()
def _likelihood(model: nn.Module, image: NDArray[np.float32], device: str) -> NDArray[np.float32]:
    """Return the likelihood (h, w) of a standardised image (C, h, w)."""
    logits = model(torch.from_numpy(image)[None].to(device))
    wanted = (1, 1, *image.shape[1:])
    if not isinstance(logits, Tensor) or logits.shape != wanted:
        found = f"the shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else f"a {type(logits).__name__}"
        raise RunError(f"in evaluation the model gives {found} for an image {image.shape}; it must give {wanted}.")
    likelihood: NDArray[np.float32] = torch.sigmoid(logits.float())[0, 0].cpu().numpy()
    return likelihood
