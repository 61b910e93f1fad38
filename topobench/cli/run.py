"""`topobench run`: train and score the runs of a suite, then make the leaderboard."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from topobench.cli.options import INDICES, data_dir, output, partial

if TYPE_CHECKING:
    from topobench.data import Dataset

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
@click.option("--device", default="auto", show_default=True, help="auto, cuda, mps or cpu.")
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
    from topobench.cards import load_recipe, load_suite
    from topobench.metrics import load_protocol

    others = {"--dataset": datasets, "--data-dir": data_dir, "--partial": partial}
    _check_own(images, masks, others, connectivity, phase)
    chosen = load_suite(suite)
    replaced = {"recipes": recipes, "datasets": datasets, "folds": folds, "seeds": seeds}
    chosen = chosen.model_copy(update={key: tuple(dict.fromkeys(value)) for key, value in replaced.items() if value})
    # whatever is wrong is said before torch is loaded and anything is trained
    chosen_recipes = [load_recipe(name) for name in chosen.recipes]
    own = [_own(images, masks, connectivity, phase)] if images and masks else None
    chosen_datasets = own or _opened(chosen.datasets, data_dir, partial)
    for protocol in chosen.protocols:
        load_protocol(protocol)
    for dataset, fold in product(chosen_datasets, chosen.folds):
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
            with watching(runs) as watcher:
                records = execute_serially(runs, output, watcher, stopping)
        except Stopped:
            click.echo(
                f"Stopped; all that was done is kept in {output}. The same command goes on from there.", err=True
            )
            return stopping.exit_code
    board([output / "records"], output)
    click.echo(f"{time.monotonic() - started:.0f} s in all, peak memory {peak_memory_mib():.0f} MiB.", err=True)
    return int(not all(record.finished for record in records))


def _check_own(
    images: Path | None, masks: Path | None, others: Mapping[str, Any], connectivity: str | None, phase: str | None
) -> None:
    """Raise UsageError where the options do not name one kind of data set."""
    if (images is None) != (masks is None):
        raise click.UsageError("--images and --masks go together: a folder of images, and a folder of their masks.")
    if images and (given := [name for name, value in others.items() if value]):
        raise click.UsageError(f"Give either --images and --masks, or {given[0]}.")
    if images is None and (connectivity or phase):
        raise click.UsageError("--connectivity and --phase belong to --images; a data set's card names its own.")


def _own(images: Path, masks: Path, connectivity: str | None, phase: str | None) -> Dataset:
    """Return two folders as a data set, named after the folder that holds them; a warning where much is structure."""
    from topobench.data.dataset import open_card
    from topobench.data.own import binary_labels, card_of, slug
    from topobench.data.survey import survey

    found = survey(images, masks)
    labels = binary_labels(found)
    share = sum(found.values[value] for value in labels.structure) / found.values.total()
    if share > 0.5:
        click.echo(
            f"Warning: {100 * share:.0f} % of the masks is structure (not 0); are they inverted? `topobench data new` "
            "writes a card in which you say what is structure.", err=True,
        )  # fmt: skip
    card = card_of(
        slug(found.folder.name), found, labels, 4 if connectivity == "4" else 8,
        "structure" if phase == "structure" else "regions",
    )  # fmt: skip
    click.echo(f"{found.count} images of your own, {found.folder}: the data set {card.name!r}.", err=True)
    return open_card(card)


def _opened(names: Sequence[str], data_dir: Path | None, partial: bool) -> list[Dataset]:
    """Return the data sets of these names, and say which are not complete."""
    from topobench.data import open_dataset

    found = [open_dataset(name, data_dir, partial) for name in names]
    for dataset in found:
        if len(dataset) < dataset.card.count:
            click.echo(
                f"{dataset.card.name}: {len(dataset)} of {dataset.card.count} images, as --partial allows.", err=True
            )
    return found
