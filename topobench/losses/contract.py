"""What a loss is: the protocol that a plugin of the group ``topobench.losses`` keeps."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

__all__ = ["Loss"]


class Loss(Protocol):
    """A ``torch.nn.Module``: logits and target to a number. `topobench.losses.conformance` asks what stands here.

    Parameters
    ----------
    **options
        Of a recipe's ``[[loss]]``, by name: whatever TOML can write, but ``name``, ``weight``, ``start`` and ``ramp``,
        which are the recipe's own. What it cannot take raises `topobench.errors.ArgumentError`, which says what was
        given and what may be.

    Attributes
    ----------
    trains_alone : bool, optional
        Whether a network can be trained with it from the first step on; one term of a recipe must. Without it: no.
    claim : topobench.losses.TopologyClaim or None, optional
        Which Betti numbers it looks at, and whether descent on it sets them right. Without it nothing is promised.
    frame : bool, optional
        Whether it sees structure where there is nothing.
    patch_size : int or None, optional
        Pixels a side of the patches that it draws.
    reseed : callable (seed: int) -> None, optional
        Makes what it draws next follow from a seed; called before each step. It draws from nothing else.
    shortcomings : str, optional
        Why it fails rules of the suite, where that is known.
    pretrained_weights : str, of the class, optional
        The name of the weights that its option ``pretrained`` wants, so that they can be got before a run starts.
    api_version : int, of the class, optional
        Of this contract: 1, which it also is without.

    Notes
    -----
    Shapes and units: logits (B, 1, H, W), floating, any size, of which the logistic function is the likelihood of
    structure; the target (B, 1, H, W), 0 and 1 (1 = structure), in the dtype that the caller has -> a 0-d tensor,
    float32 (float64 for float64 logits) also within autocast: the mean of the losses of the images, 0 where the
    prediction is surely right. Both arguments are on one device, and neither is written to.

    Pixels that are not valid reach it as sure background, in prediction and target alike, or as sure structure where
    its attribute `frame` is true.

    What it keeps from one call to the next lies in its ``state_dict()``, if anywhere: a training goes on from there,
    and one whose losses keep nothing may go on from the warm-up of another.

    `topobench.losses.SegmentationLoss` does all of this but the formula.
    """

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss, 0-d, of logits (B, 1, H, W) and a target (B, 1, H, W).

        What does not fit raises `topobench.errors.ArgumentError`, as `topobench.losses.check_pair` does.
        """
        ...
