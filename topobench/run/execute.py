"""Executing one run: found in the store, or trained (on from its checkpoint), scored and recorded."""

from __future__ import annotations

import gc
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import gudhi
import torch
from numpy.typing import NDArray

from topobench.cards import Budget, Recipe
from topobench.environment import environment, peak_memory_mib, reset_peak_memory
from topobench.errors import RunError, TopobenchError, in_words
from topobench.metrics import Protocol, load_protocol
from topobench.registry import load
from topobench.run.batches import TrainingSet
from topobench.run.checkpoint import Checkpoints
from topobench.run.claims import BEAT, Claim, alone
from topobench.run.evaluate import model_predictor
from topobench.run.maps import keep_map
from topobench.run.matrix import Run
from topobench.run.progress import Progress
from topobench.run.provenance import changed, plugins_of_run, plugins_of_scoring
from topobench.run.rescore import kept_maps
from topobench.run.scalars import Scalars
from topobench.run.settings import DEFAULTS, Settings
from topobench.run.store import KINDS, Place, Store
from topobench.run.train import Trainer
from topobench.run.validation import Validator, hold_out
from topobench.run.warmup import WarmUp
from topobench.run.watcher import Watcher
from topobench.scores import Predictor, make_record, run_id_of, score_samples, write_record
from topobench.types import Row, RunRecord, Sample

__all__ = ["Stopped", "execute", "find", "record_failure"]

AGAIN = "its figures are of that code. To train again raise the version of the recipe, or take another folder (-o)."


class Stopped(Exception):
    """The user asked to stop; what was done is kept."""


class Overtaken(Stopped):
    """Another process has taken the run over."""


def execute(
    run: Run, store: Path, watcher: Watcher, stopping: Callable[[], bool], settings: Settings = DEFAULTS
) -> RunRecord:
    """Return the record of a run: from the store if it is finished there, else executed and written into it.

    Whatever a model, a loss or the data raise makes a record ``failed: ...``; what the store itself raises (a full
    disk) is raised, for it would fail every run. `Stopped` is raised between two steps or two images where `stopping`
    says so, with a checkpoint written. One process at a time executes a run; another waits, and finds it.
    """
    watcher.run_started(run)
    while True:
        try:
            record, found = _execute(run, Store(store).place(run.identity()), watcher, stopping, settings)
        except Overtaken:
            watcher.noted(run, "this process was held up for so long that another took the run over; waiting for it")
        else:
            watcher.run_ended(run, record, found)
            return record


def _execute(
    run: Run, place: Place, watcher: Watcher, stopping: Callable[[], bool], settings: Settings
) -> tuple[RunRecord, bool]:
    """Return the record of a run, and whether it had been finished before, as soon as no other process is at it."""
    with alone(place, _waiting(run, watcher, stopping)) as claim, _followed(place, watcher, settings) as follower:
        execution = _Execution(run, place, follower, _stopping_if_lost(claim, stopping), settings)
        before = execution.before
        found = before is not None and not execution.missing
        if before and (other := changed(before.plugins, execution.plugins)):
            follower.noted(run, f"it was trained by other code of {', '.join(other)}; {AGAIN}")
        record = before if found and before else execution.record()
        claim.look()
        if claim.lost:
            raise Overtaken
        if not found and (record.finished or before is None):  # a new scoring that fails takes nothing away
            write_record(record, place.record.parent)
        if record.finished:
            Checkpoints(place.checkpoints, record.run_id).prune(1)  # the one before served for going on
        place.progress.unlink(missing_ok=True)
        return record, found


def _waiting(run: Run, watcher: Watcher, stopping: Callable[[], bool]) -> Callable[[], None]:
    """Return what is to be called while another process is at a run; it says so once."""
    said = False

    def wait() -> None:
        nonlocal said
        if not said:
            watcher.noted(run, "another process is at this run; waiting for it")
        said = True
        if stopping():
            raise Stopped

    return wait


def _stopping_if_lost(claim: Claim, stopping: Callable[[], bool]) -> Callable[[], bool]:
    """Return `stopping`, but raising where the run is another process's by now: nothing more is written then."""
    asked = time.monotonic()

    def ask() -> bool:
        nonlocal asked
        if time.monotonic() > asked + 2 * BEAT:  # it was held up, and may have been taken for dead
            claim.look()
        asked = time.monotonic()
        if claim.lost:
            raise Overtaken
        return stopping()

    return ask


def find(run: Run, store: Path) -> RunRecord | None:
    """Return the record of a run that is finished in the store and scored by all its protocols, else None."""
    before = Store(store).place(run.identity()).finished()
    return None if before is None or _missing(before, run.choices()) else before


def record_failure(run: Run, store: Path, reason: str, settings: Settings = DEFAULTS) -> RunRecord:
    """Return the record of a run that failed and could not say so itself; it is kept if none is finished."""
    place = Store(store).place(run.identity())
    record = make_record(
        run.identity(), f"failed: {reason}", run.choices(), [], {}, _environment(run, settings),
        plugins=plugins_of_run(run),
    )  # fmt: skip
    if place.finished() is None:
        write_record(record, place.record.parent)
    place.progress.unlink(missing_ok=True)
    return record


