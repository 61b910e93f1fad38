"""Cards of data sets: where one comes from, how its labels are read, how it is split, what it should hold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from topobench.cards.downloads import Below, DataFile, Download
from topobench.cards.schema import Count, File, Index, Strict, VariantName

__all__ = ["Card", "Folds", "Labels", "ListedFold", "Units", "Validity"]

Fits = dict[str, set[str]]


class Labels(Strict):
    """How structure is read from the pixels of a label file.

    ``values``: it is where one of `structure` stands; any value that is in neither list is an error.
    ``threshold``: it is what lies `above` a value; for labels that were compressed with loss.
    ``ids``: every region has an id of its own. Structure is where neighbouring pixels have different ids, `thickness`
    pixels across (data/labels.py says exactly which), and where an id of `structure` stands.
    """

    rule: Literal["values", "threshold", "ids"]
    structure: tuple[Index, ...] = ()
    background: tuple[Index, ...] = ()
    above: float | None = None
    thickness: Count | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Labels:
        takes: Fits = {"values": {"structure", "background"}, "threshold": {"above"}, "ids": {"thickness"}}
        _check_keys("labels", self, takes, {"ids": {"structure"}})
        if twice := sorted(set(self.structure) & set(self.background)):
            raise ValueError(f"labels: {twice} stand both in 'structure' and in 'background'")
        return self


class Validity(Strict):
    """Which pixels mean something.

    ``mask``: a file beside each image says so (a field of view): `inside` and `outside` list its values.
    ``colour``: where the image has exactly this `colour` there are no data, in pieces of at least `smallest` pixels
    (a single pixel that is saturated is no hole in the data); nor in smaller pieces that these leave of the rest.
    """

    rule: Literal["mask", "colour"]
    inside: tuple[Index, ...] = ()
    outside: tuple[Index, ...] = ()
    colour: tuple[Index, ...] = ()
    smallest: Count | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Validity:
        _check_keys("validity", self, {"mask": {"inside", "outside"}, "colour": {"colour", "smallest"}})
        if both := sorted(set(self.inside) & set(self.outside)):
            raise ValueError(f"validity: {both} stand both in 'inside' and in 'outside'")
        return self


class Units(Strict):
    """Which images depend on each other: those of one unit are resampled, and put into folds, together.

    `block`: so many neighbouring sections make a unit. `pattern`: a regular expression that is searched in an image's
    name, and whose first group names the unit (the photograph that crops come from). Neither: each image is a unit.
    """

    block: Count | None = None
    pattern: str | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Units:
        if self.block and self.pattern:
            raise ValueError("units take a 'block' or a 'pattern', not both")
        if self.pattern is not None:
            try:
                groups = re.compile(self.pattern).groups
            except re.error as error:
                raise ValueError(
                    f"the pattern {self.pattern!r} of the units is no regular expression: {error}"
                ) from None
            if groups != 1:
                raise ValueError(f"the pattern {self.pattern!r} of the units has {groups} groups; it must have one")
        return self


class ListedFold(Strict):
    """One fold by its images: those that are scored, and those that are trained on (empty: all others)."""

    score: Annotated[tuple[str, ...], Field(min_length=1)]
    train: tuple[str, ...] = ()


class Folds(Strict):
    """How images are split into those that are scored and those that are trained on.

    ``contiguous``: fold k scores the k-th of `count` parts, in the card's order, and trains on the rest.
    ``shuffled``: the same after the units were shuffled by `seed`. Neither ever cuts a unit in two.
    ``parts``: one fold, the official split: it trains on the parts of the layout named in `train`, and scores those
    in `score`.
    ``listed``: every fold names its images.
    """

    rule: Literal["contiguous", "shuffled", "parts", "listed"]
    count: Annotated[int, Field(ge=2)] | None = None
    seed: Index | None = None
    train: tuple[str, ...] = ()
    score: tuple[str, ...] = ()
    listed: tuple[ListedFold, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Folds:
        takes: Fits = {
            "contiguous": {"count"}, "shuffled": {"count", "seed"}, "parts": {"train", "score"}, "listed": {"listed"},
        }  # fmt: skip
        _check_keys("folds", self, takes)
        if both := sorted(set(self.train) & set(self.score)):
            raise ValueError(f"folds: the parts {both} are both trained on and scored")
        return self

    @property
    def number(self) -> int:
        """How many folds there are."""
        return self.count or len(self.listed) or 1


class Card(File):
    """A data set: where it comes from, how its files are read, how it is split.

    `connectivity` is that of the structure, `phase` says which components Rand and VOI label. `count`, `shapes`
    (height, width; none: any) and `channels` are what the files should hold. `layout` holds the options of the adapter,
    `access` says how one gets the files, `downloads` where topobench gets them where it may, `files` which of them are
    known byte for byte, and `folder` where they lie if not in a folder of the card's name. `variants` are the same data
    used in another way: each a table of the keys that differ, asked for as ``name:variant``.
    """

    name: VariantName
    adapter: str
    connectivity: Literal[4, 8]
    phase: Literal["regions", "structure"]
    count: Count
    shapes: tuple[tuple[Count, Count], ...] = ()
    channels: Count = 1
    labels: Labels | None = None
    validity: Validity | None = None
    units: Units = Units()
    folds: Folds
    layout: dict[str, Any] = Field(default_factory=dict)
    files: dict[Below, DataFile] = Field(default_factory=dict)
    downloads: tuple[Download, ...] = ()
    homepage: str = ""
    licence: str
    redistributable: bool
    access: str = ""
    citation: str = ""
    pixel_size: tuple[float, float] | None = None
    pixel_unit: Literal["nm", "um", "mm", "m"] | None = None
    folder: str = ""
    variants: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> Card:
        if (self.pixel_size is None) != (self.pixel_unit is None):
            raise ValueError("'pixel_size' and 'pixel_unit' go together")
        if self.validity and self.validity.rule == "colour" and len(self.validity.colour) != self.channels:
            raise ValueError(f"validity: the colour has {len(self.validity.colour)} values, the images {self.channels}")
        if each := sum(download.each_file for download in self.downloads):
            if each > 1:
                raise ValueError("downloads: one address with {file} is enough; the card has more")
            unknown = [name for name, file in self.files.items() if not file.sha256]
            if unknown or not self.files:
                raise ValueError(f"downloads: {{file}} wants [files] with a sha256 each; it lacks {unknown or 'them'}")
        return self

    @property
    def family(self) -> str:
        """The name without that of the variant: what the folder is called."""
        return self.name.partition(":")[0]

    def identity(self) -> dict[str, Any]:
        """Return what changes a run when it changes; titles, terms and citations do not.

        Connectivity does, for the borders between ids follow from it.
        """
        heeded = {"name", "version", "adapter", "connectivity", "labels", "validity", "units", "folds", "layout"}
        return self.model_dump(mode="json", include=heeded, exclude_defaults=True)


def _check_keys(table: str, found: Strict, takes: Fits, may: Fits | None = None) -> None:
    """Raise ValueError where a table lacks a key that its rule takes, or has one that it does not."""
    rule = getattr(found, "rule")  # noqa: B009
    given = {key for key in type(found).model_fields if key != "rule" and getattr(found, key) not in (None, ())}
    if missing := sorted(takes[rule] - given):
        raise ValueError(f"{table}: the rule {rule!r} wants {_words(missing)}")
    if surplus := sorted(given - takes[rule] - (may or {}).get(rule, set())):
        raise ValueError(f"{table}: the rule {rule!r} takes no {_words(surplus)}")


def _words(keys: Iterable[str]) -> str:
    return " and ".join(repr(key) for key in keys)
