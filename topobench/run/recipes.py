"""From a recipe to what is trained: its model and its loss."""

from __future__ import annotations

import torch
from torch import nn

from topobench.cards import Recipe
from topobench.losses import WeightedLoss, build_loss
from topobench.losses.weighted import Term
from topobench.models import build_model
from topobench.seeds import seed_of

__all__ = ["recipe_loss", "recipe_model"]


def recipe_model(recipe: Recipe, in_channels: int, seed: int) -> nn.Module:
    """Return the recipe's model with weights that depend on the seed alone."""
    torch.manual_seed(seed_of("weights", seed))
    return build_model(recipe.model.name, in_channels, recipe.model.options)


def recipe_loss(recipe: Recipe) -> WeightedLoss:
    """Return the recipe's loss."""
    return WeightedLoss(
        [
            Term(term.name, build_loss(term.name, term.options), term.weight, term.start, term.ramp)
            for term in recipe.loss
        ]
    )
