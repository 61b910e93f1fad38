"""MATLAB files that lie: lengths of elements, shapes, classes, fields, and sparse matrices."""

import struct
import zlib

from tests.data.official import SHAPE

ZEROS = 40 * 2**20


def files():
    """Return {file name: content}."""
    inner = _matrix(9, SHAPE, _element(2, bytes(1840)), b"")
    dims = ((2**31 - 1, 2**31 - 1), (30000, 30000), (-1, -1), (0, 0), (40,), (1,) * 40, (-40, -46), (40, 46, 1), ())
    found = {f"dims-{n}": _struct(_matrix(9, dim, _element(2, bytes(1840)), b"")) for n, dim in enumerate(dims)}
    found |= {f"structs-{n}": _struct(inner, dim) for n, dim in enumerate(dims)}
    found |= {f"cells-{n}": _matrix(1, dim, inner) for n, dim in enumerate(dims)}
    found |= {f"class-{n}": _struct(_matrix(n, SHAPE, _element(2, bytes(1840)), b"")) for n in range(20)}
    found |= {f"type-{n}": _struct(_matrix(9, SHAPE, _element(n, bytes(1840)), b"")) for n in range(20)}
    found |= {f"logical-{n}": _struct(_matrix(9, SHAPE, _element(2, bytes(1840)), b"", n)) for n in (2, 8, 255)}
    found |= {f"sparse-{n}": _struct(_sparse(*given)) for n, given in enumerate((
        ((40, 46), [0, 1], [0] + [2] * 46), ((40, 46), [2**31 - 1, -5], [0] + [2] * 46),
        ((40, 46), [0, 1], [0] + [2**30] * 46),
        ((40, 46), [0, 1], [5] * 47), ((40, 46), [0, 1], [0, 2]), ((65535, 65535), [0, 1], [0] + [2] * 65535),
        ((2**31 - 1, 2**31 - 1), [0, 1], [0, 2]), ((40, 46), [39, 10**6], [0] + [2] * 46),
        ((40, 46), [0, 1], list(range(47))),
        ((-40, 46), [0, 1], [0] + [2] * 46), ((40, 46), [0] * 9, [0] + [-9] * 45 + [9]),
    ))}  # fmt: skip
    found |= {
        "bomb": _packed(_matrix(9, (6400, 6400), _element(2, bytes(ZEROS)))),
        "nested": _packed(_packed(_packed(_matrix(9, SHAPE, _element(2, bytes(1840)))))),
        "in-struct": _struct(_packed(_matrix(9, (6400, 6400), _element(2, bytes(ZEROS)), b""))),
        "name": _matrix(9, SHAPE, _element(2, bytes(1840)), b"n" * 10**6),
        "names": b"".join(_matrix(9, (1, 1), _element(2, b"1"), b"a\n\x1b\xff%d" % n) for n in range(30)),
        "width": _struct(inner, width=2**31 - 1), "width-0": _struct(inner, width=0),
        "width-1": _struct(inner, width=-1), "fields": _struct(inner, names=b" ".join(b"f%d" % n for n in range(2000))),
        "field-names": _struct(inner, names=b"a\nb\x1b[2J \xff\xfe"),
        "twice": _struct(inner, names=b"Segmentation Segmentation"),
        "size": _matrix(9, SHAPE, _element(2, bytes(1840)), size=2**32 - 1),
        "data-size": _matrix(9, SHAPE, _element(2, b"", 2**31)),
        "function": _matrix(16, SHAPE, inner), "opaque": _matrix(17, SHAPE, inner), "object": _matrix(3, (1, 1), inner),
        "zeros": bytes(10**6), "small": struct.pack("<HHI", 14, 4, 1),
        "pack-size": struct.pack("<II", 15, 2**32 - 1) + b"\x78\x9c",
        "deep": _deep(2000),
    }  # fmt: skip
    v4 = {f"v4-{n}": struct.pack("<5i", *given) + b"groundTruth\0" + bytes(2000) for n, given in enumerate((
        (50, 40, 46, 0, 12), (50, 2**31 - 1, 2**31 - 1, 0, 12), (50, 30000, 30000, 0, 12), (50, -40, 46, 0, 12),
        (50, 40, 46, 0, 2**31 - 1), (50, 40, 46, 0, -1), (52, 3, 3, 0, 12), (51, 40, 46, 0, 12), (0, 40, 46, 1, 12),
        (2, 10**9, 3, 0, 12), (40, 0, 0, 0, 12), (50, 0, 2**31 - 1, 0, 12),
    ))}  # fmt: skip
    tricks = {
        "v73": b"MATLAB 7.3 MAT-file".ljust(124) + struct.pack("<H", 0x200) + b"IM" + bytes(384) + b"\x89HDF\r\n\x1a\n",
        "v9": b"MATLAB".ljust(124) + struct.pack("<H", 0x900) + b"IM", "order": b"MATLAB".ljust(124) + b"\1\0??",
        "big": b"MATLAB".ljust(124) + b"\1\0MI" + struct.pack(">II", 14, 2**32 - 1) + bytes(100),
    }  # fmt: skip
    return {f"mat-{name}.mat": _file(content) for name, content in found.items()} | {
        f"mat-{name}.mat": content for name, content in (v4 | tricks).items()
    }


def _element(kind, content, size=None):
    size = len(content) if size is None else size
    return struct.pack("<II", kind, size) + content + bytes(-len(content) % 8)


def _matrix(mclass, dims, rest, name=b"groundTruth", flags=0, nzmax=0, size=None):
    body = _element(6, struct.pack("<II", mclass | flags << 8, nzmax)) + _element(
        5, struct.pack(f"<{len(dims)}i", *dims)
    )
    return _element(14, body + _element(1, name) + rest, size)


def _struct(inner, dims=(1, 1), width=32, names=b"Segmentation"):
    fields = _element(5, struct.pack("<i", width)) + _element(1, b"".join(n.ljust(32, b"\0") for n in names.split()))
    return _matrix(2, dims, fields + inner)


def _file(*elements):
    return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x100) + b"IM" + b"".join(elements)


def _packed(content):
    return _element(15, zlib.compress(content, 9))


def _sparse(dims, rows, starts):
    indices = _element(5, struct.pack(f"<{len(rows)}i", *rows)) + _element(5, struct.pack(f"<{len(starts)}i", *starts))
    return _matrix(5, dims, indices + _element(2, bytes(range(1, len(rows) + 1))), b"", nzmax=len(rows))


def _deep(depth):
    found = b""
    for _ in range(depth):
        found = _matrix(1, (1, 1), found, b"groundTruth")
    return found
