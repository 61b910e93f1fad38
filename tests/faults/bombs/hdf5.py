"""HDF5 files that lie: shapes, chunks, links, types and attributes."""

import io
import zlib

import h5py
import numpy as np

from tests.data.official import SHAPE
from tests.faults.sound import IMAGES, LABELS

ZEROS = 40 * 2**20


def files():
    """Return {file name: content}."""
    zeros = zlib.compress(bytes(ZEROS), 9)
    makers = {
        "huge": lambda file: file.create_dataset(LABELS, (6, 10**6, 10**6), "u8", chunks=(1, 64, 64)),
        "sections": lambda file: file.create_dataset(LABELS, (10**12, *SHAPE), "u8", chunks=(1, *SHAPE)),
        "chunk": lambda file: file.create_dataset(
            LABELS, (6, *SHAPE), "u1", maxshape=(None,) * 3, chunks=(1, 30000, 30000), compression="gzip"),
        "bomb": lambda file: file.create_dataset(
            LABELS, (6, *SHAPE), "u1", chunks=(6, *SHAPE), compression="gzip").id.write_direct_chunk((0, 0, 0), zeros),
        "shuffled": lambda file: file.create_dataset(LABELS, (6, *SHAPE), "u1", chunks=(6, *SHAPE), compression="gzip",
            shuffle=True, fletcher32=True).id.write_direct_chunk((0, 0, 0), zeros),
        "lzf": lambda file: file.create_dataset(
            LABELS, (6, *SHAPE), "u1", chunks=(6, *SHAPE), compression="lzf").id.write_direct_chunk((0, 0, 0),
            b"\xff" * 500),
        "lzf-copies": lambda file: file.create_dataset(
            LABELS, (6, *SHAPE), "u1", chunks=(6, *SHAPE), compression="lzf").id.write_direct_chunk(
                (0, 0, 0), b"\0a" + b"\xe0\xff\0" * 200_000),

        "external": lambda file: file.__setitem__(LABELS, h5py.ExternalLink("sample_B_20160501.hdf", LABELS)),
        "group": lambda file: file.__setitem__("volumes", h5py.ExternalLink("sample_B_20160501.hdf", "volumes")),
        "raw": lambda file: file.create_dataset(LABELS, (6, *SHAPE), "u1", external=[("/etc/passwd", 0, 99999)]),
        "circle": lambda file: file.__setitem__(LABELS, h5py.SoftLink(f"/{LABELS}")),
        "real": lambda file: file.create_dataset(LABELS, data=np.zeros((6, *SHAPE))),
        "words": lambda file: file.create_dataset(LABELS, (6, *SHAPE), h5py.string_dtype()),
        "lists": lambda file: file.create_dataset(LABELS, (6, *SHAPE), h5py.vlen_dtype("u1")),
        "pairs": lambda file: file.create_dataset(LABELS, (6, *SHAPE), [("a", "u1"), ("b", "u1")]),
        "enum": lambda file: file.create_dataset(LABELS, (6, *SHAPE), h5py.enum_dtype({"a": 1}, "u1")),
        "references": lambda file: file.create_dataset(LABELS, (6, *SHAPE), h5py.ref_dtype),
        "arrays": lambda file: file.create_dataset(LABELS, (6,), np.dtype(("u1", SHAPE))),
        "nothing": lambda file: file.create_dataset(LABELS, (0, *SHAPE), "u1"),
        "no-rows": lambda file: file.create_dataset(LABELS, (6, 0, 0), "u1"), "void": lambda file: file.create_dataset(
            LABELS, data=h5py.Empty("u1")),
        "names": lambda file: [file.create_dataset(f"{name}\n\x1b[2J{name}", data=1) for name in "abcdefghijklmnop"],
        "bytes": lambda file: file.create_dataset(b"\xff\xfe", data=1), "long": lambda file: file.create_dataset(
            "n" * 60_000, data=1),
        "many": lambda file: [file.create_group(f"{n}") for n in range(3000)],
        "deep": lambda file: file.create_group("/".join("d" * 600)), "type": lambda file: file.__setitem__(
            LABELS, np.dtype("u1")),
        "attribute": lambda file: _attributed(file, np.arange(99.0)),
        "attribute-words": lambda file: _attributed(file, "words"),
        "attribute-texts": lambda file: _attributed(file, ["a", "b", "c"]),
        "attribute-nan": lambda file: _attributed(file, [np.nan, np.inf, 1e300]),
        "attribute-large": lambda file: _attributed(file, [1e300, 1e300, 1e300]),
        "attribute-complex": lambda file: _attributed(file, [1j, 2, 3]),
        "attribute-pairs": lambda file: _attributed(file, np.zeros(3, [("a", "u1")])),
        "attribute-empty": lambda file: _attributed(file, h5py.Empty("f8")),
    }  # fmt: skip
    found = {f"hdf-{name}.hdf": _written_hdf(maker) for name, maker in makers.items()}
    stream = io.BytesIO()
    with h5py.File(stream, "w", userblock_size=512) as file:
        file.create_dataset(LABELS, (6, *SHAPE), "u8")
    return found | {"hdf-userblock.hdf": stream.getvalue()}


def _attributed(file, offset):
    file.create_dataset(IMAGES, (8, 60, 60), "u1")
    data = file.create_dataset(LABELS, (6, *SHAPE), "u8")
    data.attrs["offset"], data.attrs["resolution"] = offset, [1.0, 1.0, 1.0]


def _written_hdf(maker):
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        maker(file)
        if LABELS in file and IMAGES not in file and file.get(LABELS, getlink=True).__class__ is h5py.HardLink:
            file[IMAGES] = np.zeros((6, *SHAPE), np.uint8)
    return stream.getvalue()
