"""Rows and records: samples are scored into rows; a run is kept as one hashed JSON file, refused when edited."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from topobench.errors import RecordError
from topobench.files import canonical_json, digest, write_atomic
from topobench.metrics import Protocol, load_protocol
from topobench.metrics.rows import SCORING_SEED, row_of
from topobench.metrics.scoring import settings_of
from topobench.types import Row, RunRecord, Sample

__all__ = [
    "IDENTITY", "Predictor", "Preparation", "each_record", "make_record", "merged", "no_records", "protocol_settings",
    "read_record", "read_records", "record_csv", "record_files", "record_path", "run_id_of", "run_name",
    "score_samples", "stored", "write_record",
]  # fmt: skip

Predictor = Callable[[Sample], NDArray[Any]]
Preparation = Callable[[NDArray[Any], Protocol, int], NDArray[Any]]

SCHEMA = 1
CHOICES = (
    "threshold", "remove_small", "connectivity", "phase", "frame", "dimensions", "sampling", "patch_size", "patches",
    "seed", "log_base", "ignored_labels",
)  # fmt: skip

# The fields that make a run what it is. Versions of topobench and of protocols are not among them: a release or
# a new metric trains nothing again.
IDENTITY = (
    "kind", "recipe", "card", "data_hash", "fold", "seed", "budget", "device", "precision", "threads",
    "training_version",
)  # fmt: skip
ORIGIN = ("origin", "object", "code")  # what is kept of each plugin

_ADAPTER = TypeAdapter(RunRecord)


def protocol_settings(protocols: Iterable[str | Protocol], phase: str, connectivity: int) -> dict[str, dict[str, Any]]:
    """Return for each protocol, by name, every choice that its figures depend on, completed by the card's."""
    chosen = [_protocol(protocol) for protocol in protocols]
    return {protocol.name: settings_of(protocol, phase, connectivity, SCORING_SEED) for protocol in chosen}


def score_samples(
    samples: Iterable[Sample],
    predict: Predictor,
    protocols: Iterable[str | Protocol],
    phase: str,
    connectivity: int,
    prepare: Preparation | None = None,
) -> Iterator[list[Row]]:
    """Yield for each sample its rows, one a protocol, of the likelihood (H, W) that `predict` gives.

    `prepare`, if given, makes of the likelihood what is scored: it takes it with the protocol and its connectivity.
    """
    chosen = [_protocol(protocol) for protocol in protocols]
    for sample in samples:
        likelihood, rows = predict(sample), []
        for protocol in chosen:
            scored = prepare(likelihood, protocol, protocol.connectivity or connectivity) if prepare else likelihood
            rows.append(
                row_of(scored, sample.truth, protocol, phase, connectivity, sample.valid, sample.image_id, sample.unit)
            )
        yield rows


def _protocol(protocol: str | Protocol) -> Protocol:
    return load_protocol(protocol) if isinstance(protocol, str) else protocol


def run_id_of(identity: dict[str, Any]) -> str:
    """Return the run's id: sha256 of the canonical JSON of its identity."""
    return digest({name: identity[name] for name in IDENTITY})


def make_record(
    identity: dict[str, Any],
    status: str,
    protocols: dict[str, dict[str, Any]],
    rows: Iterable[Row],
    cost: dict[str, float],
    environment: dict[str, str],
    training: dict[str, Any] | None = None,
    predictions: dict[str, str] | None = None,
    plugins: dict[str, dict[str, str]] | None = None,
) -> RunRecord:
    """Return the record of a run; `status` is ``finished`` or ``failed: <reason>``."""
    return RunRecord(
        **identity, run_id=run_id_of(identity), status=status, protocols=protocols, rows=tuple(rows), cost=cost,
        environment=environment, training=training or {}, predictions=predictions or {}, plugins=plugins or {},
        schema=SCHEMA,
    )  # fmt: skip


