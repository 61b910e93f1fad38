"""What an image may be: the checks that every function of this package begins with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topobench.errors import ArgumentError
from topobench.types import BoolArray

__all__ = [
    "HoldsNaN",
    "as_array",
    "as_bool",
    "as_image_batch",
    "as_likelihood",
    "as_mask",
    "as_mask_batch",
    "check_connectivity",
    "check_dimensions",
    "check_same_shape",
    "nan_error",
    "ready",
]

EXACT = 2**53  # the integers up to here are exact in float64
PLACES = 2**31  # so many pixels an image may have with its frame and border: compiled code counts them in 32 bits


def check_connectivity(connectivity: int) -> None:
    """Raise ArgumentError unless the connectivity of the structure is 4 or 8."""
    if not isinstance(connectivity, (int, np.integer)) or connectivity not in (4, 8):
        raise ArgumentError(f"connectivity is {connectivity!r}; it must be 8 (pixels as squares) or 4 (as vertices).")


def check_dimensions(dimensions: Sequence[int]) -> tuple[int, ...]:
    """Return the dimensions asked for, sorted; ArgumentError unless they name 0 (components), 1 (holes) or both."""
    try:
        wanted = set(dimensions)
    except TypeError:  # a single number, None, a list of lists
        wanted = set()
    if not wanted or not wanted <= {0, 1}:
        raise ArgumentError(f"dimensions is {dimensions!r}; it must be (0,), (1,) or (0, 1): components, holes.")
    return tuple(sorted(wanted))


def check_same_shape(one: ArrayLike, other: ArrayLike, words: tuple[str, str] = ("prediction", "truth")) -> None:
    """Raise ArgumentError, naming them by `words`, unless both have one shape."""
    shapes = [np.shape(as_array(part, word)) for part, word in zip((one, other), words, strict=True)]
    if shapes[0] != shapes[1]:
        raise ArgumentError(f"the {words[0]} has shape {shapes[0]}, the {words[1]} {shapes[1]}; they must agree.")


def as_image_batch(image: ArrayLike) -> NDArray[Any]:
    """Return a real image (H, W) or batch (B, H, W) as an array (B, H, W), not copied; ArgumentError for others.

    NaN is for the back ends to find, as they read the image anyway.
    """
    array = as_array(image, "image")
    _check_shape(array)
    if array.dtype.kind not in "buif":
        raise ArgumentError(f"the image has dtype {array.dtype}; it must be bool, integer or floating point.")
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        raise ArgumentError(f"the image has dtype {array.dtype}; values beyond float64 would be rounded: convert it.")
    if array.dtype.kind in "ui" and array.dtype.itemsize == 8 and array.size:
        low, high = int(array.min()), int(array.max())
        if max(-low, high) > EXACT:
            raise ArgumentError(
                f"the image holds integers in [{low}, {high}]; beyond 2**53 they are not exact in float64."
            )
    return array.reshape((-1, *array.shape[-2:]))


class HoldsNaN(Exception):
    """Raised by a back end that meets NaN: it sees only its share of a batch, `nan_error` tells of the whole."""


def nan_error(image: ArrayLike) -> ArgumentError:
    """Return the error for an image or batch that holds NaN, with the count and the first place."""
    places = np.argwhere(np.isnan(image))
    first = tuple(int(index) for index in places[0])
    return ArgumentError(f"the image holds NaN at {len(places)} of {np.size(image)} places, the first at {first}.")


def as_mask_batch(mask: ArrayLike) -> BoolArray:
    """Return a mask (H, W) or batch (B, H, W) of bool, or of the values 0 and 1, as bool (B, H, W)."""
    array = as_bool(mask, "mask")
    _check_shape(array)
    return array.reshape((-1, *array.shape[-2:]))


def as_bool(mask: ArrayLike, word: str) -> BoolArray:
    """Return an array of bool, or of the values 0 and 1, as bool; ArgumentError, naming it by `word`, for others."""
    array = as_array(mask, word)
    if array.dtype == np.bool_:
        return array
    if array.dtype.kind not in "uif" or not ((array == 0) | (array == 1)).all():
        found = ", ".join(map(str, np.unique(array)[:5].tolist()))
        raise ArgumentError(
            f"the {word} is {array.dtype} with the values {found} ...; it must be bool, or 0 and 1 (1 = structure)."
        )
    return array.astype(np.bool_)


def as_mask(mask: ArrayLike, word: str) -> BoolArray:
    """Return a mask (H, W) of bool, or of the values 0 and 1, as a copy that other code may take as it is.

    A bool made by a view of bytes may hold 255 (OpenCV's masks do), and what is mapped from a file is read-only:
    compiled code elsewhere stumbles over both. ArgumentError, naming it by `word`, for what is no mask.
    """
    array = as_bool(mask, word)
    if array.ndim != 2 or 0 in array.shape:
        raise ArgumentError(f"the {word} has shape {array.shape}; it must be (H, W).")
    return np.asarray(np.ascontiguousarray(array).view(np.uint8) != 0)


def ready(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array as compiled code takes it: C-contiguous; what is read-only is copied, or numba compiles anew."""
    array = np.ascontiguousarray(array)
    return array if array.flags.writeable else array.copy()


def as_likelihood(prediction: ArrayLike) -> NDArray[Any]:
    """Return a likelihood (H, W), real and in [0, 1], as an array, not copied; ArgumentError for others and for NaN."""
    array = as_array(prediction, "prediction")
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "buif":
        raise ArgumentError(f"the prediction is {array.dtype} of shape {array.shape}; it must be a real image (H, W).")
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 1):  # also where there is NaN
        raise ArgumentError(
            f"the prediction has values in [{low}, {high}]; a likelihood lies in [0, 1]. "
            "Divide 8-bit maps by 255; to logits apply the sigmoid first."
        )
    return array


def as_array(given: ArrayLike, word: str) -> NDArray[Any]:
    """Return what was given as an array; ArgumentError for ragged lists and for masked pixels."""
    if isinstance(given, np.ma.MaskedArray) and (count := int(np.count_nonzero(given.mask))):
        raise ArgumentError(f"the {word} is a masked array with {count} masked pixels; fill them first (.filled(0)).")
    try:
        return np.asarray(given)
    except ValueError as error:
        raise ArgumentError(f"the {word} is no array of numbers ({error}); its rows must be equally long.") from error


def _check_shape(array: NDArray[Any]) -> None:
    if array.ndim not in (2, 3) or 0 in array.shape[-2:]:
        raise ArgumentError(
            f"the image has shape {array.shape}; it must be (H, W) or (B, H, W) with H and W at least 1."
        )
    height, width = array.shape[-2:]
    if (height + 4) * (width + 4) >= PLACES:
        raise ArgumentError(f"the image has {height} x {width} pixels; 2**31 or more are too many: cut it into tiles.")
