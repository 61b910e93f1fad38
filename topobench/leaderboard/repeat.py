"""How runs can be repeated: the exact command for those of each method, the files it wants, and where they ran."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import tomli_w

from topobench.cards import Protocol, Recipe, Suite, load_recipe, load_suite, shipped, shipped_protocol
from topobench.files import digest
from topobench.leaderboard.outcomes import method_key, name_of
from topobench.types import RunRecord

__all__ = ["Repeat", "repeats_of"]

SAID = ("schema_", "title", "description", "source", "measures", "open")  # what a protocol says of itself
CHOICES = [key for key in Protocol.model_fields if key not in SAID]
ENVIRONMENT = ("topobench", "commit", "torch", "python", "numpy", "device_name", "cores")


@dataclass(frozen=True)
class Repeat:
    """Runs of one method that one command repeats.

    `files` are those that the command names and topobench does not ship, by name; `where` is what they ran on, `runs`
    the beginnings of their ids.
    """

    method: str
    command: str
    files: dict[str, str]
    where: str
    runs: tuple[str, ...]


def repeats_of(records: Iterable[RunRecord], labels: Mapping[str, str]) -> list[Repeat]:
    """Return the commands that repeat trained runs, those of one method, data set, budget and environment together.

    `labels` says what each method is called, by its key (`method_key`); one that has not finished any run is not in it.
    """
    alike: dict[str, list[RunRecord]] = defaultdict(list)
    for record in records:
        if record.kind == "trained":
            ran = [record.environment.get(name) for name in ENVIRONMENT]
            same = [record.recipe, record.card["name"], record.budget, sorted(record.protocols), _device(record), ran]
            same += [record.plugins] if record.plugins else []
            alike[digest(same)].append(record)
    found = [repeat for group in alike.values() for repeat in _repeats(group, labels)]
    return sorted(found, key=lambda repeat: (repeat.method, repeat.command, repeat.runs))


def _repeats(group: list[RunRecord], labels: Mapping[str, str]) -> Iterator[Repeat]:
    """Yield a command for each set of seeds: for the folds that were run with just these."""
    seeds: dict[int, set[int]] = defaultdict(set)
    for record in group:
        seeds[record.fold or 0].add(record.seed or 0)
    for of_them in sorted({tuple(sorted(found)) for found in seeds.values()}):
        folds = sorted(fold for fold, found in seeds.items() if tuple(sorted(found)) == of_them)
        runs = tuple(sorted({record.run_id[:12] for record in group if record.fold in folds}))
        command, files = _command(group[0], folds, of_them)
        label = labels.get(method_key(group[0]), name_of(group[0]))
        yield Repeat(label, command, files, _where(group[0]), runs)


def _command(record: RunRecord, folds: Iterable[int], seeds: Iterable[int]) -> tuple[str, dict[str, str]]:
    """Return the command that repeats runs like a record, and the files that it wants.

    By protocols that its suite lacks the runs are scored by a second one, on a line of its own.
    """
    suite, recipe, files = _suite(record), str(record.recipe["name"]), _protocol_files(record)
    if suite is None:
        name = f"repeat-{digest([record.budget, sorted(record.protocols)])[:8]}.toml"
        files[name] = _suite_file(record, name)
    if not _is_shipped(record):
        recipe = f"{recipe}.toml"
        files[recipe] = _recipe_file(record)
    partial = ["--partial"] if "images" in record.card else []
    parts = [
        f"topobench run --suite {suite.name if suite else name} --recipe {recipe} --dataset {_dataset(record)}",
        f"--folds {','.join(map(str, folds))} --seeds {','.join(map(str, seeds))}",
        f"--device {record.device} --precision {record.precision}",
        *partial,
        *(["--deterministic"] if record.device == "cuda" and record.environment.get("deterministic") == "true" else []),
    ]
    others = sorted(set(record.protocols) - set(suite.protocols)) if suite else []
    card = [] if _dataset(record) == record.card["name"] else [f"--dataset {_dataset(record)}"]
    again = ["topobench rescore", *(f"--protocol {_protocol(name)}" for name in others), *card, *partial]
    return "\n".join([" ".join(parts), *([" ".join(again)] if others else [])]), files


def _dataset(record: RunRecord) -> str:
    """Return what the data set of a record is called by: its name, or the file of a card that is not shipped."""
    name, colon, variant = str(record.card["name"]).partition(":")
    return f"{name if name in _cards() else f'{name}.toml'}{colon}{variant}"


def _suite(record: RunRecord) -> Suite | None:
    """Return the shipped suite that gives the budget of a record and the most of its protocols."""
    able = [suite for suite in _suites() if suite.budget and suite.budget.identity() == record.budget]
    able = [suite for suite in able if suite.factors == (1.0,)]
    return max(able, key=lambda suite: len(set(record.protocols) & set(suite.protocols)), default=None)


@cache
def _suites() -> list[Suite]:
    return [load_suite(name) for name in shipped("suites")]


@cache
def _cards() -> list[str]:
    return shipped("datasets")


@cache
def _recipes() -> dict[str, Recipe]:
    return {name: load_recipe(name) for name in shipped("recipes")}


def _is_shipped(record: RunRecord) -> bool:
    """Whether the recipe of a record is one that topobench ships, as it is now."""
    shipped = _recipes().get(record.recipe["name"])
    return shipped is not None and shipped.identity() == record.recipe


def _suite_file(record: RunRecord, name: str) -> str:
    """Return a suite that gives the budget and the protocols of a record."""
    return tomli_w.dumps(
        {
            "schema": 1, "name": name.removesuffix(".toml"), "version": 1,
            "title": "The budget and protocols of a record",
            "recipes": ["unet-ce"], "datasets": ["synthetic-membranes"], "folds": [0], "seeds": [0],
            "protocols": [_protocol(name) for name in sorted(record.protocols)], "budget": _said(record.budget),
        }
    )  # fmt: skip


def _protocol(name: str) -> str:
    """Return what a suite calls a protocol by: its name, or the file of one that is not shipped."""
    return name if shipped_protocol(name) else f"{name}.toml"


def _protocol_files(record: RunRecord) -> dict[str, str]:
    """Return the protocols of a record that are not shipped as files, which make the same choices."""
    about = {"schema": 1, "title": f"As in record {record.run_id[:12]}", "source": "a record", "measures": "unknown"}
    return {
        file: tomli_w.dumps({**about, **{key: choices[key] for key in CHOICES if choices.get(key) is not None}})
        for name, choices in record.protocols.items()
        if (file := _protocol(name)) != name
    }


def _recipe_file(record: RunRecord) -> str:
    """Return the recipe of a record as a file, whose identity is the record's."""
    about = {"schema": 1, "title": f"{record.recipe['name']}, as in record {record.run_id[:12]}", "source": "a record"}
    return tomli_w.dumps({**about, **_said(record.recipe), "budget": _said(record.budget)})


def _said(value: Any) -> Any:
    """Return a value without what is null in it, of which TOML knows nothing, and topobench writes nothing."""
    if isinstance(value, dict):
        return {key: _said(each) for key, each in value.items() if each is not None}
    return [_said(each) for each in value] if isinstance(value, list) else value


def _device(record: RunRecord) -> list[Any]:
    return [record.device, record.precision, record.threads, record.training_version]


def _where(record: RunRecord) -> str:
    """Return what a record was made with, and on what."""
    found = record.environment
    commit = f" ({found['commit']})" if found.get("commit") else ""
    versions = ", ".join(f"{name} {found[name]}" for name in ("torch", "python", "numpy") if found.get(name))
    threads = f", {record.threads} threads a run" if record.device == "cpu" else ""
    used = [
        f"{name} of {about['origin']} (code {about['code'][:12]})" for name, about in sorted(record.plugins.items())
    ]
    plugins = f"; plugins: {', '.join(used)}" if used else ""
    return (
        f"topobench {found.get('topobench', 'of unknown version')}{commit}, {versions or 'torch not stated'}; "
        f"{found.get('device_name', record.device)}, {record.precision}{threads}; training version "
        f"{record.training_version}{plugins}"
    )
