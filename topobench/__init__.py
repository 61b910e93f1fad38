"""topobench: benchmark and metrics suite for topology-preserving image segmentation.

This module loads neither torch nor pandas; each call below imports what it needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from topobench.data import Dataset

__version__ = "0.1.0"
__all__ = ["list_names", "load_dataset", "load_loss", "load_model"]


def list_names(kind: str) -> list[str]:
    """Return the names of a kind: datasets, models, losses, metrics, recipes, suites, protocols, backends."""
    from topobench import cards, registry

    if kind in cards.PLACES:
        return cards.names(kind)
    if kind in registry.BUILTINS:
        return registry.names(kind)
    raise registry.unknown_name("kinds", kind, [*cards.PLACES, *registry.BUILTINS])


def load_dataset(name: str, data_dir: str | Path | None = None, partial: bool = False) -> Dataset:
    """Return the data set of a card; its files are looked for in `data_dir`, $TOPOBENCH_DATA or the user's cache.

    Raises UnknownNameError for an unknown name and DataError, with all that is missing or does not fit; with `partial`
    it is enough that some of the images are there.
    """
    from topobench.data import open_dataset

    return open_dataset(name, data_dir, partial)


def load_model(name: str, in_channels: int = 1, **options: Any) -> nn.Module:
    """Return a new model: float32 images (B, C, H, W) -> logits (B, 1, H, W), for any height and width."""
    from topobench.models import build_model

    return build_model(name, in_channels, options)


def load_loss(name: str, **options: Any) -> nn.Module:
    """Return a loss: (logits (B, 1, H, W), target (B, 1, H, W) of 0 and 1) -> 0-d tensor."""
    from topobench.losses import build_loss

    return build_loss(name, options)