@contextmanager
def _followed(place: Place, watcher: Watcher, settings: Settings) -> Iterator[Watcher]:
    """Yield the watcher, with those before it that write where a run is, and its scalars."""
    progress = Progress(place, watcher)
    progress.begin()
    if settings.scalars:
        with Scalars(place, progress) as scalars:
            yield scalars
    else:
        yield progress


@dataclass
class _Execution:
    """One run on its way; `cost`, `training` and `predictions` fill up as it goes."""

    run: Run
    place: Place
    watcher: Watcher
    stopping: Callable[[], bool]
    settings: Settings
    cost: dict[str, float] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    predictions: dict[str, str] = field(default_factory=dict)

    @cached_property
    def protocols(self) -> dict[str, dict[str, Any]]:
        """The run's protocols, with every choice that their figures depend on."""
        return self.run.choices()

    @cached_property
    def before(self) -> RunRecord | None:
        """The finished record in the store, by whatever protocols it was scored."""
        return self.place.finished()

    @cached_property
    def plugins(self) -> dict[str, dict[str, str]]:
        """Where each plugin comes from that the run uses."""
        return plugins_of_run(self.run)

    @property
    def missing(self) -> list[str]:
        """The run's protocols by which it is not scored yet, or was when they made other choices."""
        return _missing(self.before, self.protocols)

    @property
    def _unscored(self) -> list[Protocol]:
        """Those that are missing, read as the suite names them: one of somebody's own is known by its file alone."""
        return [protocol for protocol in map(load_protocol, self.run.protocols) if protocol.name in self.missing]

    def record(self) -> RunRecord:
        """Return the run's new record, finished or failed; what was scored before and still stands is in it too."""
        kept = [row for row in self.before.rows if row.protocol not in self.missing] if self.before else []
        rows: list[Row] = []
        status = "finished"
        _reset_peaks(self.run)
        try:
            rows = [*kept, *self._rows()]
        except Stopped:
            raise
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever a plugin raises: the other runs go on
            if self._is_of_the_store(error):
                raise
            status = f"failed: {_reason(error, self.plugins)}"
        self.cost["peak_memory_mib"] = max(self.cost.get("peak_memory_mib", 0.0), round(peak_memory_mib(), 1))
        if self.before and status == "finished":  # what it cost, and where, is said of its training
            maps = self.predictions or self.before.predictions
            protocols = {**self.before.protocols, **self.protocols}
            used = plugins_of_scoring(None, self._unscored)
            plugins = {**self.before.plugins, **used}
            return replace(self.before, protocols=protocols, rows=tuple(rows), predictions=maps, plugins=plugins)
        about = _environment(self.run, self.settings)
        return make_record(
            self.run.identity(),
            status,
            self.protocols,
            rows,
            self.cost,
            about,
            self.training,
            self.predictions,
            self.plugins,
        )

    def _rows(self) -> list[Row]:
        """Train where that is to be done, and return the rows of all scored images, one a protocol each."""
        dataset, card = self.run.dataset, self.run.dataset.card
        train_ids, scored_ids = dataset.fold(self.run.fold)
        dataset.check(scored_ids)  # what is wrong with an image is said before hours of training
        predict = self._kept_maps() or self._keeping(self._predictor(train_ids))
        started = time.perf_counter()
        rows: list[Row] = []
        samples = dataset.select(scored_ids)
        scored = score_samples(samples, predict, self._unscored, card.phase, card.connectivity)
        for done, found in enumerate(scored, start=1):
            rows += found
            self.watcher.scored(self.run, done, len(scored_ids))
            if self.stopping() and done < len(scored_ids):
                raise Stopped
        self.cost["score_seconds"] = round(time.perf_counter() - started, 3)
        return rows

    def _kept_maps(self) -> Predictor | None:
        """Return what reads the maps of a run that is finished; None where there are none, or they do not do."""
        if self.before is None:
            return None
        return kept_maps(self.before, self.place, self.run.dataset, self._unscored)

    def _predictor(self, train_ids: Sequence[str]) -> Predictor:
        """Return what predicts: the null row made from the training samples, or the trained model."""
        run = self.run
        if run.recipe is None or run.budget is None or run.seed is None:
            rule: Predictor = load("nulls", run.name)(run.dataset.select(train_ids), run.dataset.card.connectivity)
            return rule
        trainer = self._trainer(run.recipe, run.budget, run.seed, train_ids)
        if not self._train(trainer):
            raise Stopped
        return model_predictor(trainer.scored_model(), run.device.kind)

    def _trainer(self, recipe: Recipe, budget: Budget, seed: int, train_ids: Sequence[str]) -> Trainer:
        """Return the training, as far as it has come; images may be held out of it (`Validation`)."""
        run, dataset, validator = self.run, self.run.dataset, None
        if budget.validation:
            members = [member for member in dataset.members if member.image_id in set(train_ids)]
            train_ids, held_out = hold_out(members, budget.validation.share, run.fold, seed)
            validator = Validator(budget.validation, dataset.select(held_out), dataset.card, run.device.kind)
            self.training["held_out"] = held_out
        data = TrainingSet.of(dataset.select(train_ids), self.settings.cache_bytes)
        checkpoints = Checkpoints(self.place.checkpoints, run_id_of(run.identity()), self.plugins)
        warm_up = self._warm_up(recipe, budget)
        trainer = Trainer(recipe, budget, seed, run.device, data, checkpoints, validator, self.settings, warm_up)
        for sentence in trainer.refused:
            self.watcher.noted(run, sentence)
        if self.before and not trainer.ended:
            raise RunError(
                f"it is finished, and neither its maps nor its last checkpoint are there any more: to score it by "
                f"{', '.join(self.missing)} would train it again, and mix the figures of two trainings. Remove "
                f"{self.place.record} to train it from the start."
            )
        return trainer

    def _warm_up(self, recipe: Recipe, budget: Budget) -> WarmUp | None:
        """Return the warm-up that other runs may have in common with this; None for a budget of seconds."""
        if budget.steps is None:  # seconds are never twice the same steps
            return None
        more = {"torch": str(torch.__version__), "deterministic": self.settings.deterministic}
        return WarmUp.of(recipe, budget.steps, self.run.identity(), self.place, self.plugins, **more)

    def _train(self, trainer: Trainer) -> bool:
        """Train to the end; return False if stopped before. Costs are those of all steps, whoever took them."""
        run = self.run
        self.cost["parameters"] = sum(weights.numel() for weights in trainer.model.parameters())
        self.cost["resumed_at_step"] = trainer.step
        ended = trainer.run(
            lambda step: self.watcher.stepped(run, step),
            self.stopping,
            lambda found: self.watcher.validated(run, found.step, trainer.shown(found)),
        )
        self.cost["train_seconds"] = round(sum(trainer.seconds.values()), 3)
        for name, seconds in trainer.seconds.items():
            self.cost[f"{name}_ms_per_step"] = round(1000 * seconds / max(trainer.step, 1), 3)
        if trainer.validator:
            self.cost["validation_seconds"] = round(trainer.validation_seconds, 3)
        self.cost |= trainer.peaks()
        self.training |= trainer.report()
        return ended

    def _keeping(self, predict: Predictor) -> Predictor:
        """Return what predicts, and keeps each map that it gives."""
        if not self.settings.keep_predictions:
            return predict

        def keep(sample: Sample) -> NDArray[Any]:
            likelihood = predict(sample)
            self.predictions[sample.image_id] = keep_map(self.place.predictions, sample.image_id, likelihood)
            return likelihood

        return keep

    def _is_of_the_store(self, error: BaseException) -> bool:
        """Whether an error is the system's about a file of the store, such as a full disk: it would fail every run."""
        name = getattr(error, "filename", None) if isinstance(error, OSError) else None
        if not isinstance(name, str | bytes | os.PathLike):  # or the number of an open file
            return False
        path = Path(os.fsdecode(name))
        return any(path.is_relative_to(self.place.folder / kind) for kind in KINDS)


