"""The loss of a recipe: a weighted sum of terms, each with its own schedule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from topobench.errors import ArgumentError

__all__ = ["Term", "WeightedLoss", "distinct"]

SURE = 30.0  # a logit whose likelihood is 1 in float32; with the opposite sign, 1e-13


@dataclass(frozen=True)
class Term:
    """A loss, its full weight, and from which part of the run on it counts, over which part it rises."""

    name: str
    loss: nn.Module
    weight: float
    start: float = 0.0
    ramp: float = 0.0

    def weight_at(self, part: float) -> float:
        """Return the weight when `part` (in [0, 1)) of the run's steps is done."""
        if part < self.start:
            return 0.0
        if part < self.start + self.ramp:
            return self.weight * (part - self.start) / self.ramp
        return self.weight


class WeightedLoss(nn.Module):
    """Sum of weight_i(part) x loss_i; a term of weight 0 is not computed.

    Called with (logits, target, part): `part` in [0, 1) of the run's steps is done. At least one term must count from
    the first step and be able to train alone: topological terms have almost no gradient far from a segmentation, and
    are refused on their own.

    Given a mask `valid`, no term sees what lies outside: there is structure where the term frames (its attribute
    `frame`) and background where it does not, surely, in prediction and truth alike, without gradient. So any module
    that takes (logits, target) can be a term. What a term is the mean of stays as it was: cross entropy remains a mean
    over all pixels, to which those outside add 0, and patches in which few pixels are valid count like others.
    """

    def __init__(self, terms: Sequence[Term]) -> None:
        super().__init__()
        self.terms = tuple(terms)
        self.names = tuple(distinct(term.name for term in terms))
        self.losses = nn.ModuleList(term.loss for term in terms)
        if not any(term.start == 0 and getattr(term.loss, "trains_alone", False) for term in terms):
            found = ", ".join(f"{term.name} from {term.start:g} on" for term in terms) or "none"
            raise ArgumentError(
                f"the loss terms are {found}; at least one, such as cross-entropy, must count from the first step "
                "(start = 0) and be able to train alone (a loss says so in its attribute trains_alone)."
            )

    def forward(
        self, logits: Tensor, target: Tensor, part: float, valid: Tensor | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the sum, and each term's own value (unweighted) by its name; a second term of it is ``<name>#2``.

        Shapes: logits, target and `valid` (bool; None = all valid) are (B, 1, H, W).
        """
        total, values = logits.new_zeros(()), {}
        for name, term in zip(self.names, self.terms, strict=True):
            weight = term.weight_at(part)
            if weight > 0:
                value = term.loss(*_seen(term.loss, logits, target, valid))
                total = total + weight * value
                values[name] = float(value.detach())
        return total, values

    def reseed(self, seed: int) -> None:
        """Hand a seed to every term that draws at random."""
        for term in self.terms:
            if hasattr(term.loss, "reseed"):
                term.loss.reseed(seed)  # type: ignore[operator]


def distinct(names: Iterable[str]) -> Iterator[str]:
    """Yield the names, those that come again with their number behind a ``#``, which no loss has in its name."""
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name}#{seen[name]}"


def _seen(loss: nn.Module, logits: Tensor, target: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return logits and target as a loss is to see them: surely structure, or background, where they are not valid."""
    if valid is None:
        return logits, target
    if valid.shape != logits.shape or valid.dtype != torch.bool:
        raise ArgumentError(
            f"the validity mask has shape {tuple(valid.shape)} and dtype {valid.dtype}; it must be bool, of the shape "
            f"of the logits, {tuple(logits.shape)}."
        )
    structure = bool(getattr(loss, "frame", False))
    sure = SURE if structure else -SURE
    return torch.where(valid, logits, sure), torch.where(valid, target, float(structure))
