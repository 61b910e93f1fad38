"""The rules of what a metric takes: labels of any number, masks of any shape, in any order, and none is written to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topobench.conformance import Outcome, Rule, ask
from topobench.metrics.case import Case, Labels
from topobench.metrics.conformance.faulty import CONTEXTS, FAULTS, SHAPES, Context, case_of, mask_of, net, words
from topobench.metrics.conformance.subject import ROUNDING, Subject, in_each_context
from topobench.types import BoolArray

__all__ = ["RULES"]


def _renumbered(subject: Subject, context: Context) -> str | None:
    for fault in ("gap", "island"):
        plain, turned = (case_of(context, FAULTS[fault], fault) for _ in range(2))
        vars(turned)["labels"] = tuple(_permuted(labels, seed) for seed, labels in enumerate(turned.labels))
        before, after = subject.value(plain), subject.value(turned)
        if not _alike(before, after):
            return (
                f"of {words(fault)} it is {_number(before)}, and {_number(after)} where the components have other "
                "numbers; use which pixels share a label, not the labels themselves."
            )
    return None


def _permuted(labels: Labels, seed: int) -> Labels:
    """Return labels numbered anew; 0 stays 0."""
    order = 1 + np.random.default_rng(seed).permutation(int(labels.max()))
    if len(order) > 1 and np.array_equal(order, np.sort(order)):
        order = order[::-1]
    return np.concatenate([[0], order]).astype(np.int32)[labels]


def _nothing_there(subject: Subject) -> Iterator[Outcome]:
    nothing, everything = np.zeros((20, 23), bool), np.ones((20, 23), bool)
    for (one, prediction), (other, truth) in (
        (("empty", nothing), ("empty", nothing)), (("empty", nothing), ("full", everything)),
        (("full", everything), ("empty", nothing)), (("full", everything), ("full", everything)),
    ):  # fmt: skip
        yield ask(f"{one} prediction, {other} truth", _takes, subject, prediction, truth)
    yield ask("no valid pixel", _nowhere, subject)


def _takes(subject: Subject, prediction: BoolArray, truth: BoolArray) -> str | None:
    for context in CONTEXTS:
        if reason := subject.fault(subject.found(case_of(context, prediction, "taken", truth))):
            return f"({context}) {reason}"
    return None


def _nowhere(subject: Subject) -> str | None:
    truth = net()
    for context in CONTEXTS:
        value = subject.value(case_of(context, FAULTS["gap"], "nowhere", truth, np.zeros_like(truth)))
        if value is not None:
            return f"({context}) it is {value:.6g} where no pixel is valid; give Undefined('no pixel is valid')."
    return None


def _stateless(subject: Subject, context: Context) -> str | None:
    """Score images under one id, as those of several methods are, in one order, and then in the other."""
    faults = list(FAULTS)
    first = {fault: subject.value(case_of(context, FAULTS[fault], "one image")) for fault in faults}
    for fault in reversed(faults):
        again = subject.value(case_of(context, FAULTS[fault], "one image"))
        if not (again == first[fault] or (again is None and first[fault] is None)):
            return (
                f"of {words(fault)} it is {_number(first[fault])}, and {_number(again)} when asked again after other "
                "images; keep nothing from one call to the next, and draw nothing but from the case's seed."
            )
    if len(set(first.values())) == 1 and len({subject.of_fault(context, fault) for fault in faults}) > 1:
        return (
            f"predictions of one image_id all get {_number(first['none'])}, and others under ids of their own; "
            "an image_id is that of an image, whoever predicted it."
        )
    return None


def _any_shape(subject: Subject) -> Iterator[Outcome]:
    for shape in SHAPES:
        truth, prediction = (mask_of(shape, seed) for seed in (0, 1))
        yield ask(f"{shape[0]}x{shape[1]}", _takes, subject, prediction, truth)


def _untouched(subject: Subject) -> Iterator[Outcome]:
    yield ask("arrays that can be written", _writes, subject)
    yield ask("arrays that cannot", _takes_read_only, subject)


def _writes(subject: Subject) -> str | None:
    for context in CONTEXTS:
        case, same = (case_of(context, FAULTS["gap"], "written") for _ in range(2))
        arrays, copies = _arrays(case), _arrays(same)
        subject.found(case)
        for word, array in arrays.items():
            if not np.array_equal(array, copies[word]):
                return f"it writes to case.{word}, which other metrics are given, too; write to a copy of it."
    return None


def _takes_read_only(subject: Subject) -> str | None:
    for context in CONTEXTS:
        case = case_of(context, FAULTS["gap"], "read-only")
        for array in _arrays(case).values():
            array.flags.writeable = False
        if not _alike(subject.value(case), subject.value(case_of(context, FAULTS["gap"], "read-only"))):
            return "it gives another value where its arrays cannot be written."
    return None


def _arrays(case: Case) -> dict[str, NDArray[Any]]:
    """Return all arrays that a case holds, by name."""
    valid = {} if case.valid is None else {"valid": case.valid}
    table = {f"table.{word}": getattr(case.table, word) for word in ("segment", "region", "pixels")}
    return {
        "prediction": case.prediction, "truth": case.truth, **valid,
        "labels[0]": case.labels[0], "labels[1]": case.labels[1], **table,
    }  # fmt: skip


def _alike(one: float | None, other: float | None) -> bool:
    """Return whether two figures are the same up to rounding, or both undefined."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= ROUNDING * max(1.0, abs(one))


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.6g}"


RULES: tuple[Rule[Subject], ...] = (
    Rule("labels renumbered", "the numbers of components do not matter", in_each_context(_renumbered)),
    Rule(
        "nothing there",
        "masks that are empty or full have a value or a reason, without a warning; no valid pixel a reason",
        _nothing_there,
    ),
    Rule("no state", "an image has one figure, whatever was scored before", in_each_context(_stateless)),
    Rule("any shape", "images of a pixel, a row, a column, and oblong ones are taken", _any_shape),
    Rule("arguments untouched", "masks, labels and table are not written to", _untouched),
)
