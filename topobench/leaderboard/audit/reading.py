"""Reading what is to be audited, and asking every rule."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from topobench.errors import RecordError
from topobench.leaderboard.audit.each import EACH, malformed
from topobench.leaderboard.audit.findings import Finding, Found
from topobench.leaderboard.audit.together import TOGETHER
from topobench.leaderboard.audit.versions import VERSIONS, Shipped
from topobench.scores import read_record, record_files
from topobench.types import RunRecord

__all__ = ["Audit", "audit"]


@dataclass(frozen=True)
class Audit:
    """How many files were read, and what was found: file by file, then of all together."""

    records: int
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> list[Finding]:
        """What must be mended."""
        return [finding for finding in self.findings if finding.fault]

    @property
    def notices(self) -> list[Finding]:
        """What is to be known."""
        return [finding for finding in self.findings if not finding.fault]


def audit(paths: Iterable[Path]) -> Audit:
    """Return what is wrong with the records in files and folders, in an order that is always the same.

    Nothing is written. RecordError for a path that does not exist.
    """
    files = record_files(paths)
    found: list[Found] = []
    return Audit(len(files), tuple(_once([*_each(files, found), *_together(found)])))


def _each(files: Iterable[Path], sound: list[Found]) -> Iterator[Finding]:
    """Yield what is wrong with each file; those that can be held against others are put into `sound`."""
    shipped = Shipped()
    for path in files:
        try:
            found = Found(path, read_record(path))
            content = json.loads(path.read_bytes())
        except RecordError as error:
            yield Finding(path, f"it {str(error).removeprefix(f'record {path} ')}")
            continue
        except RecursionError:
            yield Finding(path, "it is nested too deep to be a record.")
            continue
        wrong = [found.fault(what) for what in (*_read_otherwise(found.record, content), *malformed(found.record))]
        yield from wrong
        if not wrong:
            sound.append(found)
            yield from (found.fault(what) for rule in EACH for what in rule(found))
            yield from (finding for version in VERSIONS for finding in version(found, shipped))


def _together(found: list[Found]) -> Iterator[Finding]:
    return (finding for rule in TOGETHER for finding in rule(found))


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with notices that say the same of many files made one, which counts them."""
    said: dict[object, Finding] = {}
    for finding in findings:
        key = (finding.what, finding.path if finding.fault else None)
        before = said.get(key)
        said[key] = finding if before is None or finding.fault else replace(before, more=before.more + 1)
    return list(said.values())


def _read_otherwise(record: RunRecord, content: dict[str, Any]) -> Iterator[str]:
    """Yield what stands in the file and was read as something else, or not at all: ``"NaN"``, a key of nobody's."""
    for key in sorted(content.keys() - {"sha256", "rows"}):
        if getattr(record, key) != content[key]:
            yield f"its {key!r} is not as topobench writes it, numbers as numbers and texts as texts; write it anew."
    nothing = object()
    for row, written in zip(record.rows, content["rows"], strict=True):
        strange = [key for key, value in written.items() if getattr(row, key, nothing) != value]
        if strange:
            yield (
                f"the row of {row.image!r} by {row.protocol!r} has keys or values that no record has: {strange}; score "
                "again with topobench, and leave the file as it is."
            )
