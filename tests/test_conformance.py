"""The five suites, whose reports are read one below the other: their rules are named alike, and can be chosen."""

import inspect
from collections import Counter
from importlib import import_module
from itertools import chain

import pytest

from topobench.conformance import Outcome, Rule, ask, ask_unless, hold

SUITES = {
    kind: import_module(f"topobench.{kind}.conformance") for kind in ("models", "losses", "metrics", "data", "run")
}


@pytest.mark.parametrize("kind", SUITES)
def test_rules_are_named_in_a_few_small_words_and_say_what_they_ask(kind):
    rules = SUITES[kind].RULES
    assert max(Counter(rule.name for rule in rules).values()) == 1
    for rule in rules:
        assert 2 <= len(rule.name.split()) <= 5, rule.name
        assert rule.name.replace("Betti", "betti").islower(), rule.name
        assert rule.meaning and not rule.meaning.endswith("."), rule.name


@pytest.mark.parametrize("kind", SUITES)
def test_all_rules_are_asked_unless_some_are_chosen(kind):
    [check] = [value for name, value in vars(SUITES[kind]).items() if name.startswith("check_")]
    assert inspect.signature(check).parameters["rules"].default is SUITES[kind].RULES


def test_what_is_the_same_rule_has_one_name():
    """Each of these is asked by several suites."""
    names = Counter(chain.from_iterable({rule.name for rule in suite.RULES} for suite in SUITES.values()))
    assert {name for name, number in names.items() if number > 1} == {
        "any batch", "arguments untouched", "cpu = cuda", "is made", "mixed precision", "trains three steps",
    }  # fmt: skip


def test_a_report_holds_what_passed_what_failed_and_what_is_not_asked():
    def answer(subject):
        for number in (1, 2, 3):
            yield ask_unless("no." if number == 3 else None, f"{number}", _odd, subject + number)

    report = hold(10, "ten", [Rule("is odd", "the sum is odd", answer)])
    assert [(check.case, check.status, check.reason) for check in report.checks] == [
        ("1", "passed", ""), ("2", "failed", "12 is even."), ("3", "not claimed", "no."),
    ]  # fmt: skip
    assert ask("case", _odd, 1).passed
    assert not Outcome("case", "not claimed", "no.").passed


def _odd(number):
    return None if number % 2 else f"{number} is even."
