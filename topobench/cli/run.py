"""`topobench run`: train and score the runs of a suite, then make the leaderboard."""

from __future__ import annotations

import time
from pathlib import Path

import click

from topobench.cli.options import INDICES, data_dir, output

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
@click.option("--folds", type=INDICES, help="In place of the suite's: folds, e.g. 0,2.")
@click.option("--seeds", type=INDICES, help="In place of the suite's: seeds, e.g. 0,1.")
@click.option("--device", default="auto", show_default=True, help="auto, cuda, mps or cpu.")
@data_dir
@output
def run(
    suite: str,
    recipes: tuple[str, ...],
    datasets: tuple[str, ...],
    folds: tuple[int, ...] | None,
    seeds: tuple[int, ...] | None,
    device: str,
    data_dir: Path | None,
    output: Path,
) -> int:
    """Train and score every run of a suite, and make the leaderboard.

    Without options the suite `quick` runs on synthetic membranes: no download, no GPU, a few minutes. Runs that
    are finished in the output folder are found and not repeated; interrupted ones go on where they were.
    """
    from topobench.cards import load_recipe, load_suite
    from topobench.data import open_dataset
    from topobench.metrics import load_protocol

    chosen = load_suite(suite)
    replaced = {"recipes": recipes, "datasets": datasets, "folds": folds, "seeds": seeds}
    chosen = chosen.model_copy(update={key: tuple(dict.fromkeys(value)) for key, value in replaced.items() if value})
    # whatever is wrong is said before torch is loaded and anything is trained
    chosen_recipes = [load_recipe(name) for name in chosen.recipes]
    chosen_datasets = [open_dataset(name, data_dir) for name in chosen.datasets]
    for protocol in chosen.protocols:
        load_protocol(protocol)
    for dataset in chosen_datasets:
        for fold in chosen.folds:
            dataset.fold(fold)
    click.echo(f"Suite {chosen.name}: {chosen.title}.", err=True)
    started = time.monotonic()

    from topobench.cli.board import board
    from topobench.cli.progress import watching
    from topobench.cli.signals import stopping_on_signals
    from topobench.environment import peak_memory_mib
    from topobench.run.device import choose_device
    from topobench.run.execute import Stopped
    from topobench.run.executors import execute_serially
    from topobench.run.matrix import expand

    chosen_device = choose_device(device)
    (output / "records").mkdir(parents=True, exist_ok=True)  # a folder that cannot be written is found out now
    runs = expand(chosen, chosen_recipes, chosen_datasets, chosen_device)
    click.echo(
        f"{len(runs)} runs on {chosen_device.kind} ({chosen_device.precision}, {chosen_device.threads} threads), "
        f"kept in {output}.",
        err=True,
    )
    with stopping_on_signals() as stopping:
        try:
            with watching(len(runs)) as watcher:
                records = execute_serially(runs, output, watcher, stopping)
        except Stopped:
            click.echo(
                f"Stopped; all that was done is kept in {output}. The same command goes on from there.",
                err=True,
            )
            return stopping.exit_code
    board([output / "records"], output)
    click.echo(f"{time.monotonic() - started:.0f} s in all, peak memory {peak_memory_mib():.0f} MiB.", err=True)
    failed = [record for record in records if not record.finished]
    return 1 if failed else 0
