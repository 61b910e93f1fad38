"""A loss under test: its values and gradients on single likelihoods, in float64, with fixed patches."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from topobench.losses.base import TopologyClaim, check_value
from topobench.losses.toys import Toy
from topobench.topology import betti_numbers
from topobench.types import BoolArray, FloatArray

__all__ = ["EDGE", "Subject", "as_batch", "random_maps"]

EDGE = 1e-6  # likelihoods keep so far from 0 and 1, where logits are infinite


class Subject:
    """A loss, asked about likelihoods.

    Attributes
    ----------
    loss : torch.nn.Module
    claim : TopologyClaim or None
        What the loss promises about topology, from its attribute of this name.
    """

    def __init__(self, loss: nn.Module) -> None:
        self.loss = loss
        self.claim: TopologyClaim | None = getattr(loss, "claim", None)

    def of(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits and a target (B, 1, H, W), with whatever it draws at random drawn alike each time.

        Raises ArgumentError unless it is a 0-d tensor.
        """
        if callable(getattr(self.loss, "reseed", None)):
            self.loss.reseed(0)  # type: ignore[operator]
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)  # torch.manual_seed formats the stack for devices that sleep: 1 ms
            if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
                torch.cuda.manual_seed_all(0)
            return check_value(self.loss(logits, target))

    def pull(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of logits and a target (B, 1, H, W), and its gradient with respect to the logits."""
        leaf = logits.detach().clone().requires_grad_()
        value = self.of(leaf, target)
        if value.requires_grad:
            value.backward()  # type: ignore[no-untyped-call]
        return value.detach(), torch.zeros_like(leaf) if leaf.grad is None else leaf.grad

    def value(self, likelihood: FloatArray, truth: BoolArray) -> float:
        """Return the loss of a likelihood (H, W)."""
        return float(self.of(torch.logit(_inside(likelihood)), as_batch(truth)).detach())

    def slope(self, likelihood: FloatArray, truth: BoolArray) -> tuple[float, NDArray[np.float64]]:
        """Return the loss of a likelihood (H, W), and its gradient (H, W) with respect to the likelihood."""
        leaf = _inside(likelihood).requires_grad_()
        value = self.of(torch.logit(leaf), as_batch(truth))
        if value.requires_grad:
            value.backward()  # type: ignore[no-untyped-call]
        return float(value.detach()), np.zeros(likelihood.shape) if leaf.grad is None else leaf.grad[0, 0].numpy()

    def betti_error(self, likelihood: FloatArray, truth: BoolArray) -> int:
        """Return the error of the Betti numbers that the loss looks at."""
        claim = self.claim or TopologyClaim()
        found, wanted = (betti_numbers(mask, claim.connectivity, claim.frame) for mask in (likelihood >= 0.5, truth))
        return sum(abs(int(found[dimension]) - int(wanted[dimension])) for dimension in claim.dimensions)

    def sees(self, toy: Toy) -> bool:
        """Whether the toy is wrong in what the loss looks at; one of single pixels looks at all."""
        return self.claim is None or self.betti_error(toy.likelihood, toy.truth) > 0


def as_batch(values: ArrayLike) -> Tensor:
    """Return an image (H, W) as a float64 batch (1, 1, H, W)."""
    return torch.from_numpy(np.array(values, np.float64))[None, None]


def random_maps(seed: int, shape: tuple[int, int]) -> tuple[NDArray[np.float64], BoolArray]:
    """Return a likelihood (H, W) of distinct values in (0.02, 0.98), and a truth of blocks of 3 x 3 pixels."""
    generator = np.random.default_rng(seed)
    ranks = generator.permutation(shape[0] * shape[1]).reshape(shape)
    likelihood = 0.02 + 0.96 * ((ranks + 1) / (ranks.size + 1)) ** 1.37
    coarse = generator.random((-(-shape[0] // 3), -(-shape[1] // 3))) > 0.5
    return likelihood, np.kron(coarse, np.ones((3, 3), np.bool_))[: shape[0], : shape[1]]


def _inside(likelihood: FloatArray) -> Tensor:
    return as_batch(likelihood).clamp(EDGE, 1 - EDGE)
