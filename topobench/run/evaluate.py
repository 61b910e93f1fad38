"""From a trained model to the likelihood of a whole image."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from topobench.run.batches import standardise
from topobench.scores import Predictor
from topobench.types import Sample

__all__ = ["model_predictor"]


def model_predictor(model: nn.Module, device: str) -> Predictor:
    """Return what predicts the likelihood (H, W) of a sample's whole image, float32 in [0, 1]."""
    model.eval()

    def predict(sample: Sample) -> NDArray[np.float32]:
        with torch.inference_mode():
            image = torch.from_numpy(standardise(sample.image))[None].to(device)
            likelihood: NDArray[np.float32] = torch.sigmoid(model(image).float())[0, 0].cpu().numpy()
        return likelihood

    return predict
