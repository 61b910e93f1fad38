"""From a trained model to the likelihood of an image of any size."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from topobench.patches import Tiling
from topobench.run.batches import standardise
from topobench.scores import Predictor
from topobench.types import Sample

__all__ = ["TILE", "model_predictor"]

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
        pixels of 1024, do not count. That is beyond the reach of our models (79 pixels): what they give in tiles
        differs from the whole image only where its sides leave a remainder in their pools.
    """
    model.eval()

    def predict(sample: Sample) -> NDArray[np.float32]:
        image = standardise(sample.image, sample.valid)
        tiling = Tiling((image.shape[1], image.shape[2]), tile, tile // 4, 3 * tile // 32)
        return tiling.stitch(_likelihood(model, part, device) for part in tiling.cut(image))

    return predict


@torch.inference_mode()
def _likelihood(model: nn.Module, image: NDArray[np.float32], device: str) -> NDArray[np.float32]:
    """Return the likelihood (h, w) of a standardised image (C, h, w)."""
    logits = model(torch.from_numpy(image)[None].to(device))
    likelihood: NDArray[np.float32] = torch.sigmoid(logits.float())[0, 0].cpu().numpy()
    return likelihood
