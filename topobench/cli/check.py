"""`topobench check`: hold a plugin, or a part of topobench, to what its kind must do."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from functools import partial as bound
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from topobench.cli.options import data_dir, options_of, partial, plugin

if TYPE_CHECKING:
    from topobench.cards import Card
    from topobench.conformance import Rule
    from topobench.types import Report

__all__ = ["check"]

names = click.argument("names", nargs=-1, required=True, metavar="NAME...")
everything = click.option(
    "--all", "everything", is_flag=True, help="Show every failure, not the first few of each rule."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print every check as JSON.")


@dataclass(frozen=True)
class _Subject:
    """Something that is to be checked: what it is called, from where it comes, and what checks it."""

    name: str
    origin: str
    held: Callable[[], Report]
    shortcomings: str = ""  # known ones


@click.group()
def check() -> None:
    """Hold a model, loss, metric, adapter or recipe, ours or a plugin's, to the rules that every one must keep.

    A line for each rule says how many cases passed, failed, and are not claimed, as they ask what this one does not
    promise, or what cannot be asked here; then why, and what to mend. Exit code 1 if anything failed.
    """


@check.command("model")
@names
@options_of("model")
@everything
@as_json
@plugin
def check_model(names: tuple[str, ...], options: dict[str, Any], everything: bool, as_json: bool) -> None:
    """Check models: any size, repeatable, saved and loaded, trained for three steps.

    Images of any height and width, of one to three channels; batches that equal their images one by one; evaluation
    without chance, training that follows from torch's seed; weights that are saved and loaded; gradient for every
    parameter; reach; mixed precision; the same on CPU and CUDA.
    """
    from topobench.models import build_model
    from topobench.models.conformance import RULES
    from topobench.models.conformance import check_model as checked
    from topobench.registry import check, load, origin_of

    with _to_stderr():
        for name in names:
            load("models", name)
            if options:
                check("models", name, options, given=("in_channels",))
    subjects = [
        _Subject(
            name,
            origin_of("models", name),
            bound(checked, bound(build_model, name, options=options), name),
        )
        for name in names
    ]
    _hold("model", subjects, RULES, everything, as_json)


@check.command("loss")
@names
@options_of("loss")
@everything
@as_json
@plugin
def check_loss(names: tuple[str, ...], options: dict[str, Any], everything: bool, as_json: bool) -> None:
    """Check losses on toys with a known answer.

    Each toy is wrong in one known way (a gap, a false bridge, an island ...), in both polarities, square and oblong. A
    loss must be finite, 0 where the prediction is right, positive where it is wrong, push the wrong pixel the right
    way, and, if it claims so, set the topology right within 200 steps.
    """
    from topobench.losses import build_loss
    from topobench.losses.conformance import RULES
    from topobench.losses.conformance import check_loss as checked
    from topobench.registry import origin_of

    with _to_stderr():
        losses = {name: build_loss(name, options) for name in names}
    subjects = [
        _Subject(
            name,
            origin_of("losses", name),
            bound(checked, loss, name),
            getattr(loss, "shortcomings", ""),
        )
        for name, loss in losses.items()
    ]
    _hold("loss", subjects, RULES, everything, as_json)


@check.command("metric")
@names
@everything
@as_json
@plugin
def check_metric(names: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Check metrics by the names of their figures.

    A figure says what it is and keeps within its range; the truth itself has the best value, and some mistake a worse
    one; what is undefined has a reason; new numbers of labels change nothing, nor does what was scored before; images
    of any shape are taken, and masks are not written to.
    """
    from topobench.metrics.conformance import RULES
    from topobench.metrics.conformance import check_metric as checked
    from topobench.registry import load, origin_of

    with _to_stderr():
        metrics = {name: load("metrics", name) for name in names}
    subjects = [
        _Subject(name, origin_of("metrics", name), bound(checked, metric, name)) for name, metric in metrics.items()
    ]
    _hold("metric", subjects, RULES, everything, as_json)


