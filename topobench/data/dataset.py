"""A data set that is ready to be read: its card, its adapter, its folds."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, get_type_hints, overload

from pydantic import BaseModel, ConfigDict, create_model

from topobench.cards import Card, load_card
from topobench.data.contract import Adapter
from topobench.data.folds import split
from topobench.data.guarded import Guarded, calling
from topobench.data.hints import how_to_get
from topobench.data.locate import data_root
from topobench.data.options import read_options
from topobench.errors import CardError, DataError
from topobench.registry import load, plugin_of, subject
from topobench.types import Sample

__all__ = [
    "Dataset",
    "Selection",
    "folder_of",
    "open_adapter",
    "open_card",
    "open_dataset",
    "state_of",
]


class Dataset:
    """The samples of a card, by image id.

    Attributes
    ----------
    card : Card
    members : tuple of Member, in the card's order
    image_ids : tuple of str, in the same order
    folder : Path or None
        Where it was opened, absolute; None where it is of no folder.
    """

    def __init__(self, card: Card, adapter: Adapter, folder: Path | None = None) -> None:
        self.card, self.folder = card, folder
        self.members = adapter.members
        self.image_ids = tuple(member.image_id for member in adapter.members)
        self._known = frozenset(self.image_ids)
        self._sound: set[str] = set()
        self._adapter = adapter

    def __len__(self) -> int:
        return len(self.image_ids)

    def __iter__(self) -> Iterator[Sample]:
        return (self[image_id] for image_id in self.image_ids)

    def __getitem__(self, image_id: str) -> Sample:
        """Return a sample by its id; KeyError for an id that the data set has not."""
        if image_id not in self._known:
            raise KeyError(image_id)
        sample = self._adapter.read(image_id)
        self._sound.add(image_id)
        return sample

    def check(self, image_ids: Iterable[str]) -> None:
        """Read those of the images that were not read yet; DataError where one of them cannot be."""
        for image_id in image_ids:
            if image_id not in self._sound:
                self[image_id]

    def select(self, image_ids: Sequence[str]) -> Selection:
        """Return the samples of these ids, in this order, each read when it is asked for."""
        return Selection(self, image_ids)

    @cached_property
    def data_hash(self) -> str:
        """A sha256 that changes whenever any sample would."""
        return self._adapter.data_hash()

    def why_not_here(self) -> str:
        """Return why this machine, to which it was sent from another, cannot read it; an empty text where it can."""
        if self.folder is None:
            return ""
        there = open_adapter(self.card, self.folder)
        if there.members != self.members:
            lacks = ", ".join(there.missing()) or "images that the client has"
            return f"{self.folder} lacks {lacks.replace(f'{self.folder}{os.sep}', '')}"
        if there.data_hash() != self.data_hash:
            return f"{self.folder} holds other data than the client's"
        return ""

    def identity(self) -> dict[str, Any]:
        """Return what changes a run when it changes: the card's identity, and how many of its images if not all."""
        part = {} if len(self) == self.card.count else {"images": f"{len(self)} of {self.card.count}"}
        return {**self.card.identity(), **part}

    def fold(self, index: int | None) -> tuple[list[str], list[str]]:
        """Return (training ids, scored ids) of a fold; of None, all are scored."""
        if index is None:
            return [], list(self.image_ids)
        try:
            return split(self.members, self.card.folds, index)
        except CardError as error:
            raise CardError(f"data set {self.card.name!r}: {error}") from error


class Selection(Sequence[Sample]):
    """Some samples of a data set, read whenever they are asked for and never kept."""

    def __init__(self, dataset: Dataset, image_ids: Sequence[str]) -> None:
        self.dataset, self.image_ids = dataset, tuple(image_ids)

    def __len__(self) -> int:
        return len(self.image_ids)

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> Selection: ...

    def __getitem__(self, index: int | slice) -> Sample | Selection:
        """Return a sample by its place; of a slice, a selection."""
        if isinstance(index, slice):
            return Selection(self.dataset, self.image_ids[index])
        return self.dataset[self.image_ids[index]]


