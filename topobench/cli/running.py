"""What `topobench run` does once it is known what is to be run: show the matrix, or execute it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from topobench.cards import Recipe, Suite
from topobench.cli.board import board
from topobench.cli.gallery import Gallery
from topobench.cli.machines import Machines
from topobench.cli.progress import watching
from topobench.cli.signals import Stopping, stopping_on_signals
from topobench.cli.states import print_states
from topobench.cli.transfer import downloading
from topobench.cli.words import budget_in_words, counted
from topobench.data import Dataset
from topobench.data.fetch import WEIGHTS, weights_file
from topobench.environment import peak_memory_mib
from topobench.errors import DataError, TopobenchError
from topobench.losses import build_loss
from topobench.registry import BUILTINS, check
from topobench.run.execute import Stopped, find
from topobench.run.matrix import Run, expand
from topobench.run.plan import Plan, Planned, states_of, write_plan
from topobench.run.recipes import recipe_loss
from topobench.run.scalars import check_scalars
from topobench.run.settings import Settings
from topobench.run.store import Store
from topobench.run.weights import weights_of
from topobench.types import RunRecord

__all__ = ["Matrix"]


@dataclass(frozen=True)
class Matrix:
    """The runs of a command, the machines that execute them, and where they are kept."""

    suite: Suite
    runs: list[Run]
    machines: Machines
    store: Store

    @classmethod
    def of(
        cls, suite: Suite, recipes: Sequence[Recipe], datasets: Sequence[Dataset], machines: Machines, output: Path
    ) -> Matrix:
        """Return the matrix."""
        for recipe in recipes:
            _check_choices(recipe)
        return cls(suite, expand(suite, recipes, datasets, machines.device), machines, Store(output))

    def show(self) -> int:
        """Print how far each run has come, and the time that is left."""
        self._say()
        print_states(states_of(map(Planned.of, self.runs), self.store), self.machines.jobs)
        return 0

    def go(self, settings: Settings, weights: Path | None, data_dir: Path | None, gallery: Gallery) -> int:
        """Execute what is not finished and make the leaderboard; return the exit code."""
        started = time.monotonic()
        if settings.scalars:
            check_scalars()
        self.store.records.mkdir(parents=True, exist_ok=True)  # a folder that cannot be written is found out now
        self._say()
        write_plan(self.store, Plan(self.suite.name, self.machines.jobs, tuple(map(Planned.of, self.runs))))
        with stopping_on_signals() as stopping:
            self._get_weights(weights, data_dir)
            try:
                records = self._execute(settings, stopping)
            except Stopped:
                kept = f"all that was done is kept in {self.store.folder}"
                click.echo(f"Stopped; {kept}. The same command goes on from there.", err=True)
                return stopping.exit_code
        board([self.store.records], self.store.folder, gallery)
        spent = f"{time.monotonic() - started:.0f} s in all"
        click.echo(
            spent + (f", peak memory {peak_memory_mib():.0f} MiB." if self.machines.jobs == 1 else "."), err=True
        )
        return int(not all(record.finished for record in records))

    def _execute(self, settings: Settings, stopping: Stopping) -> list[RunRecord]:
        with watching(self.runs) as watcher:
            return self.machines.execute(self.runs, self.store.folder, watcher, stopping, settings)

    def _say(self) -> None:
        """Say what is to be run, on what."""
        budgets = {budget_in_words(run.budget) for run in self.runs if run.budget}
        each = f" Each is trained for {budgets.pop()}." if len(budgets) == 1 else ""
        click.echo(f"Suite {self.suite.name}: {self.suite.title}.{each}", err=True)
        what = f"{counted(len(self.runs), 'run')} {self.machines.words}"
        click.echo(f"{what}, kept in {self.store.folder}.", err=True)

    def _get_weights(self, file: Path | None, data_dir: Path | None) -> None:
        """Have the pretrained weights that recipes want in place, for this process and those that it starts.

        Where they cannot be had, the reason is said, and the runs that want them will fail by it; the others go on.
        """
        for name in sorted(_wanted(run for run in self.runs if not find(run, self.store.folder))):
            try:
                with downloading() as watcher:
                    path = weights_file(name, file, data_dir, watcher)
            except DataError as error:
                click.echo(f"Warning: runs that need the weights {name!r} will fail: {error}", err=True)
            else:
                os.environ["TOPOBENCH_WEIGHTS"] = str(path.resolve())


def _check_choices(recipe: Recipe) -> None:
    """Raise for a model, a loss or an option that there is not, with the recipe's name: before anything is trained."""
    try:
        check("models", recipe.model.name, recipe.model.options, ["in_channels"])
        for term in recipe.loss:
            check("losses", term.name, term.options)
        _try_losses(recipe)
    except TopobenchError as error:
        raise type(error)(f"recipe {recipe.name!r}: {error}") from error


def _try_losses(recipe: Recipe) -> None:
    """Make the losses of a recipe, so that a wrong value of an option is said before the runs ahead are trained.

    Not those that want weights, which takes long, nor plugins: whoever uses one will be told.
    """
    ours = [term for term in recipe.loss if term.name in BUILTINS["losses"] and not weights_of("losses", term)]
    if len(ours) == len(recipe.loss):
        recipe_loss(recipe)  # which also asks whether one of them trains alone
    else:
        for term in ours:
            build_loss(term.name, term.options)


def _wanted(runs: Iterable[Run]) -> set[str]:
    """Return which of the weights that topobench knows the models and losses of runs want."""
    recipes = [run.recipe for run in runs if run.recipe]  # two of them may share a name
    models = {weights_of("models", recipe.model) for recipe in recipes}
    losses = {weights_of("losses", term) for recipe in recipes for term in recipe.loss}
    return (models | losses) & WEIGHTS.keys()
