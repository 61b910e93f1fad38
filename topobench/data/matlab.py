"""Arrays of numbers in MATLAB 5 files, read element by element, each held to the bounds of what holds it.

scipy's reader makes an object of every cell that a header declares, and dies of types that it does not know; here
only what is wanted is looked at. The format: MathWorks, "MAT-File Format", chapter "Level 5 MAT-File Format".
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from topobench.data.limits import check_declared, largest_image, unpacks_to_more
from topobench.data.quiet import plain
from topobench.data.readers import damage
from topobench.errors import DataError

__all__ = ["read_mat"]

HEADER, TAG = 128, 8  # bytes before the first element of a file, and before the content of an element
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
TEXT, INT32, UINT32, MATRIX, COMPRESSED = 1, 5, 6, 14, 15  # types of elements
STRUCTURE, SPARSE, NUMERIC = 2, 5, range(6, 16)  # classes of matrices
COMPLEX = 1 << 11  # the flag of complex numbers
LISTED = 10  # variables or fields that an error lists


class _Matrix(NamedTuple):
    """A variable, or a field of a structure: what it is, its shape and name, and the elements behind these."""

    flags: int
    shape: tuple[int, ...]
    name: str
    rest: list[tuple[int, memoryview]]
    order: str

    @property
    def kind(self) -> int:
        """The class: structure, sparse, numeric ..."""
        return self.flags & 0xFF


def read_mat(path: Path, variable: str, field: str = "") -> NDArray[Any]:
    """Return an array (H, W) of a MATLAB 5 file, or a structure's field; DataError says what there is in place of it.

    Numbers have the type in which they are stored: a matrix of doubles that are small whole numbers is uint8.
    """
    with damage(path, "a MATLAB file"):
        found = _variables(path)
        if variable not in found:
            raise DataError(f"{path} has no variable {variable!r}; it has: {_some(found)}.")
        matrix = found[variable]
        if field:
            fields = _fields(matrix)
            if field not in fields:
                raise DataError(
                    f"{path}: {variable!r} is no structure with a field {field!r}; its fields: {_some(fields)}."
                )
            matrix = _matrix(fields[field], matrix.order)
        return _array(matrix, path)


def _some(names: dict[str, Any]) -> str:
    return ", ".join(plain(name) for name in islice(names, LISTED)) or "none"


def _variables(path: Path) -> dict[str, _Matrix]:
    """Return the variables of a file, by name."""
    check_declared(path, (path.stat().st_size,), np.uint8, "content")
    content = memoryview(path.read_bytes())
    order = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}.get(bytes(content[124:HEADER]))
    if order is None:
        raise ValueError("it has no header of version 5 (7.3 is HDF5: save with -v7)")
    unpacked, limit = [], largest_image()
    for kind, part in _elements(content[HEADER:], order):
        if kind == COMPRESSED:
            if unpacks_to_more(part, limit):
                check_declared(path, (largest_image() + 1,), np.uint8, "content")
            [(kind, part)] = _elements(memoryview(zlib.decompress(part)), order)
            limit -= len(part)
        if kind == MATRIX:
            unpacked.append(_matrix(part, order))
    return {matrix.name: matrix for matrix in unpacked}


def _elements(content: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Yield (type, content) of elements that lie one behind the other; ValueError where one leads out of them."""
    place = 0
    while place + TAG <= len(content):
        kind, size = struct.unpack_from(f"{order}II", content, place)
        start = place + TAG
        if kind >> 16:  # a small one: its size beside its type, then at most 4 bytes
            kind, size, start = kind & 0xFFFF, kind >> 16, place + 4
        elif not kind and not size:  # zeros to the end
            return
        if start + size > len(content) or (start == place + 4 and size > 4):
            raise ValueError(f"an element of {size} bytes is declared where {len(content) - start} are left")
        yield kind, content[start : start + size]
        place = start + size
        place += 0 if kind == COMPRESSED else -place % TAG


def _matrix(content: memoryview, order: str) -> _Matrix:
    """Return what a matrix declares of itself."""
    (kinds, parts) = zip(*islice(_elements(content, order), 3), strict=True) if content else ((), ())
    if kinds != (UINT32, INT32, TEXT) or len(parts[0]) != 8:
        raise ValueError("a matrix does not begin with flags, shape and name")
    [flags] = struct.unpack_from(f"{order}I", parts[0])
    shape = tuple(np.frombuffer(parts[1], f"{order}i4").tolist())
    rest = list(islice(_elements(content, order), 3, None)) if flags & 0xFF in (STRUCTURE, SPARSE, *NUMERIC) else []
    return _Matrix(flags, shape, bytes(parts[2]).decode("latin1"), rest, order)


def _fields(matrix: _Matrix) -> dict[str, memoryview]:
    """Return the fields of a structure of one element, by name; of anything else, none."""
    if matrix.kind != STRUCTURE or math.prod(matrix.shape) != 1:
        return {}
    (_, width), (_, names), *values = matrix.rest
    [length] = struct.unpack(f"{matrix.order}i", width)
    if length < 1 or len(names) != length * len(values) or any(kind != MATRIX for kind, _ in values):
        raise ValueError("a structure declares other fields than it has")
    cut = [bytes(names[start : start + length]).split(b"\0")[0] for start in range(0, len(names), length)]
    return {name.decode("latin1"): value for name, (_, value) in zip(cut, values, strict=True)}


def _array(matrix: _Matrix, path: Path) -> NDArray[Any]:
    """Return the numbers of a matrix (H, W)."""
    if matrix.kind not in (SPARSE, *NUMERIC) or matrix.flags & COMPLEX or len(matrix.shape) != 2:
        raise DataError(
            f"{path} holds a matrix of the class {matrix.kind} and the shape {plain(matrix.shape)}; wanted are whole "
            "numbers (H, W)."
        )
    numbers = [_numbers(element, matrix.order) for element in matrix.rest]
    if not numbers or numbers[-1].dtype.kind not in "ui":
        raise DataError(
            f"{path} holds {numbers[-1].dtype if numbers else 'nothing'} of the shape {matrix.shape}; wanted are whole "
            "numbers (H, W)."
        )
    check_declared(path, matrix.shape, numbers[-1].dtype)
    if matrix.kind == SPARSE:
        return _dense(matrix.shape, *numbers)
    [values] = numbers
    return values.reshape(matrix.shape, order="F")


def _numbers(element: tuple[int, memoryview], order: str) -> NDArray[Any]:
    kind, content = element
    if kind not in NUMBERS:
        raise ValueError(f"an element of the type {kind} stands where numbers are wanted")
    found = np.frombuffer(content, f"{order}{NUMBERS[kind]}")
    return found.astype(found.dtype.newbyteorder("="))


def _dense(shape: tuple[int, ...], rows: NDArray[Any], starts: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """Return a sparse matrix as an array: the values of column c are those from starts[c] to starts[c + 1]."""
    lengths = np.diff(starts)
    if len(lengths) != shape[1] or starts[0] != 0 or (lengths < 0).any() or starts[-1] > min(len(rows), len(values)):
        raise ValueError("the columns of a sparse matrix do not fit its values")
    rows, values = rows[: starts[-1]], values[: starts[-1]]
    if len(rows) and not 0 <= rows.min() <= rows.max() < shape[0]:
        raise ValueError("the rows of a sparse matrix lead out of it")
    found = np.zeros(shape, values.dtype)
    found[rows, np.repeat(np.arange(shape[1]), lengths)] = values
    return found