@check.command("adapter")
@names
@everything
@as_json
@plugin
@data_dir
@partial
def check_adapter(
    names: tuple[str, ...], everything: bool, as_json: bool, data_dir: Path | None, partial: bool
) -> None:
    """Check adapters on the data of cards: NAME is a data set, a card (*.toml), or an adapter of cards that have data.

    Card and data must agree; samples have the types, shapes and ranges that they must, and are the same whenever they
    are read; folds are disjoint; and all of it can be handed to other processes. Of large data sets five images are
    read.
    """
    from topobench.cards import load_card
    from topobench.data.conformance import RULES
    from topobench.data.conformance import check_adapter as checked
    from topobench.registry import origin_of

    with _to_stderr():
        cards = {asked: load_card(asked) for name in names for asked in _cards(name, data_dir)}
    subjects = [
        _Subject(
            asked,
            f"{card.adapter} of {origin_of('adapters', card.adapter)}",
            bound(checked, card, data_dir, asked, partial=partial),
        )
        for asked, card in cards.items()
    ]
    _hold("adapter", subjects, RULES, everything, as_json)


@check.command("recipe")
@names
@everything
@as_json
@plugin
def check_recipe(names: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Check recipes: NAME is one, or a file (*.toml) of your own.

    It is read back as it is written, its model and losses are made with their options, three steps of it train, and
    resume to the bit, its prediction is a likelihood, and what it says was published is of figures that there are.
    """
    from topobench.cards import load_recipe, origin_of
    from topobench.run.conformance import RULES
    from topobench.run.conformance import check_recipe as checked

    subjects = [
        _Subject(
            name,
            name if name.endswith(".toml") else origin_of("recipes", name),
            bound(checked, load_recipe(name)),
        )
        for name in names
    ]
    _hold("recipe", subjects, RULES, everything, as_json)


def _cards(name: str, data_dir: Path | None) -> list[str]:
    """Return the names of the cards that are meant: of an adapter all whose data are there."""
    from topobench.cards import names
    from topobench.data.dataset import folder_of, open_adapter, state_of
    from topobench.errors import DataError
    from topobench.registry import names as registered

    if ".toml" in name or name in names("datasets") or name not in registered("adapters"):
        return [name]
    cards = [card for card in _readable(names("datasets")) if card.adapter == name and ":" not in card.name]
    there = [card.name for card in cards if state_of(open_adapter(card, folder_of(card, data_dir))) == "ready"]
    if not there:
        some = f"no data are there of {', '.join(card.name for card in cards)}" if cards else "no card names it"
        raise DataError(f"nothing is there for the adapter {name!r} to read: {some}; name a card of yours (NAME.toml).")
    return there


def _readable(names: Iterable[str]) -> Iterator[Card]:
    """Yield the cards of data sets but for those of plugins that cannot be read, which is no matter here."""
    from topobench.cards import load_card
    from topobench.errors import TopobenchError

    for name in names:
        with suppress(TopobenchError):
            yield load_card(name)


def _hold(kind: str, subjects: Sequence[_Subject], rules: Sequence[Rule[Any]], everything: bool, as_json: bool) -> None:
    """Check subjects one after the other and print what was found; Exit with 1 if anything failed."""
    from topobench.cli.reports import as_json as told
    from topobench.cli.reports import print_report

    found = []
    for subject in subjects:
        if sys.stderr.isatty():
            click.echo(f"checking {kind} {subject.name} ...", err=True)
        with _to_stderr():
            report = subject.held()
        found.append((subject, report))
        if not as_json:
            print_report(kind, subject.origin, report, rules, everything, subject.shortcomings)
    if as_json:
        click.echo(json.dumps([told(kind, subject.origin, report) for subject, report in found]))
    if any(report.failed for _, report in found):
        raise click.exceptions.Exit(1)


@contextmanager
def _to_stderr() -> Iterator[None]:
    """Let go to standard error what a plugin prints, be it in compiled code: it is no part of the answer."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
