"""The conformance suite of models: does a model take what the runner gives, follow its seed, learn, and keep its word?

`check_model` puts a model, ours or anybody's, before small images; `topobench.models.Model` is what it is held
to. What many rules need, such as logits at all, is asked once: where it is not there, one rule says why, and those
that need it are not claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import nn

from topobench.conformance import Rule, hold
from topobench.errors import ArgumentError
from topobench.models.conformance import computing, images, making, reach, training
from topobench.models.conformance.devices import one_thread
from topobench.models.conformance.subject import Subject
from topobench.types import Report

__all__ = ["RULES", "check_model"]

RULES: tuple[Rule[Subject], ...] = (*making.RULES, *images.RULES, *training.RULES, *reach.RULES, *computing.RULES)


def check_model(
    make: Callable[[int], nn.Module], name: str = "model", rules: Sequence[Rule[Subject]] = RULES
) -> Report:
    """Hold a model to the rules of the suite.

    Parameters
    ----------
    make : callable
        Takes the number of channels and returns a new model, such as the class, or a function that adds options.
    name : str
        What the report calls it.
    rules : sequence of Rule
        Which of `RULES`; all, unless given.

    Returns
    -------
    Report
        A check for each rule and case. What a model raises is a failed check, not an error.

    Raises
    ------
    ArgumentError
        If `make` cannot be called, or is a model and not what makes one.

    Notes
    -----
    A U-Net takes a second, VGG-19 eight. Global generators and the number of threads are afterwards as they were.
    """
    if isinstance(make, nn.Module) or not callable(make):
        raise ArgumentError(
            f"make is a {type(make).__name__}; give something that takes the number of channels and returns a new "
            "model, such as a class, or lambda channels: UNet(channels, depth=3)."
        )
    with one_thread():
        return hold(Subject(make), name, rules)
