"""The conformance suite of recipes: can one be kept as text, trained, stopped and resumed, and does it predict?

`check_recipe` makes what a recipe names, trains it for three steps on images as small as can be, and holds what it
says to what there is. A recipe that passes may still be a bad method; it will not fail after hours for a reason that
could be known before. Model and losses have suites of their own, which ask more of each.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from topobench.cards import Recipe
from topobench.conformance import Rule, hold
from topobench.run.conformance import making, published, training
from topobench.run.conformance.subject import Subject
from topobench.types import Report

__all__ = ["RULES", "check_recipe"]

RULES: tuple[Rule[Subject], ...] = (*making.RULES, *training.RULES, *published.RULES)


def check_recipe(recipe: Recipe, rules: Sequence[Rule[Subject]] = RULES) -> Report:
    """Hold a recipe to the rules of the suite, on the CPU.

    Parameters
    ----------
    recipe : Recipe
        With whatever model and losses it names.
    rules : sequence of Rule
        Which of `RULES`; all, unless given.

    Returns
    -------
    Report
        A check for each rule and case. What model and losses raise is a failed check, not an error.

    Notes
    -----
    Takes some 2 seconds for a U-Net. Nothing is downloaded: a recipe whose weights are not in the cache is held to what
    needs none. Threads, torch's random numbers and its choice of algorithms are left as they were.
    """
    with tempfile.TemporaryDirectory() as folder, _torch_left_as_it_was():
        return hold(Subject(recipe, Path(folder)), recipe.name, rules)


@contextmanager
def _torch_left_as_it_was() -> Iterator[None]:
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    cudnn = torch.backends.cudnn.deterministic
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
        torch.backends.cudnn.deterministic = cudnn
