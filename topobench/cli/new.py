"""`topobench new`: a small distribution of one's own to start from."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["new"]


@click.group()
def new() -> None:
    """Make a plugin to start from: a model, and a recipe that trains it.

    A loss, metric or adapter starts best as a single file (docs/add-a-loss.md, docs/add-a-dataset.md), the card of data
    of your own with `topobench data new`.
    """


@new.command("model")
@click.argument("name")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The folder that is made.  [default: ./NAME]")
def new_model(name: str, output: Path | None) -> None:
    """Make a distribution with a model NAME, a recipe that trains it, and a test that checks both.

    It passes its own tests as it is. Nothing that is there is overwritten.
    """
    from topobench.scaffold import Names, model_files, write_new

    names = Names.of(name)
    folder = output or Path(name)
    files = model_files(names)
    write_new(files, folder)
    click.echo("\n".join(f"{folder / path}" for path in files))
    click.echo(
        f"\nThe network is in {folder / names.module / 'model.py'}. Next:\n"
        f"  pip install -e {folder}\n  topobench check model {name}\n  topobench check recipe {name}\n"
        f"  topobench run --recipe {name} --recipe unet-ce"
    )
