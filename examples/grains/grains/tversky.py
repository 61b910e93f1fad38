"""The Tversky loss: Dice, in which pixels that are missed may cost more than pixels that are too many."""

import torch

from topobench.losses import SegmentationLoss

__all__ = ["TverskyLoss"]


class TverskyLoss(SegmentationLoss):
    """1 - TP / (TP + alpha FP + beta FN) of the likelihoods, an image at a time; in [0, 1].

    Salehi, Erdogmus and Gholipour 2017, arXiv:1706.05721, equations 3 and 4. With alpha = beta = 0.5 it is Dice. Thin
    structure is soon missed, so beta is the greater one by default, as in the paper's best results.

    Parameters
    ----------
    alpha, beta : float above 0
        What a pixel too many, and a pixel missed, costs.
    smooth : float above 0
        Pixels that are added above and below, so that empty images have a value.
    """

    api_version = 1
    trains_alone = True

    def __init__(self, alpha: float = 0.3, beta: float = 0.7, smooth: float = 1.0) -> None:
        super().__init__()
        for name, value in (("alpha", alpha), ("beta", beta), ("smooth", smooth)):
            if not value > 0:
                raise ValueError(f"{name} is {value}; it must be a number above 0")
        self.alpha, self.beta, self.smooth = alpha, beta, smooth

    def of_maps(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the mean over images of logits (B, H, W) and a target (B, H, W) of 0 and 1."""
        likelihood = torch.sigmoid(logits)
        hits = (likelihood * target).sum((1, 2))
        too_many = (likelihood * (1 - target)).sum((1, 2))
        missed = ((1 - likelihood) * target).sum((1, 2))
        index = (hits + self.smooth) / (hits + self.alpha * too_many + self.beta * missed + self.smooth)
        return (1 - index).mean()
