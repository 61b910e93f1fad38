"""The topological loss of Hu, Li, Samaras and Chen (NeurIPS 2019, arXiv:1906.05404), equations 3 to 5."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from topobench.errors import ArgumentError
from topobench.losses.checks import check_pair
from topobench.patches import cut, random_places
from topobench.seeds import generator
from topobench.topology import betti_numbers, persistence_pairs
from topobench.topology.images import check_connectivity, check_dimensions
from topobench.types import BoolArray, IntArray, PersistencePairs

__all__ = ["TopologicalLoss"]


class TopologicalLoss(nn.Module):
    """Squared distance of the likelihood's persistence diagram from the truth's, in random patches.

    Source: Hu, Li, Samaras and Chen, NeurIPS 2019, arXiv:1906.05404, equations 3 to 5.

    In each patch of the likelihood p = sigmoid(logits), superlevel filtration, k = b(truth) classes are matched
    to the truth's, which all lie at (birth 1, death 0), and cost (1 - birth)^2 + death^2; every other class of
    persistence above `min_persistence` is sent to the diagonal and costs (birth - death)^2 / 2. A class of the
    truth without partner costs the constant 1/2. The sum over classes and dimensions is averaged over the
    patches of all maps. The gradient reaches the likelihood at the pixels of birth and death alone; the frame's
    birth (+inf) is read as 1 and the essential death (-inf) as 0, without gradient. Where several pixels tie, the
    first in row-major order has the gradient (a subgradient).

    The authors' released code overwrites the border of a patch with the frame and has a 4-connected structure;
    here the frame is added outside, and the structure is 8-connected by default.

    Parameters
    ----------
    patch_size : int or None
        Pixels a side; None takes whole maps. A map smaller than the patch is used whole along that axis.
    patches : int
        Patches a map, drawn anew at each call (`reseed` makes the next draws repeatable).
    connectivity : 8 or 4, of the structure
    frame : bool
        Add a ring of structure outside each patch, so that cells cut by its border still count.
    dimensions : subset of (0, 1)
    matching : "persistence" or "wasserstein"
        The k most persistent classes, the essential one among them (the authors' code); or the k for which the
        match gains most over the diagonal, p - (1 - birth - death)^2 / 2 with p = birth - death, where positive
        (the paper's equation; it may send a truth class to the diagonal and so need not end at the right topology).
    min_persistence : float in [0, 1)
        Classes of at most this persistence are left alone. Theorem 1 (loss 0 implies the right Betti numbers)
        holds for 0.
    seed : int
        Of the patches' places until `reseed` is called.

    Shapes: logits (B, 1, H, W) floating, target (B, 1, H, W) of 0 and 1 -> 0-d float32 tensor in [0, inf),
    float64 for float64 logits. Complexity: persistence of B x patches images of patch_size^2 pixels, in one call.
    """

    trains_alone = False

    def __init__(
        self,
        patch_size: int | None = 65,
        patches: int = 4,
        connectivity: int = 8,
        frame: bool = True,
        dimensions: Sequence[int] = (1,),
        matching: Literal["persistence", "wasserstein"] = "persistence",
        min_persistence: float = 0.03,
        seed: int = 0,
    ) -> None:
        super().__init__()
        _check_options(patch_size, patches, matching, min_persistence)
        check_connectivity(connectivity)
        self.patch_size, self.patches = patch_size, patches
        self.connectivity, self.frame, self.dimensions = connectivity, frame, check_dimensions(dimensions)
        self.matching, self.min_persistence = matching, min_persistence
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        """Make the places of the patches from here on a function of `seed`."""
        self._random = generator("topological-loss", seed)

    def extra_repr(self) -> str:
        """Return the options, as torch prints modules."""
        names = (
            "patch_size",
            "patches",
            "connectivity",
            "frame",
            "dimensions",
            "matching",
            "min_persistence",
        )
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss; ArgumentError, with both shapes, where they do not fit."""
        check_pair(logits, target)
        with torch.autocast(logits.device.type, enabled=False):
            wide = logits if logits.dtype == torch.float64 else logits.float()
            return self._loss(torch.sigmoid(wide)[:, 0], target[:, 0])

    def _loss(self, likelihood: Tensor, truth: Tensor) -> Tensor:
        places = self._places(tuple(likelihood.shape))
        values = _cut_batch(likelihood.detach().cpu().numpy(), places, self.patch_size)
        masks = _cut_batch((truth.detach() > 0.5).cpu().numpy(), places, self.patch_size)
        threads = torch.get_num_threads()
        pairs = persistence_pairs(values, self.connectivity, self.frame, self.dimensions, threads=threads)
        wanted = self._wanted(masks)
        matched, others, without = self._match(pairs, wanted)
        birth, death = _at_pixels(likelihood, pairs, places, values.shape[-1])
        to_truth = ((1 - birth) ** 2 + death**2)[torch.from_numpy(matched).to(birth.device)]
        to_diagonal = ((birth - death) ** 2 / 2)[torch.from_numpy(others).to(birth.device)]
        return (to_truth.sum() + to_diagonal.sum() + 0.5 * without) / len(values)

    def _places(self, shape: tuple[int, ...]) -> IntArray:
        """Return rows (map, y, x), `patches` of them for each map."""
        size, patches = self.patch_size or max(shape[-2:]), self.patches if self.patch_size else 1
        corners = [random_places(shape, size, patches, self._random) for _ in range(shape[0])]
        maps = np.repeat(np.arange(shape[0]), patches)
        return np.concatenate([maps[:, None], np.concatenate(corners)], axis=1)

    def _wanted(self, masks: BoolArray) -> IntArray:
        """Return the truth's Betti numbers, one row a patch, columns b0 and b1 (0 where the dimension is not asked)."""
        numbers = np.stack([np.asarray(b) for b in betti_numbers(masks, self.connectivity, self.frame)], axis=1)
        numbers[:, [dimension for dimension in (0, 1) if dimension not in self.dimensions]] = 0
        return numbers

    def _match(self, pairs: PersistencePairs, wanted: IntArray) -> tuple[BoolArray, BoolArray, int]:
        """Return which pairs go to the truth, which to the diagonal, and how many truth classes have no partner."""
        birth, death = np.minimum(pairs.birth, 1.0), np.maximum(pairs.death, 0.0)
        persistence = birth - death
        gain = persistence - (1 - birth - death) ** 2 / 2 if self.matching == "wasserstein" else persistence
        essential = np.isneginf(pairs.death) & (self.matching == "persistence")
        group = 2 * pairs.image + pairs.dimension
        # of equal gain the one born higher goes first, so that no turn of the image changes the loss
        order = np.lexsort((pairs.death_pixel, pairs.birth_pixel, -birth, -gain, ~essential, group))
        rank = np.empty(len(pairs), dtype=np.int64)
        rank[order] = np.arange(len(pairs)) - np.searchsorted(group[order], group[order])
        matched = rank < wanted[pairs.image, pairs.dimension]
        if self.matching == "wasserstein":
            matched &= gain > 0
        others = ~matched & (persistence > self.min_persistence)
        return matched, others, int(wanted.sum() - matched.sum())


def _cut_batch(maps: NDArray[Any], places: IntArray, size: int | None) -> NDArray[Any]:
    """Return the patches (B x patches, h, w) of maps (B, H, W)."""
    size = size or max(maps.shape[-2:])
    return np.concatenate([cut(image, places[places[:, 0] == index, 1:], size) for index, image in enumerate(maps)])


def _at_pixels(likelihood: Tensor, pairs: PersistencePairs, places: IntArray, width: int) -> tuple[Tensor, Tensor]:
    """Return births and deaths as read from the likelihood (B, H, W), so that gradients flow to those pixels."""
    corner = places[pairs.image]
    flat = likelihood.reshape(-1)
    found = []
    for pixel, constant in ((pairs.birth_pixel, 1.0), (pairs.death_pixel, 0.0)):
        row, column = np.divmod(pixel, width)
        index = (corner[:, 0] * likelihood.shape[1] + corner[:, 1] + row) * likelihood.shape[2] + corner[:, 2] + column
        there = torch.from_numpy(pixel >= 0).to(flat.device)
        values = flat[torch.from_numpy(np.where(pixel < 0, 0, index)).to(flat.device)]
        found.append(torch.where(there, values, values.new_tensor(constant)))
    return found[0], found[1]


def _check_options(patch_size: int | None, patches: int, matching: str, min_persistence: float) -> None:
    wrong = []
    if patch_size is not None and not (isinstance(patch_size, int) and patch_size >= 1):
        wrong.append(f"patch_size is {patch_size!r}; it must be an integer of at least 1, or None for whole maps")
    if not (isinstance(patches, int) and patches >= 1):
        wrong.append(f"patches is {patches!r}; it must be an integer of at least 1")
    if matching not in ("persistence", "wasserstein"):
        wrong.append(f"matching is {matching!r}; it must be 'persistence' or 'wasserstein'")
    if not 0 <= min_persistence < 1:
        wrong.append(f"min_persistence is {min_persistence!r}; it must lie in [0, 1)")
    if wrong:
        raise ArgumentError(f"topological loss: {'; '.join(wrong)}.")