def _missing(before: RunRecord | None, protocols: dict[str, dict[str, Any]]) -> list[str]:
    """Return the protocols by which a record is not scored, or was when they made other choices."""
    done = before.protocols if before else {}
    return [name for name, choices in protocols.items() if done.get(name) != choices]


def _reset_peaks(run: Run) -> None:
    """Let peaks of memory be those of this run, where the system can, and not of one before it in this process."""
    reset_peak_memory()
    if run.device.kind == "cuda":
        gc.collect()  # what a run that failed for want of memory still holds
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _environment(run: Run, settings: Settings) -> dict[str, str]:
    name = torch.cuda.get_device_name() if run.device.kind == "cuda" else platform.processor() or platform.machine()
    deterministic = str(settings.deterministic or run.device.kind == "cpu").lower()
    return environment(
        torch=str(torch.__version__), gudhi=gudhi.__version__, device_name=name, deterministic=deterministic
    )


def _reason(error: BaseException, plugins: dict[str, dict[str, str]]) -> str:
    """Return an error as the end of ``failed: ...``: topobench's own sentences as they are, others with their type.

    With others it is said which plugins the run uses, for it may well be one of theirs.
    """
    text = str(error) if isinstance(error, TopobenchError) else f"{in_words(error)}{_whose(plugins)}"
    text = " ".join(text.split())  # one line, for it stands in tables
    return text.encode(errors="backslashreplace").decode()  # what is not Unicode, such as some names of files


def _whose(plugins: dict[str, dict[str, str]]) -> str:
    used = [f"{name} of {about['origin']}" for name, about in plugins.items()]
    return f" (in a run with the plugin{'s' * (len(used) > 1)} {', '.join(used)})" if used else ""
