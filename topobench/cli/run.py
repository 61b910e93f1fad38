"""`topobench run`: train and score the runs of a suite, then make the leaderboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from topobench.cli.options import INDICES, data_dir, output, partial, pictures, plugin
from topobench.cli.own import check_own, opened, own_dataset
from topobench.run.settings import DEFAULTS, Settings

if TYPE_CHECKING:
    from topobench.cards import Recipe, Suite

__all__ = ["run"]


@click.command()
@click.option("--suite", default="quick", show_default=True, help="Name of a suite, or a file of your own (*.toml).")
@click.option(
    "--recipe",
    "recipes",
    multiple=True,
    help="In place of the suite's: a recipe, or a file (*.toml); may be repeated.",
)
@click.option("--dataset", "datasets", multiple=True, help="In place of the suite's: a data set; may be repeated.")
@click.option("--images", type=click.Path(path_type=Path), help="In place of data sets: a folder of your own images.")
@click.option("--masks", type=click.Path(path_type=Path), help="Their masks: what is not 0 is structure.")
@click.option("--connectivity", type=click.Choice(["4", "8"]), help="Of the structure, with --images; 8 if not given.")
@click.option(
    "--phase", type=click.Choice(["regions", "structure"]),
    help="What Rand and VOI label, with --images; regions if not given.",
)  # fmt: skip
@click.option("--folds", type=INDICES, help="In place of the suite's: folds, e.g. 0,2.")
@click.option("--seeds", type=INDICES, help="In place of the suite's: seeds, e.g. 0,1.")
@click.option(
    "--device", default="auto", show_default=True,
    help="auto, cuda, mps or cpu; auto takes the best that is there.",
)  # fmt: skip
@click.option(
    "--precision", default="auto", show_default=True,
    help="auto, float32, bfloat16 or float16; auto is mixed precision on cuda, float32 elsewhere.",
)  # fmt: skip
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N",
    help="Runs that go on at a time, a process each: on cuda at most one a GPU (the default), on the CPU (default 1) "
    "the threads are shared out, which makes them other runs, for sums are shared out with them.",
)  # fmt: skip
@click.option(
    "--threads", type=click.IntRange(min=1), metavar="N",
    help="Threads of a run on the CPU, a part of what it is. Default: those of this machine, shared out among jobs; "
    "with --scheduler 1.",
)  # fmt: skip
@click.option(
    "--scheduler", metavar="ADDRESS",
    help="Execute the runs on the Dask cluster of this scheduler, e.g. tcp://HOST:8786, or the file that it writes; "
    "--jobs is then the most at a time (docs/cluster.md).",
)  # fmt: skip
@click.option("--stage", is_flag=True, help="With --scheduler: send data sets to workers that have them not.")
@click.option("--deterministic", is_flag=True, help="On cuda, refuse what is not repeatable bit for bit; slower.")
@click.option(
    "--weights", type=click.Path(path_type=Path), envvar="TOPOBENCH_WEIGHTS",
    help="The official file of VGG-19's ImageNet weights; else the cache or the official address.",
)  # fmt: skip
@click.option(
    "--predictions/--no-predictions", "keep_predictions", default=True, show_default=True,
    help="Keep the 8-bit likelihood maps of the scored images, which `topobench rescore` reads.",
)  # fmt: skip
@click.option("--tensorboard", is_flag=True, help="Write losses, learning rate and times for TensorBoard, too.")
@click.option(
    "--checkpoint-every", type=click.FloatRange(min=0), default=DEFAULTS.checkpoint_seconds, show_default=True,
    metavar="SECONDS", help="Wall time between two checkpoints.",
)  # fmt: skip
@pictures
@click.option("--dry-run", is_flag=True, help="Print the runs, what is done, and the time that is left; run nothing.")
@plugin
@data_dir
@partial
@output
def run(
    suite: str,
    recipes: tuple[str, ...],
    datasets: tuple[str, ...],
    images: Path | None,
    masks: Path | None,
    connectivity: str | None,
    phase: str | None,
    folds: tuple[int, ...] | None,
    seeds: tuple[int, ...] | None,
    device: str,
    precision: str,
    jobs: int | None,
    threads: int | None,
    scheduler: str | None,
    stage: bool,
    deterministic: bool,
    weights: Path | None,
    keep_predictions: bool,
    tensorboard: bool,
    checkpoint_every: float,
    pictures: str,
    dry_run: bool,
    data_dir: Path | None,
    partial: bool,
    output: Path,
) -> int:
    """Train and score every run of a suite, and make the leaderboard.

    Without options the suite `quick` runs on synthetic membranes: no download, no GPU, a few minutes. Runs that
    are finished in the output folder are found and not repeated; interrupted ones go on where they were.

    With --images and --masks the data set is two folders of your own, whose files are paired by name; three contiguous
    folds (in the order of the names) are made. `topobench data new` writes a card where that is not enough.
    """
    others = {"--dataset": datasets, "--data-dir": data_dir, "--partial": partial}
    check_own(images, masks, others, connectivity, phase)
    chosen, chosen_recipes = _chosen(suite, {"recipes": recipes, "datasets": datasets, "folds": folds, "seeds": seeds})
    own = [own_dataset(images, masks, connectivity, phase)] if images and masks else None
    chosen_datasets = own or opened(chosen.datasets, data_dir, partial)
    for dataset, fold in product(chosen_datasets, chosen.folds):
        dataset.fold(fold)

    from topobench.cli.gallery import Gallery
    from topobench.cli.machines import machines
    from topobench.cli.running import Matrix

    settings = Settings(checkpoint_every, keep_predictions, deterministic, tensorboard)
    gallery = Gallery(pictures, {dataset.card.name: dataset for dataset in chosen_datasets})
    with machines(scheduler, stage, device, precision, jobs, threads) as where:
        matrix = Matrix.of(chosen, chosen_recipes, chosen_datasets, where, output)
        return matrix.show() if dry_run else matrix.go(settings, weights, data_dir, gallery)


def _chosen(name: str, replaced: Mapping[str, Sequence[Any] | None]) -> tuple[Suite, list[Recipe]]:
    """Return a suite, with what is given in place of its own, and its recipes; all files it names are read."""
    from topobench.cards import load_recipe, load_suite
    from topobench.metrics import load_protocol

    suite = load_suite(name)
    suite = suite.model_copy(update={key: tuple(dict.fromkeys(value)) for key, value in replaced.items() if value})
    recipes = [load_recipe(recipe) for recipe in suite.recipes]
    budgets = [suite.budget] if suite.budget else [recipe.budget for recipe in recipes]
    for protocol in [*suite.protocols, *(budget.validation.protocol for budget in budgets if budget.validation)]:
        load_protocol(protocol)
    return suite, [recipe.scaled(factor) for recipe in recipes for factor in dict.fromkeys(suite.factors)]
