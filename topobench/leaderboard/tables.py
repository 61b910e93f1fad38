"""Tables: records of one data set, protocol and budget, each method a row, ranked by the figure the protocol names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from topobench.files import canonical_json, digest
from topobench.leaderboard.entries import Entry, Frame, Pair, distinct, entry_of, grouped, pairs_of, ranked
from topobench.leaderboard.outcomes import Outcome, label_of, method_key, method_keys, name_of, outcomes_of
from topobench.metrics import Figure, figure_of
from topobench.registry import PARTITION
from topobench.types import RunRecord

__all__ = ["Duel", "Table", "make_tables", "trained"]

# What a record says of a protocol was less before version 2 of hu2019; it meant this.
OLD: dict[str, Any] = {"sampling": "random", "ranked_by": "betti_error"}
SHOWN = ("figures", "columns", "ranked_by")  # what a table shows, not how a figure is measured
OF_THE_PHASE = {f"{name}{form}" for name in PARTITION for form in ("", "_filled", "_all")} | {"arand_error_cremi"}
Cards = dict[tuple[str, int], set[tuple[str, str]]]  # by name and version: the hashes of cards, each with its data's
OLD_COLUMNS = ("betti_error", "arand_f_filled", "voi_filled", "accuracy", "arand_f", "voi")


@dataclass(frozen=True)
class Duel:
    """Two methods from the side of the first: on which share of the images it is the better one, whether its mean is,
    the corrected p value, and whether they can be told apart.
    """

    share: float
    ahead: bool
    p: float
    differ: bool


@dataclass(frozen=True)
class Table:
    """All that was scored in one way on one data set: entries best first, and how each two of them compare.

    `images` are those that its methods are compared on, sorted, `units` the number of their resampling units.
    `failures` are runs that failed, with the reason, `missing` methods with those of their runs of which there is no
    record though other methods have theirs. `runs` are all of its records, without rows, and
    `methods` has for each that is finished, by its id, the key of the entry that it is of, and `scored` its images.
    """

    dataset: str
    version: str
    protocol: dict[str, Any]
    budget: dict[str, Any]
    device: str
    precision: str
    columns: tuple[str, ...]
    entries: tuple[Entry, ...]
    pairs: tuple[Pair, ...]
    images: tuple[str, ...]
    units: int
    failures: tuple[tuple[str, str], ...]
    missing: tuple[tuple[str, str], ...]
    runs: tuple[RunRecord, ...] = field(repr=False)
    methods: dict[str, str] = field(repr=False)
    scored: dict[str, tuple[str, ...]] = field(repr=False)

    @property
    def title(self) -> str:
        """Data set and protocol, in words."""
        protocol = self.protocol
        return f"{self.dataset} ({self.version}), protocol {protocol['name']} v{protocol['version']}"

    @property
    def conditions(self) -> str:
        """What the figures of this table were measured with, in a sentence."""
        return _measured(self.protocol) + (f" {trained(self.budget, self.device)}" if self.budget else "")

    @property
    def is_variant(self) -> bool:
        """Whether its protocol is another with a choice or two changed, such as ``hu2019:129``."""
        return ":" in str(self.protocol["name"])

    @property
    def ranked_by(self) -> str:
        """The figure that orders the entries."""
        return str(self.protocol["ranked_by"])

    def figure(self, name: str) -> Figure:
        """Return what a figure of the table is."""
        return figure_of(name, self.protocol)

    def pair(self, first: str, second: str) -> Duel:
        """Return how two ranked methods compare, by their labels, from the side of the first."""
        pair = self._by_labels[frozenset((first, second))]
        ahead = pair.found.better + (1 - pair.found.better - pair.found.worse) / 2
        high = self.figure(self.ranked_by).better == "high"
        better = (pair.found.difference > 0) == high
        if pair.first != first:
            ahead, better = 1 - ahead, not better
        return Duel(ahead, better, pair.p, pair.differ)

    @cached_property
    def _by_labels(self) -> dict[frozenset[str], Pair]:
        return {frozenset((pair.first, pair.second)): pair for pair in self.pairs}

    def best(self, name: str) -> float | None:
        """Return the best mean of a figure among the ranked entries for which it is undefined least often."""
        best = {"low": min, "high": max}.get(self.figure(name).better)
        known = [entry for entry in self.entries if entry.rank and name in entry.means]
        fewest = min((entry.undefined.get(name, 0) for entry in known), default=0)
        values = [entry.means[name] for entry in known if entry.undefined.get(name, 0) == fewest]
        return best(values, default=None) if best else None


def trained(budget: dict[str, Any], device: str) -> str:
    """Return what was spent on each training, and which of its states is scored, in a sentence."""
    how_long = f"{budget['steps']} steps" if "steps" in budget else f"{budget['seconds']:g} s of steps"
    text = f"Trained for {how_long} of {budget['batch']} crops of {budget['crop']}x{budget['crop']} on {device}"
    if not (rule := budget.get("validation")):
        return f"{text}."
    held_out = f"{rule['share']:.0%} of the training images, held out by whole units"
    return f"{text}; scored is the best of {rule['times']} states, by {rule['protocol']} on {held_out}."


def _measured(protocol: dict[str, Any]) -> str:
    """Return the choices of a protocol in a sentence."""
    size = f"{protocol['patch_size']}x{protocol['patch_size']}"
    where = {
        "random": f"{protocol['patches']} seeded random patches of {size} an image",
        "grid": f"A grid of {size} tiles",
        "whole": "Whole images",
    }[protocol["sampling"]]
    if protocol["sampling"] != "whole" and any(name.endswith("_whole") for name in protocol["figures"]):
        where += " (*_whole: the whole image)"
    phases = [f"components of the {protocol['phase']}"] if set(protocol["figures"]) & OF_THE_PHASE else []
    parts = [
        where,
        "framed" if protocol["frame"] else "not framed",
        " + ".join(f"b{dimension}" for dimension in protocol["dimensions"]),
        f"structure {protocol['connectivity']}-connected",
        *phases,
        f"threshold {protocol['threshold']} unless a row says otherwise",
        *(f"{name} of {said['origin']}" for name, said in sorted(protocol.get("plugin_figures", {}).items())),
    ]
    return f"{', '.join(parts)}."


def make_tables(records: Iterable[RunRecord]) -> list[Table]:
    """Return a table for each data set (its card, the data), protocol (all its choices), budget and device.

    What needs no training (null rows, scored predictions) stands in every table of its data set and protocol.
    """
    everywhere: dict[str, list[Outcome]] = defaultdict(list)
    trained: dict[str, dict[str, list[Outcome]]] = defaultdict(lambda: defaultdict(list))
    cards: Cards = defaultdict(set)
    for record in records:
        cards[record.card["name"], record.card["version"]].add((digest(record.card), record.data_hash))
        for outcome in outcomes_of(record):
            measured = {key: value for key, value in outcome.choices.items() if key not in SHOWN}
            scored_alike = digest([record.card, record.data_hash, measured])
            if record.kind == "trained":
                trained[scored_alike][digest([record.budget, record.device, record.precision])].append(outcome)
            else:
                everywhere[scored_alike].append(outcome)
    tables = [
        _table([*everywhere[alike], *group], cards)
        for alike in sorted({**trained, **everywhere})
        for _, group in (sorted(trained[alike].items()) if alike in trained else [("", [])])
    ]
    return sorted(tables, key=_place_of)


def _place_of(table: Table) -> tuple[str, ...]:
    """Return what tables are sorted by: what they are about, whatever the order of the records was."""
    name, version = table.protocol["name"], table.protocol["version"]
    budget = canonical_json(table.budget).decode()
    return table.dataset, table.version, str(name), str(version), budget, table.device, table.precision


def _table(found: Sequence[Outcome], cards: Cards) -> Table:
    """Return the table of outcomes that were scored alike, in whatever order they come.

    Where `cards` has several of one name and version, the table says which it is about.

    Its images are those that trained methods were scored on, if there are any: what needs no training may have
    been scored on more, and that neither counts nor takes a rank away.
    """
    found = sorted(found, key=_place_in_table)
    finished = [one for one in found if one.record.finished]
    leading = _trained_or_all(found)
    choices = OLD | max((one.choices for one in leading), key=_shown)
    record, by = leading[-1].record, figure_of(choices["ranked_by"], choices)
    frame = Frame.of(_trained_or_all(finished))
    methods: dict[str, list[Outcome]] = defaultdict(list)
    keys = method_keys(finished)
    for one in finished:
        if set(one.images) & set(frame.images):
            methods[keys[one.record.run_id]].append(one)
    entries = ranked(distinct([entry_of(key, of_it, frame, choices) for key, of_it in methods.items()]), by)
    labels = {entry.key: entry.label for entry in entries}
    pairs = pairs_of(entries, by)
    shown = choices.get("columns") or [name for name in OLD_COLUMNS if name in choices["figures"]]
    return Table(
        dataset=record.card["name"],
        version=_version_of(record, cards),
        protocol=choices,
        budget=record.budget,
        device=record.device,
        precision=record.precision,
        columns=tuple(shown),
        entries=tuple(grouped(entries, pairs)),
        pairs=pairs,
        images=frame.images,
        units=len(set(frame.units.tolist())),
        failures=tuple(_failures(found)),
        missing=tuple(_missing(found, labels)),
        runs=tuple(one.record for one in found),
        methods={run: key for run, key in keys.items() if key in methods},
        scored={one.record.run_id: one.images for one in finished},
    )


def _place_in_table(outcome: Outcome) -> tuple[bool, int, int, str]:
    """Return what the runs of a table are sorted by: what was trained last, then folds and seeds."""
    fold, seed = (-1 if value is None else value for value in (outcome.record.fold, outcome.record.seed))
    return outcome.record.kind == "trained", fold, seed, outcome.record.run_id


def _trained_or_all(found: Sequence[Outcome]) -> Sequence[Outcome]:
    """Return the outcomes of what was trained; all, where nothing was."""
    return [one for one in found if one.record.kind == "trained"] or found


def _shown(choices: dict[str, Any]) -> tuple[int, str]:
    """Return what decides whose choices of what is shown count: the most figures, for these grow with time."""
    return len(choices["figures"]), digest(choices)


def _failures(found: Sequence[Outcome]) -> list[tuple[str, str]]:
    """Return the runs that failed and were not mended since, and why."""
    records = [one.record for one in found]
    done = {label_of(record) for record in records if record.finished}
    failed = {(label_of(record), record.status.removeprefix("failed: ")) for record in records if not record.finished}
    return sorted((label, reason) for label, reason in failed if label not in done)


def _missing(found: Sequence[Outcome], labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return for each trained method the runs that others have and it has not, neither finished nor failed.

    `labels` says what each method with an entry is called, by its key; others are called by their name.
    """
    there: dict[str, set[tuple[int, int]]] = defaultdict(set)
    wanted = set()
    for record in (one.record for one in found if one.record.kind == "trained"):
        run = (record.fold or 0, record.seed or 0)
        there[labels.get(method_key(record), name_of(record))].add(run)
        if record.finished:
            wanted.add(run)
    lacking = {name: wanted - runs for name, runs in there.items() if wanted - runs}
    return [(name, _runs_in_words(runs)) for name, runs in sorted(lacking.items())]


