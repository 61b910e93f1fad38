"""How kernels are compiled: by numba when first called, without the GIL, and kept on disk for the next process."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import numba

__all__ = ["compiled"]


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function compiled for each signature that it is called with.

    numba keeps the machine code in ``__pycache__`` beside the source, or where that cannot be written (a read-only
    install) in the user's cache folder; `NUMBA_CACHE_DIR` names another one. Where no folder can be written at all,
    every process compiles anew, which takes seconds, but works.
    """
    compiler = partial(numba.njit, nogil=True, error_model="numpy")  # numpy: no check for a divisor of zero
    try:
        return cast("Callable[..., Any]", compiler(cache=True)(function))
    except RuntimeError:  # numba found no folder that it can write to
        return cast("Callable[..., Any]", compiler()(function))