def open_dataset(name: str, data_dir: str | Path | None = None, partial: bool = False) -> Dataset:
    """Return the data set of the card `name`; DataError says all that is missing or does not fit, and what to do.

    With `partial` it is enough that some of the images are there; its records say how many.
    """
    return open_card(load_card(name), data_dir, partial, name)


def open_card(card: Card, data_dir: str | Path | None = None, partial: bool = False, asked: str = "") -> Dataset:
    """Return the data set of a card, which was `asked` for by its name or file; see `open_dataset`."""
    folder = folder_of(card, data_dir)
    adapter = open_adapter(card, folder)
    missing, faults = adapter.missing(), adapter.faults()
    sentences = []
    if missing and not (partial and adapter.members):
        some = bool(adapter.members) and not faults
        sentences.append(_missing(card, folder, missing, how_to_get(card, data_dir, asked), bool(data_dir), some))
    if faults:
        more = f"; and {len(faults) - 10} more" if len(faults) > 10 else ""
        sentences.append(f"In data set {card.name!r} {'; '.join(faults[:10])}{more}.")
    if sentences:
        raise DataError(" ".join(sentences))
    return Dataset(card, adapter, folder)


def folder_of(card: Card, data_dir: str | Path | None = None) -> Path:
    """Return where a card's files lie, absolute: in the folder that it names, else in its own under the data root."""
    return (Path(card.folder) if card.folder else data_root(data_dir) / card.family).absolute()


def state_of(adapter: Adapter) -> str:
    """Return in a word or two whether a data set can be used: ``ready``, ``a part``, ``missing``, ``does not fit``."""
    if not adapter.members:
        return "missing"
    if adapter.faults():
        return "does not fit"
    return "a part" if adapter.missing() else "ready"


def _missing(card: Card, folder: Path, missing: Sequence[str], how: str, given: bool, some: bool) -> str:
    """Return in words what is missing, where it was looked for and why there, and what to do."""
    why = "--data-dir" if given else "$TOPOBENCH_DATA, or its default, the user cache"
    files = ", ".join(text.replace(f"{folder}{os.sep}", "") for text in missing)
    sentences = [
        f"data set {card.name!r} lacks {files} in {folder.resolve()} "
        f"(looked there because of {'the card' if card.folder else why}).",
        how,
        "To go on with the images that are there, give --partial (in Python partial=True)." if some else "",
    ]
    return " ".join(filter(None, sentences))


def open_adapter(card: Card, folder: Path) -> Adapter:
    """Return the card's adapter; CardError for each option in ``[layout]`` that it does not take, lacks or mistypes."""
    maker = load("adapters", card.adapter)
    whose = subject("adapters", card.adapter)
    options = read_options(card, calling(whose, lambda: _options_of(maker, whose)), card.layout)
    if given := {"card", "folder"} & set(card.layout):  # an adapter with options of its own takes any other key
        raise CardError(f"card {card.name!r}, [layout] of the adapter {card.adapter!r}: unknown key {min(given)!r}.")
    if not plugin_of("adapters", card.adapter):
        adapter: Adapter = maker(card=card, folder=folder, **dict(options))
        return adapter
    return Guarded(calling(whose, lambda: maker(card=card, folder=folder, **dict(options))), whose)


def _options_of(maker: Any, whose: str) -> type[BaseModel]:
    """Return the schema of an adapter's options: its parameters, but for card and folder, with their annotations.

    An adapter that takes ``**options`` is given further keys as they are and checks them itself (`read_options`).
    """
    if not callable(maker):
        raise CardError(f"{whose} is a {type(maker).__name__}; it must be a class, or a function.")
    function = maker if inspect.isfunction(maker) else getattr(maker, "__init__")  # noqa: B009
    hints = get_type_hints(function, include_extras=True)
    parameters = inspect.signature(maker).parameters
    fields: dict[str, Any] = {
        name: (hints.get(name, Any), ... if parameter.default is parameter.empty else parameter.default)
        for name, parameter in parameters.items()
        if name not in ("card", "folder") and parameter.kind is not parameter.VAR_KEYWORD
    }
    further = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    config = ConfigDict(extra="allow" if further else "forbid", allow_inf_nan=False)
    return create_model("Layout", __config__=config, **fields)
