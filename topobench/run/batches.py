"""Training batches: the batch at step t is a pure function of (seed, t), the same for every recipe."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topobench.cards import Budget
from topobench.errors import DataError
from topobench.patches import allowed_places, draw_places, tiles
from topobench.run.settings import DEFAULTS
from topobench.seeds import generator
from topobench.types import BoolArray, IntArray, Sample

__all__ = ["Batch", "TrainingSet", "standardise"]

FLAT = 1e-6  # standard deviation up to which a channel is one value and its rounding

Moments = tuple[NDArray[np.float64], NDArray[np.float64]]


def standardise(image: NDArray[np.float32], valid: BoolArray | None = None) -> NDArray[np.float32]:
    """Return an image (C, H, W) with mean 0 and standard deviation 1 a channel; a flat channel becomes 0.

    Given a mask `valid` (H, W), both are those of the valid pixels, and all others become 0.
    """
    valid = _partial(valid)
    return _scaled(image, _moments(image, valid), valid)


def _partial(valid: BoolArray | None) -> BoolArray | None:
    """Return a mask, or None where it is True everywhere."""
    return None if valid is None or valid.all() else valid


def _moments(image: NDArray[np.float32], valid: BoolArray | None) -> Moments:
    """Return mean and standard deviation of the valid pixels a channel, (C, 1, 1) each; 1 for that of a flat one."""
    if valid is not None and not valid.any():
        return np.zeros((len(image), 1, 1)), np.ones((len(image), 1, 1))
    where: Any = True if valid is None else valid
    wide = image.astype(np.float64)
    mean = wide.mean(axis=(1, 2), keepdims=True, where=where)
    deviation = (wide - mean).std(axis=(1, 2), keepdims=True, where=where)
    return mean, np.where(deviation > FLAT, deviation, 1)


def _scaled(image: NDArray[np.float32], moments: Moments, valid: BoolArray | None) -> NDArray[np.float32]:
    """Return an image, or part of one, less the mean and divided by the deviation; 0 where it is not valid."""
    scaled = (image.astype(np.float64) - moments[0]) / moments[1]
    return np.asarray(scaled if valid is None else np.where(valid, scaled, 0), dtype=np.float32)


class Batch(NamedTuple):
    """Images (B, C, h, w) and targets (B, 1, h, w), float32; valid pixels, bool (B, 1, h, w), None where all are."""

    images: Tensor
    target: Tensor
    valid: Tensor | None

    def to(self, device: str) -> Batch:
        """Return the batch on a device."""
        valid = None if self.valid is None else self.valid.to(device)
        return Batch(self.images.to(device), self.target.to(device), valid)


@dataclass(frozen=True)
class TrainingSet:
    """Training images of which batches are cut.

    Attributes
    ----------
    channels : int
        Channels of the images.
    shapes : (height, width) of each image
    masks : dict
        Validity of the images that have invalid pixels, by index, as packed bits.
    images : _Images
        The images themselves, as far as there is memory for them.
    """

    channels: int
    shapes: tuple[tuple[int, int], ...]
    masks: dict[int, NDArray[np.uint8]]
    images: _Images
    _drawable: dict[int, IntArray] = field(default_factory=dict)

    @classmethod
    def of(cls, samples: Sequence[Sample], cache_bytes: int = DEFAULTS.cache_bytes) -> TrainingSet:
        """Return the training set of samples, a list or a sequence that reads at indexing.

        All are gone through once, so that what is wrong with any is said before the training. Those drawn last stay in
        memory, up to `cache_bytes`; the others are read again when they are drawn. DataError where their numbers of
        channels differ, or the shapes within one.
        """
        if not len(samples):
            raise DataError("there are no training images; a training set needs at least one.")
        images, shapes, masks, channels = _Images(samples, cache_bytes), [], {}, set()
        for index in range(len(samples)):
            image = images[index]
            channels.add(len(image.pixels))
            shapes.append(image.truth.shape)
            if image.valid is not None:
                masks[index] = np.packbits(image.valid)
        if len(channels) != 1:
            raise DataError(f"the training images have {sorted(channels)} channels; all must have the same number.")
        return cls(channels.pop(), tuple(shapes), masks, images)

    def crop_size(self, budget: Budget) -> int:
        """Return the pixels a side of a crop: the budget's, or fewer where an image is smaller."""
        return min(budget.crop, *(side for shape in self.shapes for side in shape))

    def batch(self, budget: Budget, seed: int, step: int) -> Batch:
        """Return the batch of a step, on the CPU.

        Each crop is uniform over images and places, and turned or mirrored at random into one of eight. The crop
        is smaller where an image is. Crops less than half valid are not drawn, nor are images that have no other;
        DataError where no image has any.
        """
        random = generator("batch", seed, step)
        size = self.crop_size(budget)
        crops, masks = zip(*(self._crop(size, random) for _ in range(budget.batch)), strict=True)
        batch, valid = torch.from_numpy(np.stack(crops)), np.stack(masks)[:, None]
        return Batch(batch[:, :-1], batch[:, -1:], None if valid.all() else torch.from_numpy(valid))

    def _crop(self, size: int, random: np.random.Generator) -> tuple[NDArray[np.float32], BoolArray]:
        """Return a crop with its truth as the last channel (C + 1, size, size), and which of it is valid."""
        drawable = self.drawable(size)
        image = self.images[int(drawable[random.integers(len(drawable))])]
        [place] = draw_places(image.truth.shape, size, 1, random, image.allowed(size))
        stack, valid = image.crop(int(place[0]), int(place[1]), size)
        quarters, mirrored = int(random.integers(4)), bool(random.integers(2))
        return _turned(stack, quarters, mirrored), _turned(valid, quarters, mirrored)

    def drawable(self, size: int) -> IntArray:
        """Return the indices of the images that have a crop of that size at least half valid; DataError for none."""
        if size not in self._drawable:
            found = [index for index in range(len(self.shapes)) if index not in self.masks or self._has(index, size)]
            if not found:
                raise DataError(
                    f"in none of the {len(self.shapes)} training images is a crop of {size}x{size} pixels half valid; "
                    "check their validity masks, or train with smaller crops."
                )
            self._drawable[size] = np.array(found)
        return self._drawable[size]

    def _has(self, index: int, size: int) -> bool:
        """Whether an image has a crop of that size at least half valid; a grid of them mostly settles it at once."""
        height, width = self.shapes[index]
        valid = np.unpackbits(self.masks[index], count=height * width).reshape(height, width).astype(np.bool_)
        if (2 * tiles(valid, size, fill=False).sum(axis=(1, 2)) >= size**2).any():
            return True
        allowed = allowed_places(valid.shape, size, valid)
        return allowed is None or allowed.size > 0


