"""What a model is: the protocol that a plugin of the group ``topobench.models`` keeps."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor

__all__ = ["Model"]


class Model(Protocol):
    """A ``torch.nn.Module``: images to a logit for each pixel. `topobench.models.conformance` asks what stands here.

    Parameters
    ----------
    in_channels : int
        C, channels of the image, from 1 on: 1 of electron microscopy, 3 of photographs.
    **options
        Of a recipe's ``[model]``, by name: whatever TOML can write. What it cannot take raises
        `topobench.errors.ArgumentError`, which says what was given and what may be.

    Attributes
    ----------
    reach : int, optional
        How many pixels away an input pixel can change an output pixel, at most, in evaluation. Images that are larger
        than a tile are predicted in tiles that overlap by enough for it; without it, by enough for 96 pixels.
    output_weights : tuple of float, of sum 1, optional
        That in training mode it returns a tuple of as many logits, each (B, 1, H, W), from coarse to refined, and what
        each weighs in the loss (deep supervision). In evaluation mode it returns the last of them alone, as any model
        does.
    pretrained_weights : str, of the class, optional
        The name of the weights that its option ``pretrained`` wants, so that they can be got before a run starts.
    api_version : int, of the class, optional
        Of this contract: 1, which it also is without.

    Notes
    -----
    Shapes and units: images (B, C, H, W), float32, any B, H and W from 1 on, each channel of mean 0 and standard
    deviation 1 over the valid pixels of its whole image, 0 where invalid -> logits (B, 1, H, W), floating and finite,
    on the same device; their logistic function is the likelihood that a pixel is structure.

    In evaluation the logits of an image depend on nothing but the image and the weights: not on the others of its
    batch, nor on chance; and nothing that the model keeps changes. The runner evaluates in float32, in
    ``torch.inference_mode``. It trains on square crops, in batches that a budget sets, on cuda within autocast to
    bfloat16, or to float16 where there is no other; images and weights may then lie channels last in memory (use
    ``reshape`` for ``view``).

    First weights and what training draws come from torch's global generator, which the runner seeds before the model is
    made and before each step; never from those of numpy or python, which nobody seeds: so a run follows from its seed,
    and goes on after a break as if there were none. For the same reason all that training changes is a parameter or a
    registered buffer, and the values in ``state_dict()`` are finite tensors. The image is not written to.
    """

    def __init__(self, in_channels: int, **options: Any) -> None: ...

    def __call__(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return logits (B, 1, H, W) of images (B, C, H, W); in training those of all outputs, if several."""
        ...
