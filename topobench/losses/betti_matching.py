"""The Betti matching loss of Stucki, Paetzold, Shit, Menze and Bauer (ICML 2023, arXiv:2211.15272)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from topobench.losses.diagrams import DiagramLoss
from topobench.topology import match_barcodes
from topobench.types import BoolArray, DiagramMatching

__all__ = ["BettiMatchingLoss"]


class BettiMatchingLoss(DiagramLoss):
    """Squared distance of the barcodes of likelihood and truth, under the matching that inclusions induce.

    Source: Stucki, Paetzold, Shit, Menze and Bauer, "Topologically faithful image segmentation via induced matching of
    persistence barcodes", ICML 2023, arXiv:2211.15272::

        L = sum over matched classes of 2 [(birth - birth')^2 + (death - death')^2]
          + sum over the others, of both, of (birth - death)^2, mean over the images

    A class of the likelihood p = sigmoid(logits) and one of the truth t (with birth' 1, death' 0) are matched if the
    inclusions of both into the union max(p, t), superlevel filtration, send them to one class there
    (`topobench.topology.match_barcodes`): they are the same structure at the same place, where `TopologicalLoss` counts
    only how many there are. The essential classes of both are matched, with death 0, unless the truth is empty. The
    frame's birth (+inf) is read as 1. No class is too small to count.

    It is the matching of the definition. The authors' code also matches classes that in the union have met an elder
    before the likelihood bears them; it finds more partners (see `topobench.topology.barcodes`).

    The gradient reaches the likelihood at the pixels of birth and death alone; where several pixels tie, one of
    them has it, always the same (pixels enter in row-major order): a subgradient. The paper's structure is 4-connected
    (pixels as vertices of the complex); here it is 8-connected by default.

    Parameters
    ----------
    patch_size : int, or None or "whole"
        Pixels a side; None and "whole", the paper's choice, take whole maps.
    patches : int
        Patches a map, drawn anew at each call (`reseed` makes the next draws repeatable); with a patch size.
    connectivity : 8 or 4, of the structure
    frame : bool
        Add a ring of structure outside each patch, so that cells cut by its border still count.
    dimensions : subset of (0, 1)
    seed : int
        Of the patches' places until `reseed` is called.

    Shapes: logits (B, 1, H, W) floating, target (B, 1, H, W) of 0 and 1 -> 0-d tensor in [0, inf). Complexity:
    O(n log n) in the number of pixels of an image: persistence of both, and union-find over their union and both.
    """

    scale = 2.0  # twice the costs of the topological loss

    def __init__(
        self,
        patch_size: int | Literal["whole"] | None = None,
        patches: int = 4,
        connectivity: int = 8,
        frame: bool = False,
        dimensions: Sequence[int] = (0, 1),
        seed: int = 0,
    ) -> None:
        super().__init__(patch_size, patches, connectivity, frame, dimensions, seed)

    def match(self, likelihoods: NDArray[Any], truths: BoolArray) -> DiagramMatching:
        """Return what becomes of each class of likelihoods (N, h, w), given truths (N, h, w)."""
        threads = torch.get_num_threads()
        found = match_barcodes(likelihoods, truths, self.connectivity, self.frame, self.dimensions, threads)
        # of an empty truth the essential class, of a full one the hole of the frame, is a point of the diagonal: none
        there = np.minimum(found.truth.birth, 1) > np.maximum(found.truth.death, 0)
        matched = (found.partner >= 0) & there[found.partner] if there.size else np.zeros(len(found.prediction), bool)
        return DiagramMatching(found.prediction, matched, ~matched, int(there.sum() - matched.sum()))
