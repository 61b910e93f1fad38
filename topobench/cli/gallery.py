"""The pictures of a leaderboard: chosen images of each data set, and what each method predicted of them.

Only here data and kept maps are at hand; the leaderboard itself is made of records, and shows what was drawn.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from topobench.cards import names
from topobench.cli.words import counted
from topobench.data import open_dataset
from topobench.data.folders import FolderOfPredictions
from topobench.drawing import draw_mistakes_alone, save_figure
from topobench.errors import TopobenchError
from topobench.files import digest, write_atomic
from topobench.leaderboard import Board, Prediction, Scene, choose_images, read_scenes, write_scenes
from topobench.leaderboard.scenes import PICTURES, may_be_shown
from topobench.metrics.postprocess import Variant
from topobench.run.maps import read_map
from topobench.scores import Predictor, run_name

if TYPE_CHECKING:
    from topobench.data import Dataset
    from topobench.leaderboard import Table
    from topobench.types import RunRecord, Sample

__all__ = ["Gallery"]

LARGEST = 512  # pixels a side; larger images are shown smaller
METHODS = 12  # of which predictions are shown, the best first


@dataclass(frozen=True)
class Gallery:
    """What pictures are drawn, and where their data are.

    `which` is ``free`` (data sets whose card says that they may be redistributed), ``all`` or ``none``; by default
    what $TOPOBENCH_PICTURES says. `given` are data sets by name that are open already; others are looked for under
    `data_dir`. `scored` are folders of predictions, by the id of the run that they were scored as.
    """

    which: str = field(default_factory=lambda: os.environ.get("TOPOBENCH_PICTURES", "free"))
    given: Mapping[str, Dataset] = field(default_factory=dict)
    data_dir: Path | None = None
    partial: bool = False
    scored: Mapping[str, Path] = field(default_factory=dict)

    def draw(self, board: Board, paths: Iterable[Path], output: Path) -> None:
        """Draw the pictures of a board into `output`, from maps that lie beside the records of `paths`.

        What was drawn before is kept as it is, as long as the board has its runs and it may be shown; data that are not
        there are said.
        """
        if self.which == "none":
            return
        before = read_scenes(output)
        there = {(one.dataset, one.data_hash, one.image): one for one in before if self._may_show(one.dataset)}
        folders = _Folders(_map_folders(paths), self.scored)
        found = dict(there)
        for table in _one_each(board):
            try:
                for scene in self._scenes(table, folders, output, there):
                    found[scene.dataset, scene.data_hash, scene.image] = scene
            except (TopobenchError, OSError) as error:
                click.echo(f"No pictures of {table.dataset}: {error}", err=True)
        if found or before:
            runs = {record.run_id for table in board.tables for record in table.runs}
            write_scenes(output, (s for s in found.values() if any(one.run_id in runs for one in s.predictions)))

    def _scenes(
        self, table: Table, folders: _Folders, output: Path, there: Mapping[tuple[str, str, str], Scene]
    ) -> Iterator[Scene]:
        """Yield the scenes of a table that can be drawn; those that are there already are not drawn again."""
        chosen = [(image, why, _predicted(table, image, folders)) for image, why in choose_images(table)]
        data_hash = table.runs[-1].data_hash
        for image, why, wanted in chosen:
            before = there.get((table.dataset, data_hash, image))
            drawn = {one.run_id: one for one in before.predictions} if before else {}
            runs = {record.run_id for record, _ in wanted}
            if runs <= drawn.keys():
                continue
            dataset = self._dataset(table)
            if dataset is None:
                return
            readers = [(record, _reader(record, folder, dataset)) for record, folder in wanted]
            scene = _Drawing(table, dataset[image], output / PICTURES).scene(why, data_hash, readers)
            gone = [one for run, one in drawn.items() if run in table.methods and run not in runs]  # maps, not the run
            yield replace(scene, predictions=(*scene.predictions, *gone))

    def _may_show(self, name: str) -> bool:
        """Whether pictures of a data set are wanted."""
        free = self.given[name].card.redistributable if name in self.given else may_be_shown(name)
        return free or self.which == "all"

    def _dataset(self, table: Table) -> Dataset | None:
        """Return the data set of a table, if it may be shown and is what its runs were scored on."""
        name, record = table.dataset, table.runs[-1]
        if name not in self.given and name not in names("datasets"):
            click.echo(
                f"No pictures of {name}: its card is not shipped; name its file by --dataset. Of runs with --images "
                "and --masks give that command again: it repeats none of them, and draws.", err=True,
            )  # fmt: skip
            return None
        if not self._may_show(name):
            click.echo(
                f"No pictures of {name}: its card does not say that they may be redistributed; --pictures all draws "
                "them, for a page that you keep to yourself.", err=True,
            )  # fmt: skip
            return None
        dataset = self.given.get(name) or open_dataset(name, self.data_dir, self.partial)
        if dataset.identity() != record.card or dataset.data_hash != record.data_hash:
            click.echo(f"No pictures of {name}: the data that are here are not those of the records.", err=True)
            return None
        return dataset


@dataclass(frozen=True)
class _Drawing:
    """The pictures of one image, in a folder."""

    table: Table
    sample: Sample
    folder: Path

    def scene(self, why: str, data_hash: str, readers: Sequence[tuple[RunRecord, Predictor]]) -> Scene:
        """Draw the image, its truth and what runs predicted; return what was drawn."""
        sample = self.sample
        height, width = sample.truth.shape
        pixels = np.moveaxis(sample.image, 0, -1) if len(sample.image) == 3 else sample.image.mean(axis=0)
        image = self._save("image", _shrunk(np.rint(pixels * 255)))
        truth = self._save("truth", _shrunk(np.where(sample.truth, 0, 255)))
        predictions = tuple(self._prediction(record, read) for record, read in readers)
        return Scene(self.table.dataset, data_hash, sample.image_id, why, height, width, image, truth, predictions)

    def _prediction(self, record: RunRecord, read: Predictor) -> Prediction:
        protocol, name = self.table.protocol, record.run_id[:12]
        likelihood = read(self.sample)
        made = Variant.of(record.recipe).apply(likelihood, protocol["threshold"], protocol["connectivity"])
        figure, found = draw_mistakes_alone(
            made, self.sample.truth, protocol["connectivity"], protocol["frame"], protocol["threshold"],
            self.sample.valid,
        )  # fmt: skip
        mistakes = self._name(f"{name}-mistakes")
        save_figure(figure, self.folder / mistakes, dpi=100)
        _reduce(self.folder / mistakes)
        pieces, holes = (
            f"{counted(found[f'false_{word}s'], word)} too many, {found[f'missed_{word}s']} lost"
            for word in ("component", "hole")
        )
        shown = self._save(f"{name}-likelihood", _shrunk(np.rint(likelihood * 31) * (255 / 31)))
        return Prediction(record.run_id, shown, mistakes, f"{pieces}; {holes}")

    def _name(self, what: str) -> str:
        """Return the name of a file: readable, and no other image's, nor that of one of the same name in other data."""
        key = [self.table.dataset, self.sample.image_id]
        own = digest([*key, self.table.runs[-1].data_hash])[:6]
        return f"{re.sub(r'[^a-zA-Z0-9.-]+', '-', '_'.join(key))}_{own}_{what}.png"

    def _save(self, what: str, image: Image.Image) -> str:
        name, stream = self._name(what), io.BytesIO()
        image.save(stream, format="PNG", optimize=True)
        write_atomic(self.folder / name, stream.getvalue())
        return name