def _runs_in_words(runs: Iterable[tuple[int, int]]) -> str:
    """Return runs (fold, seed) as ``fold 0: seeds 1, 2; fold 1: seed 0``."""
    seeds: dict[int, list[int]] = defaultdict(list)
    for fold, seed in sorted(runs):
        seeds[fold].append(seed)
    return "; ".join(
        f"fold {fold}: seed{'s' * (len(of_it) > 1)} {', '.join(map(str, of_it))}" for fold, of_it in seeds.items()
    )


def _version_of(record: RunRecord, cards: Cards) -> str:
    """Return which version of a data set a record is about; a folder of masks is told apart by what is in it.

    Cards that were edited without raising the version are told apart by what they say, and data that changed without
    the card by their hash.
    """
    if record.card.get("adapter") == "folder":
        return f"a folder of truth masks, {record.data_hash[:6]}"
    part = f", {record.card['images']} images" if "images" in record.card else ""
    name, version, own = record.card["name"], record.card["version"], digest(record.card)
    alike = {card for card, _ in cards[name, version]}
    data = {data for card, data in cards[name, version] if card == own}
    edited = f", {own[:6]} of {len(alike)}" if len(alike) > 1 else ""
    changed = f", data {record.data_hash[:6]} of {len(data)}" if len(data) > 1 else ""
    return f"card version {version}{edited}{changed}{part}"
