"""The widely copied variant of the topological loss, faults and all: kept so that its cost can be shown.

Do not train with it for its own sake. It is the behaviour of ``topoloss_pytorch.py`` (2021, HuXiaoling/TopoLoss), which
many repositories carry, written anew from what it computes; `TopologicalLoss` is the loss as published.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topobench.errors import ArgumentError, TopobenchError
from topobench.losses.base import SegmentationLoss, TopologyClaim
from topobench.topology import persistence_pairs
from topobench.types import BoolArray, DiagramMatching, IntArray

__all__ = ["EmptyDiagramError", "TopoLoss2021"]

PERFECT = 0.99  # a class of greater persistence is left as it is
NOISE = 0.03  # one that is to go is left alone if its persistence is no greater


class EmptyDiagramError(TopobenchError, IndexError):
    """The copied loss cannot take a likelihood whose diagram has no finite class of dimension 0."""


class TopoLoss2021(SegmentationLoss):
    """The topological loss as it is copied from one repository to the next, with its faults.

    Source: ``topoloss_pytorch.py`` of HuXiaoling/TopoLoss, 2021; faults numbered as topobench's docs/losses.md lists
    them. For each patch of a grid, of the finite classes of dimension 0 of p = sigmoid(logits) (8-connected, no frame)
    the k most persistent are to be fixed, k the number of the truth's, the others of persistence above 0.03 removed::

        L = sum over fixed classes, persistence at most 0.99, of (x_birth - 0)^2 + (x_death - 1)^2
          + sum over removed classes of (x_birth - p_death)^2 + (x_death - p_birth)^2

    1. The targets of fixed classes are those of 1 - p: a needed peak is erased, a false bridge raised.
    2. x are the logits, not the likelihoods, but the targets are likelihoods.
    3. A patch that is not square is read in the wrong order: its rows are cut at the wrong places.
    4. A patch whose truth is one component without hole, or empty, or full, is skipped, however wrong the prediction.
    5. A prediction of one component with a hole raises IndexError.
    6. It sums over patches, so that its weight depends on the size of the image. (The original takes one image on a
       CUDA device; here a batch is the mean over its images, on any device.)

    The p of a removed class's partner is a constant, without gradient. A pixel of several classes counts for each.

    Parameters
    ----------
    patch_size : int
        Pixels a side of the grid's patches; those at the right and lower border may be smaller.

    Shapes: logits (B, 1, H, W) floating, target (B, 1, H, W) of 0 and 1 -> 0-d tensor in [0, inf). Complexity:
    persistence of all patches.

    Raises
    ------
    EmptyDiagramError
        An `IndexError`: see fault 5.
    """

    shortcomings = "its faults are its purpose: docs/losses.md lists them, with the rules that find them"

    def __init__(self, patch_size: int = 100) -> None:
        super().__init__()
        if not (isinstance(patch_size, int) and patch_size >= 1):
            raise ArgumentError(f"patch_size is {patch_size!r}; it must be an integer of at least 1.")
        self.patch_size = patch_size

    def extra_repr(self) -> str:
        """Return the options, as torch prints modules."""
        return f"patch_size={self.patch_size}"

    @property
    def claim(self) -> TopologyClaim | None:
        """Components, for which it is said to be made."""
        return TopologyClaim(8, frame=False, dimensions=(0,))

    def of_maps(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits (B, H, W) and a target of the same shape."""
        height, width = logits.shape[1:]
        starts = product(*(range(0, side, self.patch_size) for side in (height, width)))
        total = logits.sum() * 0
        for top, left in starts:
            window = (slice(None), slice(top, top + self.patch_size), slice(left, left + self.patch_size))
            total = total + self._of_patches(logits[window], target[window] > 0.5)
        return total / len(logits)

    def match(self, likelihoods: NDArray[Any], truths: BoolArray) -> DiagramMatching:
        """Return what becomes of each finite component of likelihoods (N, h, w), given truths (N, h, w)."""
        scrambled = (len(likelihoods), likelihoods.shape[2], likelihoods.shape[1])  # fault 3
        pairs = persistence_pairs(likelihoods.reshape(scrambled), threads=torch.get_num_threads())
        wanted, idle = _wanted(truths.reshape(scrambled))
        _check_diagrams(pairs.image[pairs.dimension == 0], pairs.image[pairs.dimension == 1], idle)
        ours = (pairs.dimension == 0) & np.isfinite(pairs.death) & ~idle[pairs.image]
        persistence = np.where(ours, pairs.birth - pairs.death, -1)
        order = np.lexsort((-persistence, pairs.image))
        rank = np.empty(len(pairs), np.int64)
        rank[order] = np.arange(len(pairs)) - np.searchsorted(pairs.image[order], pairs.image[order])
        fixed = ours & (rank < wanted[pairs.image])
        missing = int(np.maximum(wanted - np.bincount(pairs.image[fixed], minlength=len(wanted)), 0)[~idle].sum())
        return DiagramMatching(pairs, fixed & (persistence <= PERFECT), ours & ~fixed & (persistence > NOISE), missing)

    def _of_patches(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Return the sum over patches (N, h, w)."""
        likelihood = torch.sigmoid(logits).detach().cpu().numpy()
        matching = self.match(likelihood, truth.cpu().numpy())
        pairs, kept = matching.pairs, matching.matched | matching.removed
        fixed = torch.from_numpy(matching.matched[kept]).to(logits.device)
        base = pairs.image[kept] * likelihood[0].size
        flat = logits.reshape(-1)
        birth, death = (
            flat[torch.from_numpy(base + pixel[kept]).to(flat.device)]
            for pixel in (pairs.birth_pixel, pairs.death_pixel)
        )
        to_birth, to_death = torch.sigmoid(death).detach(), torch.sigmoid(birth).detach()
        to_fix = birth**2 + (death - 1) ** 2  # faults 1 and 2
        to_remove = (birth - to_birth) ** 2 + (death - to_death) ** 2  # fault 2
        return torch.where(fixed, to_fix, to_remove).sum()


def _wanted(truths: BoolArray) -> tuple[IntArray, BoolArray]:
    """Return how many finite components each truth has, and which patches are skipped (fault 4)."""
    pairs = persistence_pairs(truths, threads=torch.get_num_threads())
    finite = np.isfinite(pairs.death)
    wanted, classes = (
        np.bincount(pairs.image[chosen], minlength=len(truths)) for chosen in (finite & (pairs.dimension == 0), finite)
    )
    return wanted, classes == 0


def _check_diagrams(components: IntArray, holes: IntArray, idle: BoolArray) -> None:
    """Raise EmptyDiagramError for a patch of which the essential component is the only one, but which has holes."""
    count, other = (np.bincount(images, minlength=len(idle)) for images in (components, holes))
    if ((count == 1) & (other > 0) & ~idle).any():
        raise EmptyDiagramError(
            "the prediction has a hole in a single component: here the copied code raises IndexError (fault 5 of "
            "topoloss-2021, see docs/losses.md); the loss 'topological' takes such maps."
        )
