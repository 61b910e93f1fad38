"""Executing runs, one after the other: train or resume, score, write the record; a failed run stops no other."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

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

__all__ = ["Stopped", "Watcher", "execute_all"]


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


def execute_all(runs: Sequence[Run], store: Path, watcher: Watcher, stopping: Callable[[], bool]) -> list[RunRecord]:
    """Execute runs in order and return their records; finished ones are found in the store and not repeated.

    The store holds ``records/`` and ``checkpoints/``. Raises `Stopped` as soon as `stopping` says so, between
    two steps or two images, with a checkpoint written.
    """
    records = []
    for run in runs:
        watcher.run_started(run)
        record = _finished(run, store)
        found = record is not None
        if record is None:
            record = _execute(run, store, watcher, stopping)
            write_record(record, store / "records")
        records.append(record)
        watcher.run_ended(run, record, found)
    return records


def _finished(run: Run, store: Path) -> RunRecord | None:
    """Return the record in the store if it is of this run, finished, and scored by its protocols as they are now."""
    path = record_path(store / "records", run.identity())
    if not path.exists():
        return None
    try:
        record = read_record(path)
    except RecordError:
        return None  # torn or edited: run again, the checkpoint saves the training
    card = run.dataset.card
    wanted = protocol_settings(run.protocols, card.phase, card.connectivity)
    return record if record.finished and wanted.items() <= record.protocols.items() else None


def _execute(run: Run, store: Path, watcher: Watcher, stopping: Callable[[], bool]) -> RunRecord:
    """Return the record of a run, finished or failed."""
    cost: dict[str, float] = {}
    rows: list[Row] = []
    status = "finished"
    try:
        train_ids, scored_ids = run.dataset.fold(run.fold)
        started = time.perf_counter()
        predict = _predictor(run, train_ids, store, watcher, stopping, cost)
        cost["train_seconds"] = time.perf_counter() - started
        rows = _score(run, scored_ids, predict, watcher, stopping)
        cost["score_seconds"] = time.perf_counter() - started - cost["train_seconds"]
    except Stopped:
        raise
    except Exception as error:  # whatever a plugin raises: the other runs go on
        rows, status = [], f"failed: {_reason(error)}"
    cost["peak_memory_mib"] = round(peak_memory_mib(), 1)
    card = run.dataset.card
    protocols = protocol_settings(run.protocols, card.phase, card.connectivity)
    return make_record(run.identity(), status, protocols, rows, cost, _environment(run))


def _predictor(
    run: Run,
    train_ids: Sequence[str],
    store: Path,
    watcher: Watcher,
    stopping: Callable[[], bool],
    cost: dict[str, float],
) -> Predictor:
    """Return what predicts: a null row made from the training images, or the trained model."""
    samples = [run.dataset[image_id] for image_id in train_ids]
    if run.recipe is None or run.budget is None or run.seed is None:
        rule: Predictor = load("nulls", run.name)(samples)
        return rule
    if run.device.kind == "cuda":
        torch.cuda.reset_peak_memory_stats()
    folder = store / "checkpoints" / run_id_of(run.identity())[:16]
    trainer = Trainer(run.recipe, run.budget, run.seed, run.device, TrainingSet.of(samples), folder)
    cost["parameters"] = sum(weights.numel() for weights in trainer.model.parameters())
    cost["resumed_at_step"] = trainer.step
    if not trainer.run(lambda step, values: watcher.stepped(run, step, values), stopping):
        raise Stopped
    if run.device.kind == "cuda":
        cost["peak_device_memory_mib"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
    return model_predictor(trainer.model, run.device.kind)


def _score(
    run: Run, image_ids: Sequence[str], predict: Predictor, watcher: Watcher, stopping: Callable[[], bool]
) -> list[Row]:
    rows: list[Row] = []
    samples: Iterator[Sample] = (run.dataset[image_id] for image_id in image_ids)
    card = run.dataset.card
    scored = score_samples(samples, predict, run.protocols, card.phase, card.connectivity)
    for done, found in enumerate(scored, start=1):
        rows += found
        watcher.scored(run, done, len(image_ids))
        if stopping():
            raise Stopped
    return rows


def _environment(run: Run) -> dict[str, str]:
    name = torch.cuda.get_device_name() if run.device.kind == "cuda" else platform.processor() or platform.machine()
    return environment(torch=str(torch.__version__), gudhi=gudhi.__version__, device_name=name)


def _reason(error: Exception) -> str:
    """Return an error as the end of ``failed: ...``: topobench's own sentences as they are, others with their type."""
    own = isinstance(error, TopobenchError)
    return str(error) if own else f"{type(error).__name__}: {error}"
