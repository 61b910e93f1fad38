"""From the pixels of an image, its labels and its validity mask to a sample: what all adapters of files share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from topobench.cards import Card, Validity
from topobench.data.labels import structure_of, values_of
from topobench.data.readers import to_unit
from topobench.errors import CardError, DataError
from topobench.types import BoolArray, Member, Sample

__all__ = ["Pixels", "by_member", "make_sample", "member_of", "shape_fault"]


Found = TypeVar("Found")


@dataclass(frozen=True)
class Pixels:
    """An array as it was read, and from where: a file, and what of it (``page 3``)."""

    array: NDArray[Any]
    path: Path
    detail: str = ""

    @property
    def where(self) -> str:
        """The file, and what of it, for the beginning of a sentence."""
        return f"{self.path}, {self.detail}," if self.detail else str(self.path)


def member_of(card: Card, name: str, part: str = "") -> Member:
    """Return the member that a file or section of that name is, with its unit as the card's ``[units]`` says.

    DataError where the name does not fit: blocks of neighbouring images need a number at its end.
    """
    image_id = f"{part}-{name}" if part else name
    if card.units.pattern:
        found = re.search(card.units.pattern, name)
        if not found or found[1] is None:
            raise CardError(f"card {card.name!r}: the units' pattern {card.units.pattern!r} is not found in {name!r}.")
        return Member(image_id, part, found[1])  # whatever the part: a photograph may have crops in several
    if card.units.block:
        number = re.search(r"(\d+)$", name)
        if not number:
            raise CardError(f"card {card.name!r} makes units of neighbours, but {name!r} does not end in a number.")
        unit = f"block-{int(number[1]) // card.units.block:02d}"
        return Member(image_id, part, f"{part}-{unit}" if part else unit)
    return Member(image_id, part, image_id)


def by_member(card: Card, found: Iterable[tuple[Member, Found]]) -> dict[Member, Found]:
    """Return what belongs to each member; CardError where two have one id, and so could not be told apart."""
    places = list(found)
    ids = Counter(member.image_id for member, _ in places)
    if twice := [image_id for image_id, number in ids.items() if number > 1]:
        raise CardError(
            f"card {card.name!r} gives {ids[twice[0]]} images the id {twice[0]!r}; name its parts so that ids differ."
        )
    return dict(places)


def shape_fault(card: Card, shape: tuple[int, int], where: str) -> str:
    """Return a sentence where the card does not allow an image of that height and width, else an empty text."""
    if not card.shapes or shape in card.shapes:
        return ""
    allowed = " or ".join(map(str, card.shapes))
    return f"{where} has the shape {shape}; the card wants {allowed} (height, width)"


def make_sample(card: Card, member: Member, image: Pixels, labels: Pixels, mask: Pixels | None = None) -> Sample:
    """Return the sample, checked against the card; DataError names the file and what was found in it.

    Parameters
    ----------
    image : (H, W) or (H, W, 3); bool, uint8, uint16, or float in [0, 1]
    labels : (H, W), whole numbers
    mask : (H, W), whole numbers, or None
        The validity mask, where the card's rule is a mask.
    """
    height, width = image.array.shape[:2]
    channels = 1 if image.array.ndim == 2 else image.array.shape[2]
    if fault := shape_fault(card, (height, width), image.where):
        raise DataError(f"{fault}.")
    if channels != card.channels:
        raise DataError(f"{image.where} has {channels} channels; the card wants {card.channels}.")
    for other in (labels, mask):
        if other and other.array.shape != (height, width):
            raise DataError(f"{other.where} has the shape {other.array.shape}, {image.where} {(height, width)}.")
    if card.labels is None:
        raise CardError(f"card {card.name!r} has no [labels]; its adapter {card.adapter!r} reads label files.")
    unit_image = to_unit(image.array, image.path)
    truth = structure_of(labels.array, card.labels, card.connectivity, labels.where)
    stack = unit_image[None] if unit_image.ndim == 2 else np.ascontiguousarray(unit_image.transpose(2, 0, 1))
    return Sample(member.image_id, stack, truth, _valid(card.validity, image, mask), member.unit)


def _valid(rule: Validity | None, image: Pixels, mask: Pixels | None) -> BoolArray | None:
    """Return where the sample means something, or None where it does everywhere."""
    if rule is None:
        return None
    if rule.rule == "colour":
        empty = np.all(image.array.reshape(*image.array.shape[:2], -1) == rule.colour, axis=-1)
        valid = _pieces(~_pieces(empty, rule.smallest), rule.smallest)  # what it leaves of specks is no data either
    else:
        if mask is None:
            raise DataError(f"{image.where} has no validity mask, and the card says that there is one for each image.")
        strange = [value for value in values_of(mask.array) if value not in (*rule.inside, *rule.outside)]
        if strange:
            raise DataError(
                f"{mask.where} has the values {strange[:5]}; the card allows {list(rule.inside)} (inside) and "
                f"{list(rule.outside)} (outside)."
            )
        valid = np.isin(mask.array, np.array(rule.inside))
    return None if valid.all() else valid


def _pieces(mask: BoolArray, smallest: int | None) -> BoolArray:
    """Return the 4-connected pieces of a mask that have at least so many pixels."""
    labels, _ = ndimage.label(mask)
    large = np.bincount(labels.ravel()) >= (smallest or 1)
    large[0] = False
    return np.asarray(large[labels])