def run_name(identity: dict[str, Any]) -> str:
    """Return what the files of a run are named by: readable parts first, then the beginning of its id."""
    parts = [identity["recipe"]["name"], identity["card"]["name"]]
    parts += [f"{word}{identity[word]}" for word in ("fold", "seed") if identity[word] is not None]
    readable = re.sub(r"[^\w.+-]+", "-", "_".join(parts))
    return f"{readable}_{run_id_of(identity)[:12]}"


def record_path(folder: Path, identity: dict[str, Any]) -> Path:
    """Return where the record of a run lies."""
    return folder / f"{run_name(identity)}.json"


def write_record(record: RunRecord, folder: Path) -> Path:
    """Write a record into a folder, whole or not at all, with the sha256 of its content; return its path."""
    content = asdict(record)
    path = record_path(folder, content)
    text = json.dumps({**content, "sha256": digest(content)}, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomic(path, text.encode() + b"\n")
    return path


def merged(record: RunRecord, other: RunRecord) -> RunRecord:
    """Return a record of a run with what another record of it was scored by besides; its own protocols stay."""
    more = {name: choices for name, choices in other.protocols.items() if name not in record.protocols}
    rows = [row for row in other.rows if row.protocol in more]
    used = {f"metric {figure}" for choices in more.values() for figure in choices.get("figures", ())}
    plugins = {name: about for name, about in other.plugins.items() if name in used}
    return replace(
        record,
        protocols={**record.protocols, **more},
        rows=(*record.rows, *rows),
        plugins={**plugins, **record.plugins},
    )


def stored(record: RunRecord, folder: Path) -> RunRecord:
    """Return a new record with what its run was scored by before, if `folder` holds a sound record of that."""
    path = record_path(folder, asdict(record))
    try:
        before = read_record(path) if path.exists() else None
    except RecordError:  # torn or edited: made anew
        return record
    return merged(record, before) if before and before.finished else record


def record_csv(record: RunRecord) -> str:
    """Return the rows of a record as CSV: a line for each image and protocol, with the choices that it depends on.

    A figure that is not defined, or not of that protocol, is empty; the column `undefined` gives the reasons.
    """
    figures = list(dict.fromkeys(name for row in record.rows for name in row.figures))
    text = io.StringIO()
    about = ["image", "unit", "protocol", "version", *CHOICES, "valid_pixels"]
    writer = csv.DictWriter(text, ["method", *about, *figures, "undefined"], lineterminator="\n")
    writer.writeheader()
    for row in record.rows:
        choices = {name: {**record.protocols[row.protocol], **record.recipe}.get(name) for name in CHOICES}
        reasons = "; ".join(f"{name}: {reason}" for name, reason in row.reasons.items())
        line = {
            "image": row.image,
            "unit": row.unit,
            "protocol": row.protocol,
            "version": record.protocols[row.protocol]["version"],
            "valid_pixels": row.valid_pixels,
        }
        writer.writerow({"method": record.recipe["name"], **line, **choices, **row.figures, "undefined": reasons})
    return text.getvalue()


def read_record(path: Path) -> RunRecord:
    """Return the record in a file; RecordError names the file where it is torn, edited, or not a record."""
    try:
        content = json.loads(path.read_bytes(), parse_constant=_no_constant)
        written = content.pop("sha256", None) if isinstance(content, dict) else None
        sha256 = digest(content)
    except OSError as error:
        raise RecordError(f"record {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise RecordError(f"record {path} is torn or not JSON: {error}.") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        found = content.get("schema") if isinstance(content, dict) else type(content).__name__
        raise RecordError(f"record {path} has the schema {found!r}; this topobench reads {SCHEMA}.")
    try:
        record = _ADAPTER.validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise RecordError(f"record {path} is not a record: {place!r}: {first['msg']}.") from error
    unknown = set(content) - {field.name for field in fields(RunRecord)}
    if unknown or written != sha256 or record.run_id != run_id_of(content):
        raise RecordError(f"record {path} was edited: its sha256 or run_id does not fit its content.")
    for name, about in record.plugins.items():
        if lacking := [key for key in ORIGIN if key not in about]:
            raise RecordError(f"record {path} is not a record: it does not say the {lacking[0]} of its {name}.")
    return record


def read_records(paths: Iterable[Path]) -> tuple[list[RunRecord], list[str]]:
    """Return the records of `each_record` as a list, and a sentence for each that was skipped."""
    skipped: list[str] = []
    return list(each_record(paths, skipped.append)), skipped


def no_records(paths: Iterable[Path]) -> RecordError:
    """Return the error of files and folders in which there is no record."""
    return RecordError(
        f"no records in {', '.join(map(str, paths))}; name record files (*.json), or a folder that topobench run or "
        "score filled."
    )


def each_record(paths: Iterable[Path], skip: Callable[[str], None]) -> Iterator[RunRecord]:
    """Yield the records in files and folders (`record_files`), one at a time: all need not fit into memory.

    `skip` is called with a sentence for each that was skipped. Finished records of one run that were scored by
    different protocols are made one; unfinished ones then do not count. RecordError where two finished ones, from one
    environment and scored alike, have different figures.
    """
    alike: dict[str, list[Path]] = {}
    for path in record_files(paths):
        alike.setdefault(_claimed_id(path), []).append(path)
    for group in alike.values():
        yield from _one_of(group, skip)


def _claimed_id(path: Path) -> str:
    """Return the id of the run that a file says it is of, unchecked; of what is no record, the path."""
    try:
        content = from_json(path.read_bytes())
    except (OSError, ValueError):
        return str(path)
    return str(content.get("run_id", path)) if isinstance(content, dict) else str(path)


def _one_of(paths: Sequence[Path], skip: Callable[[str], None]) -> Iterator[RunRecord]:
    """Yield the record of one run that its files come to, if any of them is sound."""
    found: tuple[Path, RunRecord] | None = None
    for path in paths:
        try:
            record = read_record(path)
        except RecordError as error:
            skip(str(error))
            continue
        if found is None or (record.finished and not found[1].finished):
            found = path, record
        elif record.finished and "seconds" in record.budget:
            skip(f"record {path}: its budget is of seconds, which no two runs spend alike; {found[0]} counts.")
        elif record.finished:
            for sentence in _check_same(path, record, *found):
                skip(sentence)
            found = found[0], merged(found[1], record)
    if found:
        yield found[1]


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a value that JSON knows")


def record_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files of records in files and folders, each once, sorted within each folder.

    Of a folder that holds a folder ``records`` that alone counts; else all ``*.json``, also below. RecordError for a
    path that does not exist.
    """
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise RecordError(f"{path} does not exist; name record files, or a folder that holds them.")
        folder = path / "records" if (path / "records").is_dir() else path
        files += sorted(folder.rglob("*.json")) if folder.is_dir() else [path]
    return list({file.resolve(): file for file in reversed(files)}.values())[::-1]


def _check_same(path: Path, record: RunRecord, other_path: Path, other: RunRecord) -> Iterator[str]:
    """Yield a sentence for each protocol that two records of a run took in different ways: the other's counts.

    RecordError where they took it alike, in one environment, and came to different figures.
    """
    for name in record.protocols.keys() & other.protocols.keys():
        if record.protocols[name] != other.protocols[name]:
            yield f"record {path}, protocol {name}: scored with other choices than in {other_path}, which counts."
        elif record.environment == other.environment and _rows(record, name) != _rows(other, name):
            raise RecordError(
                f"records {other_path} and {path} are of one run ({record.run_id[:12]}) in one environment, and their "
                "figures differ; remove the one that is wrong."
            )


def _rows(record: RunRecord, protocol: str) -> bytes:
    return canonical_json([asdict(row) for row in record.rows if row.protocol == protocol])
