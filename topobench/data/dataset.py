"""A data set that is ready to be read: its card, its adapter, its folds."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, get_type_hints, overload

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from topobench.cards import Card, faults_of, load_card
from topobench.data.adapter import Adapter
from topobench.data.folds import split
from topobench.data.locate import data_root
from topobench.errors import CardError, DataError
from topobench.registry import load
from topobench.types import Sample

__all__ = ["Dataset", "Selection", "open_adapter", "open_dataset"]


class Dataset:
    """The samples of a card, by image id.

    Attributes
    ----------
    card : Card
    image_ids : tuple of str, in the card's order
    """

    def __init__(self, card: Card, adapter: Adapter) -> None:
        self.card = card
        self.image_ids = adapter.image_ids
        self._adapter = adapter

    def __len__(self) -> int:
        return len(self.image_ids)

    def __iter__(self) -> Iterator[Sample]:
        return (self[image_id] for image_id in self.image_ids)

    def __getitem__(self, image_id: str) -> Sample:
        """Return a sample by its id; KeyError for an id that the data set has not."""
        if image_id not in self.image_ids:
            raise KeyError(image_id)
        return self._adapter.read(image_id)

    def select(self, image_ids: Sequence[str]) -> Selection:
        """Return the samples of these ids, in this order, each read when it is asked for."""
        return Selection(self, image_ids)

    @cached_property
    def data_hash(self) -> str:
        """A sha256 that changes whenever any sample would."""
        return self._adapter.data_hash()

    def fold(self, index: int) -> tuple[list[str], list[str]]:
        """Return (training ids, scored ids) of a fold."""
        return split(self.image_ids, self.card.folds, index)


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


def open_dataset(name: str, data_dir: str | Path | None = None) -> Dataset:
    """Return the data set of the card `name`; DataError names every file that is missing and how to get it."""
    card = load_card(name)
    folder = data_root(data_dir) / card.name
    adapter = open_adapter(card, folder)
    missing = adapter.missing()
    if missing:
        files = ", ".join(path.name for path in missing)
        raise DataError(
            f"data set {card.name!r} lacks {files} in {folder.resolve()} (looked there because of "
            f"{'--data-dir' if data_dir else '$TOPOBENCH_DATA, or its default, the user cache'}). "
            f"{' '.join(card.access.split())}"
        )
    return Dataset(card, adapter)


def open_adapter(card: Card, folder: Path) -> Adapter:
    """Return the card's adapter; CardError for each option in ``[layout]`` that it does not take, lacks or mistypes."""
    maker = load("adapters", card.adapter)
    schema = _options_of(maker)
    try:
        options = schema.model_validate_json(json.dumps(card.layout), strict=True)
    except ValidationError as error:
        faults = faults_of(error, schema)
        raise CardError(f"card {card.name!r}, [layout] of the adapter {card.adapter!r}: {faults}.") from error
    adapter: Adapter = maker(card=card, folder=folder, **dict(options))
    return adapter


def _options_of(maker: Any) -> type[BaseModel]:
    """Return the schema of an adapter's options: its parameters, but for card and folder, with their annotations."""
    function = maker if inspect.isfunction(maker) else getattr(maker, "__init__")  # noqa: B009
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {
        name: (hints.get(name, Any), ... if parameter.default is parameter.empty else parameter.default)
        for name, parameter in inspect.signature(maker).parameters.items()
        if name not in ("card", "folder")
    }
    return create_model("Layout", __config__=ConfigDict(extra="forbid", allow_inf_nan=False), **fields)
