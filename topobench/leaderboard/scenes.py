"""Scenes: images of a data set with what each method predicted, drawn before the page is made, and kept beside it.

A page is made of records alone, on any machine; drawing wants the data and the kept maps. So what was drawn is kept in
a folder `pictures`, with a file that says of which runs it is, and every page that is made beside it shows it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from topobench.cards import load_card
from topobench.errors import RecordError, TopobenchError
from topobench.files import write_atomic
from topobench.leaderboard.tables import Table

__all__ = [
    "PICTURES", "Prediction", "Scene", "choose_images", "embedded", "may_be_shown", "read_scenes", "shown",
    "write_scenes",
]  # fmt: skip

PICTURES = "pictures"
INDEX = "pictures.json"
ROOM = 4_500_000  # bytes of pictures that a page takes up, so that with base64 it stays under 8 MB
WANTED = ("the hardest", "the middle one", "the easiest")


@dataclass(frozen=True)
class Prediction:
    """What one run predicted: the files of its likelihood and of its mistakes in place, and these in words."""

    run_id: str
    likelihood: str
    mistakes: str
    summary: str


@dataclass(frozen=True)
class Scene:
    """One image: the files of it and of its truth (height x width pixels), why it was chosen, and predictions of it."""

    dataset: str
    data_hash: str
    image: str
    why: str
    height: int
    width: int
    image_file: str
    truth_file: str
    predictions: tuple[Prediction, ...]

    @property
    def files(self) -> list[str]:
        """All its files."""
        both = [name for one in self.predictions for name in (one.likelihood, one.mistakes)]
        return [self.image_file, self.truth_file, *both]


_ADAPTER = TypeAdapter(list[Scene])


def may_be_shown(dataset: str) -> bool:
    """Whether pictures of a data set may be published: its card says so; a card that is not at hand says nothing."""
    try:
        return load_card(dataset).redistributable
    except TopobenchError:
        return False


def choose_images(table: Table) -> list[tuple[str, str]]:
    """Return images of a table and why: the hardest, the middle and the easiest one, by the mean over its methods."""
    found = [
        entry.scores.images for entry in table.entries if entry.rank and entry.scores and entry.kind != "null"
    ] or [entry.scores.images for entry in table.entries if entry.rank and entry.scores]
    if not found:
        return []
    means = np.mean(found, axis=0)
    high = table.figure(table.ranked_by).better == "high"
    order = [int(place) for place in np.argsort(means if high else -means, kind="stable") if not np.isnan(means[place])]
    places = dict.fromkeys([0, (len(order) - 1) // 2, len(order) - 1] if order else [])
    return [
        (table.images[order[place]], f"{why} by {table.ranked_by}, the mean over methods")
        for place, why in zip(places, WANTED, strict=False)
    ]


def read_scenes(folder: Path) -> list[Scene]:
    """Return the scenes that were drawn for a leaderboard in a folder; none where nothing was."""
    path, remedy = folder / PICTURES / INDEX, f"remove {folder / PICTURES}, and draw anew."
    if not path.is_file():
        return []
    try:
        scenes = _ADAPTER.validate_json(path.read_bytes())
    except ValidationError as error:
        raise RecordError(f"{path} does not say what pictures there are; {remedy}") from error
    for name in (file for scene in scenes for file in scene.files):
        if Path(name).name != name or not (path.parent / name).is_file():
            raise RecordError(f"{path} names {name!r}, which is not beside it; {remedy}")
    return scenes


def write_scenes(folder: Path, scenes: Iterable[Scene]) -> None:
    """Write which scenes lie in `pictures` of a folder; what is there and none of theirs is removed."""
    kept = list(scenes)
    text = json.dumps([asdict(scene) for scene in kept], indent=1, ensure_ascii=False)
    write_atomic(folder / PICTURES / INDEX, text.encode() + b"\n")
    named = {name for scene in kept for name in scene.files}
    for path in (folder / PICTURES).glob("*.png"):
        if path.name not in named:
            path.unlink()


def shown(scenes: Sequence[Scene], run_ids: Iterable[str], folder: Path) -> tuple[list[Scene], int]:
    """Return the scenes that a page shows, with those of their predictions that are of these runs, and how many not.

    Each data set has its first scene before any has its second, as long as there is room.
    """
    runs, room, chosen = set(run_ids), ROOM, []
    known = [
        replace(scene, predictions=tuple(one for one in scene.predictions if one.run_id in runs)) for scene in scenes
    ]
    wanted = [scene for scene in known if scene.predictions]
    places = {id(scene): sum(other.dataset == scene.dataset for other in wanted[:n]) for n, scene in enumerate(wanted)}
    for scene in sorted(wanted, key=lambda scene: places[id(scene)]):
        size = sum((folder / PICTURES / name).stat().st_size for name in scene.files)
        if size <= room:
            room -= size
            chosen.append(scene)
    return [scene for scene in wanted if scene in chosen], len(wanted) - len(chosen)


def embedded(folder: Path, name: str) -> str:
    """Return a picture as a page holds it: a data URI."""
    return "data:image/png;base64," + base64.b64encode((folder / PICTURES / name).read_bytes()).decode()
