"""Where the files of runs lie: one folder for a command's output, in it one folder a kind, and one name a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from topobench.errors import RecordError
from topobench.scores import read_record, run_name
from topobench.types import RunRecord

__all__ = ["KINDS", "Place", "Store"]

KINDS = ("records", "checkpoints", "predictions", "tensorboard", "progress")  # the folders of a store


@dataclass(frozen=True)
class Place:
    """The files of one run, all of one name (`run_name`)."""

    folder: Path
    name: str

    @property
    def record(self) -> Path:
        """What is kept of the run: written last."""
        return self.folder / "records" / f"{self.name}.json"

    @property
    def checkpoints(self) -> Path:
        """The folder of its checkpoints."""
        return self.folder / "checkpoints" / self.name

    @property
    def predictions(self) -> Path:
        """The folder of its likelihood maps."""
        return self.folder / "predictions" / self.name

    @property
    def scalars(self) -> Path:
        """The folder of what TensorBoard reads."""
        return self.folder / "tensorboard" / self.name

    @property
    def progress(self) -> Path:
        """Where it is, while it goes on (run/progress.py)."""
        return self.folder / "progress" / f"{self.name}.json"

    @property
    def claims(self) -> Path:
        """The folder of claims to it: of the process that executes it, and of those before (run/claims.py)."""
        return self.folder / "progress" / f"{self.name}.claims"

    def finished(self) -> RunRecord | None:
        """Return the record of the run if it is finished; one that is torn, edited or another run's counts for none."""
        try:
            record = self.kept()
        except RecordError:
            return None  # made anew, from the checkpoint
        return record if record and record.finished else None

    def kept(self) -> RunRecord | None:
        """Return the record of the run, if there is one; RecordError where it is torn, edited, or of another run."""
        record = read_record(self.record) if self.record.exists() else None
        if record and not self.name.endswith(f"_{record.run_id[:12]}"):
            raise RecordError(f"record {self.record} is of another run, {record.run_id[:12]}; its file was renamed.")
        return record


@dataclass(frozen=True)
class Store:
    """The output folder of a command."""

    folder: Path

    @property
    def records(self) -> Path:
        """The folder of all records."""
        return self.folder / "records"

    @property
    def plan(self) -> Path:
        """What the last command set out to run (run/plan.py)."""
        return self.folder / "plan.json"

    def place(self, identity: dict[str, Any]) -> Place:
        """Return where the files of a run lie."""
        return self.named(run_name(identity))

    def named(self, name: str) -> Place:
        """Return where the files of the run of that name lie."""
        return Place(self.folder, name)
