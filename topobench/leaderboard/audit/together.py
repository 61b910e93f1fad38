"""The rules for records beside each other: what is one must be one, and methods are compared on the same runs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import Any

from topobench.files import digest
from topobench.leaderboard.audit.findings import Finding, Found, some
from topobench.leaderboard.entries import ENOUGH_SEEDS, fewest_seeds
from topobench.leaderboard.outcomes import method_key
from topobench.types import RunRecord

__all__ = ["TOGETHER"]


def one_file_a_run(found: Sequence[Found]) -> Iterator[Finding]:
    """A run has one record."""
    for [first, *others] in _grouped(found, lambda record: record.run_id):
        yield from (
            other.fault(f"it is of the run of {first.path} ({other.record.run_id[:12]}), too; keep one of them.")
            for other in others
        )


def one_text_a_version(found: Sequence[Found]) -> Iterator[Finding]:
    """Recipes of one name and version are one, and so are cards, but for how many of the images are there."""
    trained = [one for one in found if one.record.kind == "trained"]
    yield from _one(trained, "recipe", lambda record: record.recipe)
    yield from _one(found, "card", lambda record: {k: v for k, v in record.card.items() if k != "images"})


def _one(found: Iterable[Found], what: str, of: Callable[[RunRecord], dict[str, Any]]) -> Iterator[Finding]:
    for group in _grouped(found, lambda record: [of(record)["name"], of(record)["version"]]):
        for one, first in _deviating(group, lambda record: digest(of(record))):
            kept, other = of(one.record), of(first.record)
            differing = [key for key in {**kept, **other} if kept.get(key) != other.get(key)]
            yield one.fault(
                f"its {what} {kept['name']!r} of version {kept['version']} is another than in {first.path}: "
                f"{some(differing)}; raise the version, or give it another name."
            )


def one_card_one_data_hash(found: Sequence[Found]) -> Iterator[Finding]:
    """Records of one card were scored on the same data, and those of one fold of it on the same images.

    Folders of truth masks are told apart by their data alone.
    """
    cards = [one for one in found if one.record.card.get("adapter") != "folder"]
    for group in _grouped(cards, lambda record: record.card):
        for one, first in _deviating(group, lambda record: record.data_hash):
            yield one.fault(
                f"its data of {one.record.card['name']!r} have the hash {one.record.data_hash[:12]}, and those of "
                f"{first.path} {first.record.data_hash[:12]}; both must be scored on the same files."
            )
    finished = [one for one in found if one.record.finished]
    for group in _grouped(finished, lambda record: [record.card, record.data_hash, record.fold]):
        for one, first in _deviating(group, lambda record: digest(sorted(_images(record)))):
            differing = sorted(_images(one.record) ^ _images(first.record))
            yield one.fault(
                f"it is scored on other images of fold {one.record.fold} than {first.path}: {some(differing)}; all "
                "images of a fold are scored."
            )


def same_runs(found: Sequence[Found]) -> Iterator[Finding]:
    """All methods of a table have the same folds and seeds; runs that failed are named, with the reason.

    Of a seed that no run ended well nobody lacks anything.
    """
    for table in _grouped(_trained(found), _table_of):
        ended = [one.record for one in table if one.record.finished]
        folds, seeds = (sorted({getattr(record, name) for record in ended}) for name in ("fold", "seed"))
        for method in _grouped(table, method_key):
            there = {(one.record.fold, one.record.seed) for one in method}
            if lacking := [
                f"fold {fold} seed {seed}" for fold, seed in product(folds, seeds) if (fold, seed) not in there
            ]:
                yield method[0].fault(
                    f"{_label(method[0].record)} lacks {some(lacking)}, which other runs of its table have; run them."
                )
            yield from (
                one.notice(f"fold {one.record.fold} seed {one.record.seed} is shown as {one.record.status}")
                for one in method if not one.record.finished
            )  # fmt: skip


def enough_seeds(found: Sequence[Found]) -> Iterator[Finding]:
    """Fewer than three seeds in some fold say little of the spread between trainings."""
    for method in _grouped(_trained(found), lambda record: [_table_of(record), method_key(record)]):
        ended = [one.record for one in method if one.record.finished]
        if ended and (seeds := fewest_seeds(ended)) < ENOUGH_SEEDS:
            number = f"{seeds} seed{'s' * (seeds > 1)}"
            yield method[0].notice(f"{_label(method[0].record)} has {number}, not {ENOUGH_SEEDS}; it is provisional.")


def one_training(found: Sequence[Found]) -> Iterator[Finding]:
    """What was trained by an older version of the training than others stands beside them as a method of its own."""
    trained = _trained(found)
    newest = max((one.record.training_version for one in trained), default=0)
    for one in trained:
        if one.record.training_version < newest:
            yield one.notice(f"its training_version {one.record.training_version} is outdated; others have {newest}.")


def _trained(found: Iterable[Found]) -> list[Found]:
    return [one for one in found if one.record.kind == "trained"]


def _table_of(record: RunRecord) -> Any:
    """Return what runs share that are compared with each other (leaderboard/tables.py), whatever scores them."""
    return [record.card, record.data_hash, record.budget, record.device, record.precision]


def _label(record: RunRecord) -> str:
    return f"{record.recipe['name']!r} on {record.card['name']!r}, with the budget {record.budget} on {record.device},"


def _images(record: RunRecord) -> set[str]:
    return {row.image for row in record.rows}


def _grouped(found: Iterable[Found], key: Callable[[RunRecord], Any]) -> list[list[Found]]:
    """Return records in groups of one key, which is anything that JSON knows; in the order in which they come."""
    groups: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        groups[digest(key(one.record))].append(one)
    return list(groups.values())


def _deviating(group: Sequence[Found], key: Callable[[RunRecord], str]) -> Iterator[tuple[Found, Found]]:
    """Yield each record whose key is not that of most, with the first that has it; of as many, the first's counts."""
    keys = [key(one.record) for one in group]
    [(usual, _)] = Counter(keys).most_common(1)
    first = group[keys.index(usual)]
    yield from ((one, first) for one, found in zip(group, keys, strict=True) if found != usual)


TOGETHER: tuple[Callable[[Sequence[Found]], Iterator[Finding]], ...] = (
    one_file_a_run, one_text_a_version, one_card_one_data_hash, same_runs, enough_seeds, one_training,
)  # fmt: skip
