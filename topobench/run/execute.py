"""Executing one run: found in the store, or trained (on from its checkpoint), scored and recorded."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import gudhi
import torch

from topobench.environment import environment, peak_memory_mib
from topobench.errors import RecordError, TopobenchError
from topobench.registry import load
from topobench.run.batches import TrainingSet
from topobench.run.evaluate import model_predictor
from topobench.run.matrix import Run
from topobench.run.train import Trainer
from topobench.scores import (
    Predictor,
    make_record,
    protocol_settings,
    read_record,
    record_path,
    run_id_of,
    score_samples,
    write_record,
)
from topobench.types import Row, RunRecord, Sample

__all__ = ["Stopped", "Watcher", "execute"]


class Stopped(Exception):
    """The user asked to stop; what was done is kept."""


class Watcher(Protocol):
    """Who is told how runs go on."""

    def run_started(self, run: Run) -> None:
        """A run begins, or goes on from its checkpoint."""

    def stepped(self, run: Run, step: int, values: dict[str, float]) -> None:
        """A training step (counted from 0) is done; the values of the loss terms."""

    def scored(self, run: Run, images: int, of: int) -> None:
        """So many images are scored."""

    def run_ended(self, run: Run, record: RunRecord, found: bool) -> None:
        """A run has its record; `found` where it had been finished before."""


def execute(run: Run, store: Path, watcher: Watcher, stopping: Callable[[], bool]) -> RunRecord:
    """Return the record of a run: from the store if it is finished there, else executed and written into it.

    The store holds ``records/`` and ``checkpoints/``. Whatever raises in between makes a record ``failed: ...``;
    `Stopped` is raised between two steps or two images where `stopping` says so, with a checkpoint written.
    """
    watcher.run_started(run)
    execution = _Execution(run, store, watcher, stopping)
    before = execution.before
    if before is not None and not execution.missing:
        watcher.run_ended(run, before, True)
        return before
    record = execution.record()
    if record.finished or before is None:  # a new scoring that fails takes nothing away
        write_record(record, store / "records")
    watcher.run_ended(run, record, False)
    return record


@dataclass
class _Execution:
    """One run on its way; `cost` fills up as it goes."""

    run: Run
    store: Path
    watcher: Watcher
    stopping: Callable[[], bool]
    cost: dict[str, float] = field(default_factory=dict)

    @cached_property
    def settings(self) -> dict[str, dict[str, Any]]:
        """The run's protocols, with every choice that their figures depend on."""
        card = self.run.dataset.card
        return protocol_settings(self.run.protocols, card.phase, card.connectivity)

    @cached_property
    def before(self) -> RunRecord | None:
        """The finished record in the store, by whatever protocols it was scored."""
        path = record_path(self.store / "records", self.run.identity())
        try:
            record = read_record(path) if path.exists() else None
        except RecordError:
            return None  # torn or edited: made anew, from the checkpoint
        return record if record and record.finished else None

    @property
    def missing(self) -> list[str]:
        """The run's protocols by which it is not scored yet, or was when they made other choices."""
        done = self.before.protocols if self.before else {}
        return [name for name, choices in self.settings.items() if done.get(name) != choices]

    def record(self) -> RunRecord:
        """Return the run's new record, finished or failed; what was scored before and still stands is in it too."""
        kept = [row for row in self.before.rows if row.protocol not in self.missing] if self.before else []
        rows: list[Row] = []
        status = "finished"
        try:
            train_ids, scored_ids = self.run.dataset.fold(self.run.fold)
            self.run.dataset.check(scored_ids)  # what is wrong with an image is said before hours of training
            predict = self._predictor(self.run.dataset.select(train_ids))
            rows = [*kept, *self._rows(scored_ids, predict)]
        except Stopped:
            raise
        except Exception as error:  # whatever a plugin raises: the other runs go on
            status = f"failed: {_reason(error)}"
        self.cost["peak_memory_mib"] = round(peak_memory_mib(), 1)
        settings = {**(self.before.protocols if self.before else {}), **self.settings}
        return make_record(self.run.identity(), status, settings, rows, self.cost, _environment(self.run))

    def _predictor(self, samples: Sequence[Sample]) -> Predictor:
        """Return what predicts: the null row made from the training samples, or the trained model."""
        run = self.run
        if run.recipe is None or run.budget is None or run.seed is None:
            rule: Predictor = load("nulls", run.name)(samples)
            return rule
        if run.device.kind == "cuda":
            torch.cuda.reset_peak_memory_stats()
        folder = self.store / "checkpoints" / run_id_of(run.identity())[:16]
        trainer = Trainer(run.recipe, run.budget, run.seed, run.device, TrainingSet.of(samples), folder)
        self.cost["parameters"] = sum(weights.numel() for weights in trainer.model.parameters())
        self.cost["resumed_at_step"] = trainer.step
        ended = trainer.run(lambda step, values: self.watcher.stepped(run, step, values), self.stopping)
        self.cost["train_seconds"] = round(trainer.seconds, 3)
        if run.device.kind == "cuda":
            self.cost["peak_device_memory_mib"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
        if not ended:
            raise Stopped
        return model_predictor(trainer.model, run.device.kind)

    def _rows(self, image_ids: Sequence[str], predict: Predictor) -> list[Row]:
        """Return the rows of all images, one a protocol each."""
        run, card = self.run, self.run.dataset.card
        samples = run.dataset.select(image_ids)
        started = time.perf_counter()
        rows: list[Row] = []
        scored = score_samples(samples, predict, self.missing, card.phase, card.connectivity)
        for done, found in enumerate(scored, start=1):
            rows += found
            self.watcher.scored(run, done, len(image_ids))
            if self.stopping():
                raise Stopped
        self.cost["score_seconds"] = round(time.perf_counter() - started, 3)
        return rows


def _environment(run: Run) -> dict[str, str]:
    name = torch.cuda.get_device_name() if run.device.kind == "cuda" else platform.processor() or platform.machine()
    return environment(torch=str(torch.__version__), gudhi=gudhi.__version__, device_name=name)


def _reason(error: Exception) -> str:
    """Return an error as the end of ``failed: ...``: topobench's own sentences as they are, others with their type."""
    own = isinstance(error, TopobenchError)
    return str(error) if own else f"{type(error).__name__}: {error}"
