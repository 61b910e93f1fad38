"""What is wrong with a model's logits, as a sentence, and by how much two tensors or two states differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["apart", "changed_names", "misfit", "some", "state_of"]

CLOSE = 1e-4  # of the largest value: what another order of sums may change


def misfit(found: Any, images: Tensor, when: str) -> str | None:
    """Return what is wrong with logits of such images, if anything is."""
    wanted = (len(images), 1, *images.shape[2:])
    if not isinstance(found, Tensor):
        return f"{when} it gives a {type(found).__name__}; it must give logits {wanted}, a tensor."
    if found.shape != wanted:
        return (
            f"{when} it gives {tuple(found.shape)} for images {tuple(images.shape)}; it must give {wanted}: "
            f"{_mend(tuple(found.shape), wanted)}."
        )
    if not found.is_floating_point():
        return f"{when} it gives {found.dtype}; logits are floating."
    wrong = int((~torch.isfinite(found)).sum())
    return f"{when} {wrong} of {found.numel()} logits are not finite." if wrong else None


def _mend(found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Return what to do with logits of that shape, in words."""
    batch, _, *size = wanted
    if found == (batch, *size):
        return "unsqueeze(1) gives them their channel"
    if found == (batch, 2, *size):
        return "a softmax over channels 0 and 1 has the logit out[:, 1:] - out[:, :1]"
    if len(found) == 4 and found[:2] == wanted[:2]:
        return "pad the image and crop the logits, or interpolate them to its size"
    return "one logit for each pixel"


def some(names: Sequence[str]) -> str:
    """Return the first three names, and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def apart(found: Tensor, wanted: Tensor, share: float = CLOSE) -> float | None:
    """Return by how much two tensors differ at most, if that is more than a share of the largest value."""
    differ = float((found.float() - wanted.float()).abs().max())
    return None if differ <= share * float(wanted.abs().max()) else differ


def changed_names(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the names of which two states have not the same values."""
    return [name for name in {**one, **other} if not _same(one.get(name), other.get(name))]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and bool(((one == other) | ((one != one) & (other != other))).all())
    return bool(one == other)


def state_of(model: nn.Module) -> dict[str, Any]:
    """Return a model's state as it now is."""
    return {name: v.detach().clone() if isinstance(v, Tensor) else v for name, v in model.state_dict().items()}
