"""The conformance suite of losses: is a loss finite, zero where it should be, and does it push pixels the right way?

`check_loss` puts a loss, ours or anybody's, before toys with a known answer. A loss is any module that takes logits
(B, 1, H, W) and a target (B, 1, H, W) of 0 and 1, and returns a 0-d tensor, the mean of per-image losses. What it
promises about topology it says in an attribute `claim`, a `TopologyClaim`; a loss without one promises nothing, and is
held to all other rules. One with random patches has a method ``reseed(seed)``, so that they can be kept fixed, and an
attribute ``patch_size``. The toys, and what asks a loss about them, stand beside this folder, for `explain_loss` and
`topobench explain` use them, too.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from topobench.conformance import Outcome, Rule, ask, hold
from topobench.errors import ArgumentError
from topobench.losses.base import TopologyClaim
from topobench.losses.conformance import arguments, on_maps, on_toys
from topobench.losses.subject import Subject
from topobench.losses.toys import toys
from topobench.models.conformance.devices import one_thread
from topobench.types import Check, Report

__all__ = ["RULES", "check_loss"]

RULES: tuple[Rule[Subject], ...] = (*on_toys.RULES, *on_maps.RULES, *arguments.RULES)


def check_loss(loss: nn.Module, name: str = "loss", rules: Sequence[Rule[Subject]] = RULES) -> Report:
    """Hold a loss to the rules of the suite.

    Parameters
    ----------
    loss : torch.nn.Module
        Takes (logits, target), both (B, 1, H, W), and returns a 0-d tensor.
    name : str
        What the report calls it.
    rules : sequence of Rule
        Which of `RULES`; all, unless given.

    Returns
    -------
    Report
        A check for each rule and case. What a loss raises is a failed check, not an error. Where it raises or returns
        no 0-d tensor at the first call, or takes likelihoods for logits, this is said once and no more is asked.

    Raises
    ------
    ArgumentError
        If it is no instance of a module, its claim no `TopologyClaim`, or its patches are smaller than the toys.

    Notes
    -----
    Takes some 10 seconds if the loss of a toy takes a millisecond. Nothing is drawn but from fixed seeds.
    """
    _check_subject(loss)
    with one_thread():
        subject = Subject(loss)
        called = ask("the first call", on_toys.unfit, subject)
        return hold(subject, name, rules) if called.passed else _at_once(name, rules, called)


def _at_once(name: str, rules: Sequence[Rule[Subject]], called: Outcome) -> Report:
    """Return the report of a loss that failed at its first call, as the first rule's failure."""
    first, *others = (rule.name for rule in rules)
    rest = (Check(rule, "every case", "not claimed", f"{called.case} failed.") for rule in others)
    return Report(name, (Check(first, *called), *rest))


def _check_subject(loss: nn.Module) -> None:
    """Raise ArgumentError where nothing can be asked of a loss."""
    if isinstance(loss, type) or not callable(loss):
        raise ArgumentError(f"the loss is {loss!r}; give an instance that can be called, such as DiceLoss().")
    claim = getattr(loss, "claim", None)
    if not (claim is None or isinstance(claim, TopologyClaim)):
        raise ArgumentError(f"the claim of the loss is {claim!r}; it must be None or a topobench.losses.TopologyClaim.")
    size, largest = getattr(loss, "patch_size", None), max(max(toy.truth.shape) for toy in toys())
    if isinstance(size, int) and size < largest:
        raise ArgumentError(
            f"the loss has patch_size {size}; the toys have up to {largest} pixels a side, and a smaller patch may "
            f"miss what is wrong in them. Check it with a patch_size of at least {largest}."
        )
