"""Adapter `synthetic`: samples that a family of synthetic data draws; no file is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from topobench.cards import Card
from topobench.data.options import read_options
from topobench.data.samples import member_of
from topobench.data.synthetic.cracks import Cracks
from topobench.data.synthetic.family import Family, Made, Shape, make
from topobench.data.synthetic.looks import render
from topobench.data.synthetic.membranes import Membranes
from topobench.data.synthetic.roads import Roads
from topobench.data.synthetic.vessels import Vessels
from topobench.errors import CardError
from topobench.files import digest
from topobench.seeds import generator
from topobench.types import BoolArray, Sample

__all__ = ["FAMILIES", "Synthetic"]

KEPT, KEPT_PIXELS = 128, 2**16  # images kept once drawn, and the largest that are: 40 MiB at most
FAMILIES: dict[str, type[Family]] = {"membranes": Membranes, "roads": Roads, "vessels": Vessels, "cracks": Cracks}


class Synthetic:
    """Images of one family.

    Parameters
    ----------
    family : name of the family
    options : the family's own, see its class
    """

    def __init__(
        self, card: Card, folder: Path, family: Literal["membranes", "roads", "vessels", "cracks"], **options: Any
    ) -> None:
        self.card = card
        self.name = f"synthetic-{family}"
        self.family = read_options(card, FAMILIES[family], options)
        if len(card.shapes) != 1:
            raise CardError(f"card {card.name!r} has {len(card.shapes)} shapes; what is made has one.")
        self._shape = card.shapes[0]
        self.members = tuple(member_of(card, f"image-{index:02d}") for index in range(card.count))

    def missing(self) -> list[str]:
        """Return nothing: no file is read."""
        return []

    def faults(self) -> list[str]:
        """Return nothing: no file is read."""
        return []

    def data_hash(self) -> str:
        """Return the hash of all that the pixels depend on."""
        options = [*self.family.identity(), list(self._shape)]
        return digest([self.name, self.family.version, self.card.count, options])

    def make(self, image_id: str) -> Made:
        """Return the truth of an image with what was counted meanwhile; CardError where the options allow none."""
        with self._named(image_id):
            return make(self.family, self._shape, self.name, "truth", *self._key(image_id))

    def read(self, image_id: str) -> Sample:
        """Return a sample: the image as float32 (1, H, W) in [0, 1], in steps of 1/255; each is a unit of its own."""
        draw = _kept if self._shape[0] * self._shape[1] <= KEPT_PIXELS else _draw
        with self._named(image_id):
            image, truth = draw(self.family, self._shape, self.name, *self._key(image_id))
        return Sample(image_id, image[None].copy(), truth.copy(), None, image_id)

    def _key(self, image_id: str) -> tuple[int, int]:
        index = [member.image_id for member in self.members].index(image_id)
        return self.family.seed, index

    @contextmanager
    def _named(self, image_id: str) -> Iterator[None]:
        """Name card and image in a CardError."""
        try:
            yield
        except CardError as error:
            raise CardError(f"card {self.card.name!r}, {image_id}: {error}") from error


def _draw(family: Family, shape: Shape, name: str, seed: int, index: int) -> tuple[NDArray[np.float32], BoolArray]:
    """Return image and truth (H, W); a pure function of its arguments."""
    truth = make(family, shape, name, "truth", seed, index).truth
    return render(truth, family.look, generator(name, "image", seed, index)), truth


_kept = lru_cache(KEPT)(_draw)  # a run reads each image several times, and every run of a suite the same ones
