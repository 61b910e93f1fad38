"""What an image may be: the checks that every function of this package begins with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topobench.errors import ArgumentError
from topobench.types import BoolArray

__all__ = ["as_bool", "as_image_batch", "as_mask_batch", "check_connectivity", "check_dimensions"]

EXACT = 2**53  # the integers up to here are exact in float64


def check_connectivity(connectivity: int) -> None:
    """Raise ArgumentError unless the connectivity of the structure is 4 or 8."""
    if connectivity not in (4, 8):
        raise ArgumentError(f"connectivity is {connectivity!r}; it must be 8 (pixels as squares) or 4 (as vertices).")


def check_dimensions(dimensions: Sequence[int]) -> tuple[int, ...]:
    """Return the dimensions asked for, sorted; ArgumentError unless they name 0 (components), 1 (holes) or both."""
    wanted = set() if isinstance(dimensions, int) else set(dimensions)
    if not wanted or not wanted <= {0, 1}:
        raise ArgumentError(f"dimensions is {dimensions!r}; it must be (0,), (1,) or (0, 1): components, holes.")
    return tuple(sorted(wanted))


def as_image_batch(image: ArrayLike) -> NDArray[Any]:
    """Return a real image (H, W) or batch (B, H, W) as an array (B, H, W), not copied; ArgumentError for others."""
    array = np.asarray(image)
    _check_shape(array)
    if array.dtype.kind not in "buif":
        raise ArgumentError(f"the image has dtype {array.dtype}; it must be bool, integer or floating point.")
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        raise ArgumentError(f"the image has dtype {array.dtype}; values beyond float64 would be rounded: convert it.")
    if array.dtype.kind == "f" and array.size and np.isnan(array.min()):  # which carries NaN on
        places = np.argwhere(np.isnan(array))
        first = tuple(int(index) for index in places[0])
        raise ArgumentError(f"the image holds NaN at {len(places)} of {array.size} places, the first at {first}.")
    if array.dtype.kind in "ui" and array.dtype.itemsize == 8 and array.size:
        low, high = int(array.min()), int(array.max())
        if max(-low, high) > EXACT:
            raise ArgumentError(
                f"the image holds integers in [{low}, {high}]; beyond 2**53 they are not exact in float64."
            )
    return array.reshape((-1, *array.shape[-2:]))


def as_mask_batch(mask: ArrayLike) -> BoolArray:
    """Return a mask (H, W) or batch (B, H, W) of bool, or of the values 0 and 1, as bool (B, H, W)."""
    array = as_bool(mask, "mask")
    _check_shape(array)
    return array.reshape((-1, *array.shape[-2:]))


def as_bool(mask: ArrayLike, word: str) -> BoolArray:
    """Return an array of bool, or of the values 0 and 1, as bool; ArgumentError, naming it by `word`, for others."""
    array = np.asarray(mask)
    if array.dtype == np.bool_:
        return array
    if array.dtype.kind not in "uif" or not ((array == 0) | (array == 1)).all():
        found = ", ".join(sorted(map(str, set(array.ravel().tolist())))[:5])
        raise ArgumentError(
            f"the {word} is {array.dtype} with the values {found} ...; it must be bool, or 0 and 1 (1 = structure)."
        )
    return array.astype(np.bool_)


def _check_shape(array: NDArray[Any]) -> None:
    if array.ndim not in (2, 3) or 0 in array.shape[-2:]:
        raise ArgumentError(
            f"the image has shape {array.shape}; it must be (H, W) or (B, H, W) with H and W at least 1."
        )
