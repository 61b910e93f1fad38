"""The topological loss of Hu, Li, Samaras and Chen (NeurIPS 2019, arXiv:1906.05404), equations 3 to 5."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from topobench.errors import ArgumentError
from topobench.losses.base import TopologyClaim
from topobench.losses.diagrams import DiagramLoss
from topobench.topology import betti_numbers, persistence_pairs
from topobench.types import BoolArray, DiagramMatching, FloatArray, IntArray

__all__ = ["TopologicalLoss", "WassersteinLoss"]


class TopologicalLoss(DiagramLoss):
    """Squared distance of the likelihood's persistence diagram from the truth's, in random patches.

    Source: Hu, Li, Samaras and Chen, NeurIPS 2019, arXiv:1906.05404, equations 3 to 5::

        L = 1/N sum over patches of
              sum over matched classes of (1 - birth)^2 + death^2
            + sum over the others, of persistence above min_persistence, of (birth - death)^2 / 2
            + 1/2 for each class of the truth without partner

    In each patch of the likelihood p = sigmoid(logits), superlevel filtration, k = b(truth) classes are matched to the
    truth's, which all lie at (birth 1, death 0); the others are sent to the diagonal. The frame's birth (+inf) is read
    as 1 and the essential death (-inf) as 0, without gradient; the constant 1/2 makes a wrong flat map cost something.
    The gradient reaches the likelihood at the pixels of birth and death alone; where several pixels tie, one of
    them has it, always the same (pixels enter in row-major order): a subgradient.

    The authors' released code overwrites the border of a patch with the frame and has a 4-connected structure;
    here the frame is added outside, and the structure is 8-connected by default.

    Parameters
    ----------
    patch_size : int, or None or "whole"
        Pixels a side; None and "whole" take whole maps. A map smaller than the patch is used whole along that axis.
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

    shown = (*DiagramLoss.shown, "matching", "min_persistence")

    def __init__(
        self,
        patch_size: int | Literal["whole"] | None = 65,
        patches: int = 4,
        connectivity: int = 8,
        frame: bool = True,
        dimensions: Sequence[int] = (1,),
        matching: Literal["persistence", "wasserstein"] = "persistence",
        min_persistence: float = 0.03,
        seed: int = 0,
    ) -> None:
        super().__init__(patch_size, patches, connectivity, frame, dimensions, seed)
        if matching not in ("persistence", "wasserstein"):
            raise ArgumentError(f"matching is {matching!r}; it must be 'persistence' or 'wasserstein'.")
        if not 0 <= min_persistence < 1:
            raise ArgumentError(f"min_persistence is {min_persistence!r}; it must lie in [0, 1).")
        self.matching, self.min_persistence = matching, min_persistence

    @property
    def claim(self) -> TopologyClaim | None:
        """The Betti numbers that are matched; the Wasserstein matching may leave one wrong in the end."""
        return TopologyClaim(self.connectivity, self.frame, self.dimensions, descent=self.matching == "persistence")

    def match(self, likelihoods: NDArray[Any], truths: BoolArray) -> DiagramMatching:
        """Return what becomes of each class of likelihoods (N, h, w), given truths (N, h, w)."""
        threads = torch.get_num_threads()
        pairs = persistence_pairs(likelihoods, self.connectivity, self.frame, self.dimensions, threads=threads)
        wanted = self._wanted(truths)
        birth, death = np.minimum(pairs.birth, 1.0), np.maximum(pairs.death, 0.0)
        persistence, group = birth - death, 2 * pairs.image + pairs.dimension
        large = persistence > self.min_persistence
        if self.matching == "persistence":
            essential = np.isneginf(pairs.death)
            gain = np.where(essential, np.inf, persistence)  # it goes before all others
            few = np.bincount(group[large], minlength=wanted.size) < wanted  # here small ones are wanted too
            candidates = np.flatnonzero(large | essential | few[group])
        else:
            gain = persistence - (1 - birth - death) ** 2 / 2
            candidates = np.flatnonzero(gain > 0)
        ranks = _ranks(group[candidates], gain[candidates], birth[candidates])
        matched = np.zeros(len(pairs), np.bool_)
        matched[candidates[ranks < wanted[group[candidates]]]] = True
        return DiagramMatching(pairs, matched, large & ~matched, int(wanted.sum() - matched.sum()))

    def _wanted(self, truths: BoolArray) -> IntArray:
        """Return the truths' Betti numbers: b0 and b1 of the first, of the second ... (0 where not asked for)."""
        numbers = np.stack(betti_numbers(truths, self.connectivity, self.frame, torch.get_num_threads()), axis=1)
        numbers[:, [dimension for dimension in (0, 1) if dimension not in self.dimensions]] = 0
        return numbers.ravel()


class WassersteinLoss(TopologicalLoss):
    """Squared 2-Wasserstein distance of the persistence diagrams of whole images.

    Source: the optimal matching of diagrams of Hu et al. 2019, equation 3, on whole images, as the loss that Stucki et
    al. 2023 (arXiv:2211.15272) compare Betti matching with::

        L = mean over images of min over bijections of sum |x - match(x)|^2

    over points x = (birth, death), those of the diagonal included. All classes of a truth lie at (birth 1, death 0), so
    the minimum is known: the k = b(truth) classes for which the match gains most over the diagonal are matched, where
    it gains anything (see `TopologicalLoss` with ``matching="wasserstein"``). The essential class is one like others,
    with death 0. The loss may send a class of the truth to the diagonal: it claims nothing about Betti numbers.

    Parameters
    ----------
    connectivity : 8 or 4, of the structure
    frame : bool
        Add a ring of structure outside each image, so that cells cut by its border still count.
    dimensions : subset of (0, 1)

    Shapes: logits (B, 1, H, W) floating, target (B, 1, H, W) of 0 and 1 -> 0-d tensor in [0, inf). Complexity:
    persistence of B images, in one call.
    """

    shown = ("connectivity", "frame", "dimensions")

    def __init__(self, connectivity: int = 8, frame: bool = False, dimensions: Sequence[int] = (0, 1)) -> None:
        super().__init__(None, 1, connectivity, frame, dimensions, "wasserstein", 0.0)


def _ranks(group: IntArray, gain: FloatArray, birth: FloatArray) -> IntArray:
    """Return each candidate's place, from 0 on, among those of its group, the greatest gain first.

    Of equal gain the one born higher goes first, so that no turn of the image changes the loss.
    """
    order = np.lexsort((-birth, -gain, group))
    ranks = np.empty(len(group), np.int64)
    ranks[order] = np.arange(len(group)) - np.searchsorted(group[order], group[order])
    return ranks