@dataclass(frozen=True)
class _Image:
    """A training image ready to be cut.

    `pixels` (C, H, W) are levels of 255 as uint8 where that loses nothing, which takes a quarter of the memory, else
    float32 as they came.
    """

    pixels: NDArray[Any]
    moments: Moments
    truth: BoolArray
    valid: BoolArray | None
    _allowed: dict[int, NDArray[np.int32] | None] = field(default_factory=dict)

    @classmethod
    def of(cls, sample: Sample, moments: Moments | None = None) -> _Image:
        """Return the image of a sample, whose moments may be known; DataError where its parts differ in shape."""
        parts = {"image": sample.image, "truth": sample.truth, "validity mask": sample.valid}
        shapes = {word: part.shape for word, part in parts.items() if part is not None}
        if len({shape[-2:] for shape in shapes.values()}) != 1:
            found = ", ".join(f"the {word} {shape}" for word, shape in shapes.items())
            raise DataError(f"of {sample.image_id}, {found}: all must have the same height and width.")
        valid = _partial(sample.valid)
        return cls(_compact(sample.image), moments or _moments(sample.image, valid), sample.truth, valid)

    @property
    def nbytes(self) -> int:
        """Bytes of memory, about: 4 a pixel for the places of crops where not all are allowed."""
        masked = 0 if self.valid is None else 5 * self.valid.size
        return self.pixels.nbytes + self.truth.nbytes + masked

    def allowed(self, size: int) -> NDArray[np.int32] | None:
        """Return where crops of that size may lie (`allowed_places`)."""
        if size not in self._allowed:
            self._allowed[size] = allowed_places(self.truth.shape, size, self.valid)
        return self._allowed[size]

    def crop(self, top: int, left: int, size: int) -> tuple[NDArray[np.float32], BoolArray]:
        """Return a standardised crop with its truth as the last channel (C + 1, size, size), and its validity."""
        window = slice(top, top + size), slice(left, left + size)
        valid = None if self.valid is None else self.valid[window]
        image = _scaled(_unit(self.pixels[(slice(None), *window)]), self.moments, valid)
        truth = self.truth[window]
        stack = np.concatenate([image, truth[None]], dtype=np.float32)
        return stack, np.ones_like(truth) if valid is None else valid


class _Images:
    """Prepared images by index: those asked for last, up to a number of bytes but at least one, are kept.

    The moments of all are, for they take longer to find than the image to read.
    """

    def __init__(self, samples: Sequence[Sample], limit: int) -> None:
        self.samples, self.limit, self.kept_bytes = samples, limit, 0
        self._kept: OrderedDict[int, _Image] = OrderedDict()
        self._moments: dict[int, Moments] = {}

    def __getitem__(self, index: int) -> _Image:
        """Return an image, from memory or read again."""
        if index in self._kept:
            self._kept.move_to_end(index)
            return self._kept[index]
        image = _Image.of(self.samples[index], self._moments.get(index))
        self._kept[index], self._moments[index] = image, image.moments
        self.kept_bytes += image.nbytes
        while self.kept_bytes > self.limit and len(self._kept) > 1:
            self.kept_bytes -= self._kept.popitem(last=False)[1].nbytes
        return image


def _compact(image: NDArray[np.float32]) -> NDArray[Any]:
    """Return the pixels of an image as levels of 255, uint8, if these give them back bit for bit, else as they are."""
    if not (image.min() >= 0 and image.max() <= 1):  # or NaN
        return image
    levels = np.rint(image * np.float32(255)).astype(np.uint8)
    return levels if np.array_equal(_unit(levels), image) else image


def _unit(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Return pixels in [0, 1], of levels of 255 or as they are."""
    return np.asarray(pixels / np.float32(255) if pixels.dtype == np.uint8 else pixels, dtype=np.float32)


def _turned(part: NDArray[Any], quarters: int, mirrored: bool) -> NDArray[Any]:
    """Return a part (..., h, w) turned by quarters of a circle, then perhaps mirrored.

    Row-major, for `np.stack` would keep the order of crops that are all turned alike, and sums follow the order.
    """
    turned = np.rot90(part, quarters, axes=(-2, -1))
    return np.ascontiguousarray(turned[..., ::-1] if mirrored else turned)
