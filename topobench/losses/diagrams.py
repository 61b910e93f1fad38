"""Losses of persistence diagrams: patches, one call for all pairs, and how a matching becomes cost and gradient."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topobench.errors import ArgumentError
from topobench.losses.base import SegmentationLoss, TopologyClaim
from topobench.patches import cut, random_places
from topobench.seeds import generator
from topobench.topology.images import check_connectivity, check_dimensions
from topobench.types import BoolArray, DiagramMatching, IntArray, PersistencePairs

__all__ = ["DiagramLoss"]


class DiagramLoss(SegmentationLoss):
    """Squared distance of persistence diagrams, under the matching that a subclass makes.

    In each patch of the likelihood p = sigmoid(logits), superlevel filtration, a class with a partner in the truth
    costs (1 - birth)^2 + death^2, for the truth's classes all lie at (birth 1, death 0); one that is to go costs
    (birth - death)^2 / 2, its squared distance to the diagonal; a class of the truth without partner costs 1/2. The
    sum over the classes of the chosen dimensions, times `scale`, is averaged over all patches of all maps.

    The gradient reaches the likelihood at the pixels of birth and death alone. The frame's birth (+inf) is read as 1
    and the essential death (-inf) as 0, without gradient. Where several pixels tie, one of them has it, always
    the same (pixels enter in row-major order): a subgradient.

    Parameters are those of `TopologicalLoss`; a subclass has its own defaults, and its own matching.
    """

    scale = 1.0
    shown: tuple[str, ...] = ("patch_size", "patches", "connectivity", "frame", "dimensions")

    def __init__(
        self,
        patch_size: int | Literal["whole"] | None,
        patches: int,
        connectivity: int,
        frame: bool,
        dimensions: Sequence[int],
        seed: int,
    ) -> None:
        super().__init__()
        patch_size = None if patch_size == "whole" else patch_size  # TOML has no None
        _check_options(patch_size, patches, frame)
        check_connectivity(connectivity)
        self.patch_size, self.patches = patch_size, patches
        self.connectivity, self.frame, self.dimensions = connectivity, frame, check_dimensions(dimensions)
        self.reseed(seed)

    @property
    def claim(self) -> TopologyClaim | None:
        """The Betti numbers that are matched."""
        return TopologyClaim(self.connectivity, self.frame, self.dimensions)

    def reseed(self, seed: int) -> None:
        """Make the places of the patches from here on a function of `seed`."""
        self._random = generator("diagram-loss", seed)

    def extra_repr(self) -> str:
        """Return the options, as torch prints modules."""
        shown = [name for name in self.shown if name != "patches" or self.patch_size is not None]
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)

    @abstractmethod
    def match(self, likelihoods: NDArray[Any], truths: BoolArray) -> DiagramMatching:
        """Return what becomes of each class of likelihoods (N, h, w), given truths (N, h, w)."""

    def of_maps(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits (B, H, W) and a target of the same shape."""
        likelihood = torch.sigmoid(logits)
        shape = (likelihood.shape[0], likelihood.shape[1], likelihood.shape[2])
        places, size = self._places(shape), self.patch_size or max(shape[1:])
        values = cut(likelihood.detach().cpu().numpy(), places, size)
        matching = self.match(values, cut((target > 0.5).cpu().numpy(), places, size))
        followed = np.flatnonzero(matching.matched | matching.removed)
        to_truth = torch.from_numpy(matching.matched[followed]).to(likelihood.device)
        birth, death = self.read(likelihood, *_pixels(matching.pairs, followed, places, shape, values.shape[2]))
        cost = torch.where(to_truth, (1 - birth) ** 2 + death**2, (birth - death) ** 2 / 2)
        return self.scale * (cost.sum() + matching.missing / 2) / len(values)

    def read(self, likelihood: Tensor, index: IntArray, there: BoolArray) -> Tensor:
        """Return births and deaths (2, N) from flat indices (2, N) of likelihoods (B, H, W), so that gradients flow.

        Where there is no pixel, the birth is 1 and the death 0.
        """
        device = likelihood.device
        values = likelihood.reshape(-1).index_select(0, torch.from_numpy(index.ravel()).to(device)).view(2, -1)
        return torch.where(torch.from_numpy(there).to(device), values, values.new_tensor([[1.0], [0.0]]))

    def _places(self, shape: tuple[int, int, int]) -> IntArray:
        """Return rows (map, y, x), `patches` of them for each map."""
        if self.patch_size is None:
            return np.pad(np.arange(shape[0])[:, None], ((0, 0), (0, 2)))
        maps = np.repeat(np.arange(shape[0]), self.patches)
        return np.column_stack([maps, random_places(shape, self.patch_size, len(maps), self._random)])


def _pixels(
    pairs: PersistencePairs, rows: IntArray, places: IntArray, shape: tuple[int, int, int], width: int
) -> tuple[IntArray, BoolArray]:
    """Return the flat indices (2, N), in maps of that shape, of births and deaths in patches; and which there are."""
    pixels = np.stack([pairs.birth_pixel[rows], pairs.death_pixel[rows]])
    there = pixels >= 0
    row, column = np.divmod(np.where(there, pixels, 0), width)
    image, top, left = places[pairs.image[rows]].T
    return (image * shape[1] + top + row) * shape[2] + left + column, there


def _check_options(patch_size: Any, patches: Any, frame: Any) -> None:
    wrong = []
    if patch_size is not None and not (isinstance(patch_size, int) and patch_size >= 1):
        wrong.append(
            f"patch_size is {patch_size!r}; it must be an integer of at least 1, or 'whole' or None for whole maps"
        )
    if not (isinstance(patches, int) and patches >= 1):
        wrong.append(f"patches is {patches!r}; it must be an integer of at least 1")
    if not isinstance(frame, bool):
        wrong.append(f"frame is {frame!r}; it must be True or False")
    if wrong:
        raise ArgumentError(f"{'; '.join(wrong)}.")