def _one_each(board: Board) -> Iterator[Table]:
    """Yield one table of each data set, by which its images are chosen: by the protocol that its runs name first."""
    for section in board.sections:
        tables = [table for setting in section.settings for table in setting.main]
        yield min(tables, key=lambda table: (not table.budget, _place(table)))


def _place(table: Table) -> int:
    """Return how late a table's protocol comes among those of its runs."""
    return list(table.runs[-1].protocols).index(table.protocol["name"])


def _map_folders(paths: Iterable[Path]) -> list[Path]:
    """Return the folders of kept maps that lie beside records: `predictions` of an output folder."""
    near = [folder / "predictions" for path in paths for folder in (path, path.parent, path.parent.parent)]
    return [folder for folder in dict.fromkeys(near) if folder.is_dir()]


@dataclass(frozen=True)
class _Folders:
    """Where maps lie: folders of runs in `places`, by their names, and what was scored just now."""

    places: Sequence[Path]
    scored: Mapping[str, Path]

    def of(self, record: RunRecord) -> Path | None:
        """Return the folder of the maps of a run, if there is one."""
        if record.run_id in self.scored:
            return self.scored[record.run_id]
        name = run_name(asdict(record))
        return next((place / name for place in self.places if (place / name).is_dir()), None)


def _predicted(table: Table, image: str, folders: _Folders) -> list[tuple[RunRecord, Path]]:
    """Return a run of each method that predicted an image, that of the first seed, and the folder of its maps."""
    found: dict[str, tuple[RunRecord, Path]] = {}
    for record in sorted(table.runs, key=lambda record: (record.seed or 0, record.run_id)):
        key = table.methods.get(record.run_id)
        kept = record.kind == "scored" or image in record.predictions
        if key is None or key in found or not kept or image not in table.scored[record.run_id]:
            continue
        if folder := folders.of(record):
            found[key] = record, folder
    entries = sorted(table.entries, key=lambda entry: entry.kind == "null")  # which stand last
    return [found[entry.key] for entry in entries if entry.key in found][:METHODS]


def _reader(record: RunRecord, folder: Path, dataset: Dataset) -> Predictor:
    """Return what reads the likelihood of a sample that a run kept, or that somebody predicted."""
    if record.kind == "scored":
        others, image_ids = dataset.fold(record.fold)
        return FolderOfPredictions(folder, image_ids, others)
    return lambda sample: read_map(folder, sample.image_id, record.predictions[sample.image_id])


def _shrunk(pixels: NDArray[Any]) -> Image.Image:
    """Return pixels (H, W) or (H, W, 3), 0 to 255, as an image of at most `LARGEST` pixels a side."""
    image = Image.fromarray(pixels.astype(np.uint8))
    if max(image.size) > LARGEST:
        image.thumbnail((LARGEST, LARGEST), Image.Resampling.BOX)
    return image


def _reduce(path: Path) -> None:
    """Write a picture again with 64 colours: a third of the bytes, and the same to the eye."""
    stream = io.BytesIO()
    Image.open(path).convert("RGB").quantize(64, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
        stream, format="PNG", optimize=True
    )
    write_atomic(path, stream.getvalue())
