"""Tables: records of one data set, protocol and budget, each method a row, ranked by the figure the protocol names."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from topobench.files import digest
from topobench.metrics import FIGURES
from topobench.registry import PARTITION
from topobench.types import RunRecord

__all__ = ["Entry", "Table", "make_tables"]

# What a record says of a protocol was less before version 2 of hu2019; it meant this.
OLD: dict[str, Any] = {"sampling": "random", "ranked_by": "betti_error"}
SHOWN = ("figures", "columns", "ranked_by")  # what a table shows, not how a figure is measured
ABOUT = ("method", "name", "kind", "run", "seed", "train_seconds", "peak_memory_mib", "held_out", "image")  # of a line
OF_THE_PHASE = {f"{name}{form}" for name in PARTITION for form in ("", "_filled", "_all")} | {"arand_error_cremi"}
OLD_COLUMNS = ("betti_error", "arand_f_filled", "voi_filled", "accuracy", "arand_f", "voi")


@dataclass(frozen=True)
class Entry:
    """A method in a table: means over its images (first over seeds), and what stands behind them.

    `version` is the beginning of the hash of its recipe; it stands behind the name where two share one.
    `undefined` counts, for each figure, the images for which it is not defined and which its mean leaves out.
    `complete` says that it was scored on every image of the table: only then it has a rank, and only if the figure that
    ranks is undefined for no more images than with others, whose mean would else be of harder ones.
    `held_out` is the mean over runs of what the scored state gave on the images held out of the training, if it was
    chosen by them.
    """

    method: str
    version: str
    kind: str
    rank: int | None
    means: dict[str, float]
    undefined: dict[str, int]
    runs: int
    seeds: int
    images: int
    complete: bool
    train_seconds: float | None
    peak_memory_mib: float | None
    held_out: float | None = None


@dataclass(frozen=True)
class Table:
    """All that was scored in one way on one data set: entries best first, and the runs that failed."""

    dataset: str
    version: str
    protocol: dict[str, Any]
    budget: dict[str, Any]
    device: str
    columns: tuple[str, ...]
    entries: tuple[Entry, ...]
    failures: tuple[tuple[str, str], ...]

    @property
    def title(self) -> str:
        """Data set and protocol, in words."""
        protocol = self.protocol
        return f"{self.dataset} ({self.version}), protocol {protocol['name']} v{protocol['version']}"

    @property
    def conditions(self) -> str:
        """What the figures of this table were measured with, in a sentence."""
        return _measured(self.protocol) + (f" {_trained(self.budget, self.device)}" if self.budget else "")

    @property
    def ranked_by(self) -> str:
        """The figure that orders the entries."""
        return str(self.protocol["ranked_by"])

    def best(self, name: str) -> float | None:
        """Return the best mean of a figure among the ranked entries for which it is undefined least often."""
        best = {"low": min, "high": max}.get(FIGURES[name].better)
        known = [entry for entry in self.entries if entry.rank and name in entry.means]
        fewest = min((entry.undefined.get(name, 0) for entry in known), default=0)
        values = [entry.means[name] for entry in known if entry.undefined.get(name, 0) == fewest]
        return best(values, default=None) if best else None


def _trained(budget: dict[str, Any], device: str) -> str:
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
    ]
    return f"{', '.join(parts)}."


def make_tables(records: Iterable[RunRecord]) -> list[Table]:
    """Return a table for each data set (its card, the data), protocol (all its choices), budget and device.

    What needs no training (null rows, scored predictions) stands in every table of its data set and protocol.
    """
    everywhere: dict[str, list[tuple[RunRecord, str]]] = defaultdict(list)
    trained: dict[str, dict[str, list[tuple[RunRecord, str]]]] = defaultdict(lambda: defaultdict(list))
    cards: dict[tuple[str, int], set[str]] = defaultdict(set)
    for record in records:
        cards[record.card["name"], record.card["version"]].add(digest(record.card))
        for name, protocol in record.protocols.items():
            measured = {key: value for key, value in protocol.items() if key not in SHOWN}
            scored_alike = digest([record.card, record.data_hash, measured])
            if record.kind == "trained":
                trained[scored_alike][digest([record.budget, record.device, record.precision])].append((record, name))
            else:
                everywhere[scored_alike].append((record, name))
    tables = [
        _table([*everywhere[alike], *group], cards)
        for alike in {**trained, **everywhere}
        for group in (trained[alike].values() if alike in trained else [[]])
    ]
    return sorted(tables, key=lambda table: (table.dataset, table.protocol["name"], str(table.budget)))


def _table(found: Sequence[tuple[RunRecord, str]], cards: Mapping[tuple[str, int], set[str]]) -> Table:
    """Return the table of records that were scored alike; the last is a trained one if any is.

    Where `cards` has several of one name and version, the table says which it is about.

    Its images are those that trained methods were scored on, if there are any: what needs no training may have
    been scored on more, and that neither counts nor takes a rank away.
    """
    record, protocol = found[-1]
    rows = _tidy(found)
    trained = rows[rows["kind"] == "trained"] if len(rows) else rows
    if len(trained):
        rows = rows[rows["image"].isin(trained["image"])]
    images = rows["image"].nunique() if len(rows) else 0
    methods = [_entry(part, images) for _, part in rows.groupby("method")] if images else []
    done = {_label(record) for record, _ in found if record.finished}  # so what failed before was mended
    failed = [
        (_label(record), record.status.removeprefix("failed: "))
        for record, _ in found
        if not record.finished and _label(record) not in done
    ]
    choices = {**OLD, **record.protocols[protocol]}
    shown = choices.get("columns") or [name for name in OLD_COLUMNS if name in choices["figures"]]
    return Table(
        record.card["name"], _version_of(record, cards), choices, record.budget, record.device, tuple(shown),
        tuple(_ranked(_distinct(methods), choices["ranked_by"])), tuple(sorted(failed)),
    )  # fmt: skip


def _version_of(record: RunRecord, cards: Mapping[tuple[str, int], set[str]]) -> str:
    """Return which version of a data set a record is about; a folder of masks is told apart by what is in it.

    A card that was edited without raising its version is told apart by what it says.
    """
    if record.card.get("adapter") == "folder":
        return f"a folder of truth masks, {record.data_hash[:6]}"
    part = f", {record.card['images']} images" if "images" in record.card else ""
    name, version = record.card["name"], record.card["version"]
    edited = f", {digest(record.card)[:6]} of {len(cards[name, version])}" if len(cards[name, version]) > 1 else ""
    return f"card version {version}{edited}{part}"


def _tidy(found: Iterable[tuple[RunRecord, str]]) -> pd.DataFrame:
    """Return one line for each image of each finished record: method, run, seed, cost, and its figures."""
    lines, methods = [], _methods([(record, protocol) for record, protocol in found if record.finished])
    for record, protocol in found:
        about = {
            "method": methods.get(record.run_id, ""),
            "name": _name(record), "kind": record.kind, "run": record.run_id,
            "seed": -1 if record.seed is None else record.seed,
            "train_seconds": record.cost.get("train_seconds"), "peak_memory_mib": record.cost.get("peak_memory_mib"),
            "held_out": _held_out(record),
        }  # fmt: skip
        lines += [
            {**about, "image": row.image, **row.figures}
            for row in record.rows
            if record.finished and row.protocol == protocol
        ]
    return pd.DataFrame(lines)


def _methods(found: Iterable[tuple[RunRecord, str]]) -> dict[str, str]:
    """Return for each run the key of its method, among those scored by a protocol.

    Records are of one method if their whole recipe is the same, and the version of the training. Predictions differ
    from fold to fold: those of one name are of one method as long as no image is scored twice.
    """
    alike: dict[str, list[tuple[RunRecord, str]]] = defaultdict(list)
    for record, protocol in found:
        recipe = {key: value for key, value in record.recipe.items() if key != "predictions"}
        alike[digest([record.kind, recipe, record.training_version])].append((record, protocol))
    keys = {}
    for key, group in alike.items():
        images = [row.image for record, protocol in group for row in record.rows if row.protocol == protocol]
        twice = group[0][0].kind == "scored" and len(set(images)) < len(images)
        for record, _ in group:
            keys[record.run_id] = digest([key, record.recipe["predictions"]]) if twice else key
    return keys


def _entry(rows: pd.DataFrame, images: int) -> Entry:
    figures = [name for name in rows.columns if name not in ABOUT and rows[name].notna().any()]
    by_image = rows.groupby("image")[figures].mean()
    runs = rows.drop_duplicates("run")
    first = rows.iloc[0]
    trained = first["kind"] == "trained"
    return Entry(
        method=str(first["name"]),
        version=str(first["method"])[:6],
        kind=str(first["kind"]),
        rank=None,
        means={name: float(by_image[name].mean()) for name in figures},
        undefined={name: int(by_image[name].isna().sum()) for name in figures if by_image[name].isna().any()},
        runs=len(runs),
        seeds=int(rows["seed"].nunique()),
        images=len(by_image),
        complete=len(by_image) == images,
        train_seconds=float(runs["train_seconds"].mean()) if trained else None,
        peak_memory_mib=float(runs["peak_memory_mib"].max()) if trained else None,
        held_out=float(runs["held_out"].mean()) if trained and runs["held_out"].notna().any() else None,
    )


def _held_out(record: RunRecord) -> float | None:
    """Return what the scored state gave on the images held out, where it was chosen by them and is defined for any."""
    training = record.training
    found = {step: (value, undefined) for step, value, undefined in training.get("validated", ())}
    value, undefined = found.get(training.get("scored_step"), (None, 0))
    return None if undefined and undefined >= len(training.get("held_out", ())) else value


def _distinct(entries: Sequence[Entry]) -> list[Entry]:
    """Return entries with the version behind the name wherever two methods of one kind share a name."""
    names = Counter((entry.kind, entry.method) for entry in entries)
    return [
        replace(entry, method=f"{entry.method} [{entry.version}]") if names[entry.kind, entry.method] > 1 else entry
        for entry in entries
    ]


def _ranked(entries: Sequence[Entry], ranked_by: str) -> list[Entry]:
    """Return entries best first; those that cannot be ranked (see `Entry`) come last, without a rank."""
    sign = -1 if FIGURES[ranked_by].better == "high" else 1
    known = [entry for entry in entries if entry.complete and ranked_by in entry.means]
    fewest = min((entry.undefined.get(ranked_by, 0) for entry in known), default=0)
    ranked = [entry for entry in known if entry.undefined.get(ranked_by, 0) == fewest]
    best_first = sorted(ranked, key=lambda entry: (sign * entry.means[ranked_by], entry.method))
    others = sorted((entry for entry in entries if entry not in ranked), key=lambda entry: entry.method)
    return [replace(entry, rank=place) for place, entry in enumerate(best_first, start=1)] + others


def _label(record: RunRecord) -> str:
    seed = "" if record.seed is None else f", seed {record.seed}"
    return f"{_name(record)}, fold {record.fold}{seed}"


def _name(record: RunRecord) -> str:
    """Return what a method is called: a recipe whose model or loss does without the weights there are says so."""
    scratch = record.recipe.get("model", {}).get("pretrained") is False
    features = any(term.get("pretrained") is False for term in record.recipe.get("loss", ()))
    return f"{record.recipe['name']}{' (from scratch)' * scratch}{' (random features)' * features}"
