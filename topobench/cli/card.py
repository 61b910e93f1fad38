"""`topobench data new`: a card to start from, with what was found in the files."""

from __future__ import annotations

import re
from pathlib import Path

import click

__all__ = ["new_card"]


@click.command("new")
@click.argument("name")
@click.option("--images", required=True, type=click.Path(path_type=Path), help="Folder of images.")
@click.option("--masks", required=True, type=click.Path(path_type=Path), help="Folder of masks, named like the images.")
@click.option("--valid", type=click.Path(path_type=Path), help="Folder of masks of the pixels that mean something.")
@click.option("--connectivity", type=click.Choice(["4", "8"]), default="8", show_default=True)
@click.option("--phase", type=click.Choice(["regions", "structure"]), default="regions", show_default=True)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path(), help="Folder for NAME.toml.  [default: .]"
)
def new_card(
    name: str, images: Path, masks: Path, valid: Path | None, connectivity: str, phase: str, output: Path
) -> None:
    """Write NAME.toml, a card for images and masks of your own, to be checked and completed by hand.

    All files are read. What they hold (shapes, channels, label values and their shares) is written into the card, with
    a guess of which values mean structure. An existing file is never overwritten.
    """
    from topobench.cards import NAME
    from topobench.data.dataset import open_card
    from topobench.data.own import card_of, card_text, guessed_labels
    from topobench.data.survey import survey
    from topobench.files import write_atomic

    if not re.fullmatch(NAME, name):
        raise click.UsageError(
            f"NAME is {name!r}; wanted are small letters and digits, with single - _ . between them."
        )
    path = output / f"{name}.toml"
    if path.exists():
        raise click.UsageError(f"{path} exists; remove it, or choose another NAME.")
    found = survey(images, masks, valid)
    labels = guessed_labels(found)
    card = card_of(
        name, found, labels, 4 if connectivity == "4" else 8, "structure" if phase == "structure" else "regions"
    )
    open_card(card)  # it can be used, so it is worth writing
    write_atomic(path, card_text(card, found).encode())
    shapes = ", ".join(f"{height} x {width}" for height, width in found.shapes[:5])
    click.echo(
        f"{found.count} images of {shapes}{' ...' if len(found.shapes) > 5 else ''} with {found.channels} channels, "
        f"{len(found.values)} label values.\n"
        f"Taken for structure: {_words(labels.rule, labels.structure)}. Check this, and the rest, in {path}; then\n"
        f"  topobench data inspect {path}\n  topobench run --dataset {path}"
    )


def _words(rule: str, structure: tuple[int, ...]) -> str:
    return {
        "threshold": "what lies above 127 (JPEG masks)",
        "ids": "where neighbouring ids differ, 2 pixels across" + (", and where the id is 0" if structure else ""),
    }.get(rule, f"the value {', '.join(map(str, structure))}")
