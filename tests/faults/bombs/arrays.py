"""Arrays of numpy that lie."""

import io
import struct

import numpy as np

ZEROS = 40 * 2**20


def files():
    """Return {file name: content}."""

    def npy(header, version=(1, 0), length=None):
        text = header.encode("latin1")
        size = struct.pack("<H" if version[0] == 1 else "<I", len(text) if length is None else length)
        return b"\x93NUMPY" + bytes(version) + size + text + bytes(2000)

    def entry(descr="'|u1'", shape="(40, 46)", order="False"):
        return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"

    shapes = (
        "(1000000, 1000000)", "(30000, 30000)", "(2147483647, 2147483647)", "(-1, 46)", "(-40, -46)", "(0, 46)",
        "(40,)",
        "()", "(4294967296, 4294967296)", "(9223372036854775807, 2)", "(9223372036854775808, 1)", "(1,)*80",
        "(True, 46)",
        "(40.0, 46)", "('a', 2)", "(1, 1, 1, 40, 46)", "(0, 0)", "(0, 9223372036854775807)", "(1000000000000, 40, 46)",
        "(0, 40, 46)", "(" + "1, " * 70 + ")", "(40, 46, 0)", "(10" + "0" * 5000 + ", 1)",
    )  # fmt: skip
    descrs = (
        "'|O'", "'<c8'", "'<m8[s]'", "'<M8[D]'", "'|S4'", "'<U1'", "'|V1'", "'|V2147483647'", "'|S1000000000'",
        "[('a', '|u1')]", "[('a', '|u1', (1000000, 1000000))]", "('|u1', (2, 2))", "'<f16'", "'<f2'", "'>i8'", "'|b1'",
        "'x'", "5", "None", "[]", "''", "'|V0'", "'|S0'", "'<u8'", "'|u1\\n'", "'i'*9", "'\\u202e'", "'u1,u1'", "'O,O'",
        "[('a\\nb', '|u1')]", "'q'", "'>f4'",
    )  # fmt: skip
    headers = {
        "deep": "(" * 190 + ")" * 190, "brackets": "[" * 9000, "long": "{" + "'a': 1, " * 20_000,
        "minus": "-" * 5000 + "1",
        "none": "", "list": "[1]", "nul": "\0" * 50, "names": "a.b.c(1)", "twice": entry() + entry(),
        "lines": "\n" * 60000,
    }  # fmt: skip
    return {f"npy-shape-{n}.npy": npy(entry(shape=shape)) for n, shape in enumerate(shapes)} | {
        f"npy-descr-{n}.npy": npy(entry(descr)) for n, descr in enumerate(descrs)
    } | {f"npy-{name}.npy": npy(header, (2, 0)) for name, header in headers.items()} | {
        "npy-length.npy": npy(entry(), (2, 0), 2**32 - 1), "npy-version.npy": npy(entry(), (9, 0)),
        "npy-order.npy": npy(entry(order="'yes'")), "npy-order-1.npy": npy(entry(order="1")),
        "npy-pickle.npy": npy(entry("'|O'", "()"))[:-2000] + b"cposix\nsystem\n(S'true'\ntR.", "npy-zip.npy": _npz(),
    }  # fmt: skip


def _npz():
    stream = io.BytesIO()
    np.savez_compressed(stream, a=np.zeros(ZEROS, np.uint8))
    return stream.getvalue()
