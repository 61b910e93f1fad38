"""First weights of deep networks without normalisation, in which torch's own let the signal die away."""

from __future__ import annotations

from torch import nn

__all__ = ["he_normal"]


def he_normal(module: nn.Module) -> None:
    """Draw the convolutions' weights from a normal distribution of variance 2 / fan-in, and set their biases to 0.

    Source: He et al. 2015, arXiv:1502.01852, equation 10: behind ReLUs the variance stays from layer to layer.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
