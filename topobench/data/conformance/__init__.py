"""The conformance suite of adapters: does one read what its card says, the same each time, in any process?

An adapter is nothing without a card and data, so `check_adapter` takes a card and looks where its files lie: it opens
the adapter as `open_dataset` does, asks it what there is, and reads some of the images. What an adapter promises stands
in `topobench.data.Adapter`. Of a large data set few images are read, and the name of a case says of how many.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from topobench.cards import Card
from topobench.conformance import Rule, hold
from topobench.data.conformance import folds, making, reading, samples
from topobench.data.conformance.subject import Subject
from topobench.data.dataset import folder_of
from topobench.data.hints import how_to_get
from topobench.errors import DataError
from topobench.registry import load
from topobench.types import Report

__all__ = ["RULES", "check_adapter"]

RULES: tuple[Rule[Subject], ...] = (*making.RULES, *samples.RULES, *reading.RULES, *folds.RULES)


def check_adapter(
    card: Card,
    data_dir: str | Path | None = None,
    name: str | None = None,
    rules: Sequence[Rule[Subject]] = RULES,
    partial: bool = False,
) -> Report:
    """Hold the adapter of a card, with its data, to the rules of the suite.

    Parameters
    ----------
    card : Card
        Names the adapter and its options.
    data_dir : str, Path or None
        Where its data are, as for `open_dataset`.
    name : str or None
        What the report calls it, and what the card was asked for by; None: the card's name.
    rules : sequence of Rule
        Which of `RULES`; all, unless given.
    partial : bool
        Whether a part of the images is enough, as for `open_dataset`: what is missing is then no failure.

    Returns
    -------
    Report
        A check for each rule and case; where the adapter cannot be made at all, of the first rule alone. What it raises
        is a failed check, not an error.

    Raises
    ------
    ArgumentError
        If there is no adapter of that name, or it does not load.
    DataError
        If nothing of the data is there, for an adapter is known by what it reads; it says how to get them.

    Notes
    -----
    At most five images are read, some six times each; data_hash reads all files twice.
    """
    load("adapters", card.adapter)
    subject = Subject(card, folder_of(card, data_dir), how_to_get(card, data_dir, name or ""), partial)
    called = name or card.name
    made = hold(subject, called, RULES[:1])
    if made.checks[0].status == "failed":
        return made
    if not subject.adapter.members and subject.missing:
        raise DataError(
            f"nothing of data set {card.name!r} is in {subject.folder.resolve()}, and its adapter {card.adapter!r} is "
            f"known by what it reads. {subject.how_to_get}"
        )
    rest = hold(subject, called, [rule for rule in rules if rule is not RULES[0]])
    return Report(called, (*(made.checks if RULES[0] in rules else ()), *rest.checks))
