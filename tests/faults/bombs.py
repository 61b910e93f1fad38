"""Files whose headers lie: sizes, counts, offsets and packed content that would fill the memory, or never end."""

import gzip
import io
import struct
import tempfile
import zlib

import h5py
import numpy as np
import scipy.io
import tifffile

from tests.data.official import SHAPE
from tests.faults.sound import FIELD, IMAGES, LABELS, VARIABLE

ZEROS = 40 * 2**20
HUGE = (0, 1, 30000, 32000, 65535, 2**31 - 1, 2**31, 2**32 - 1)


def bombs():
    """Return {file name: content}."""
    return {**_png(), **_other_pictures(), **_gz(), **_npy(), **_tiff(), **_hdf5(), **_mat()}


def _chunk(kind, content, length=None):
    body = kind + content
    return struct.pack(">I", len(content) if length is None else length) + body + struct.pack(">I", zlib.crc32(body))


def _png():
    def png(width, height, *chunks, depth=8, colour=0, interlace=0, data=None):
        header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
        data = _chunk(b"IDAT", zlib.compress(bytes(41 * 46) if data is None else data))
        return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(chunks) + data + _chunk(b"IEND", b"")

    packed = zlib.compress(bytes(ZEROS), 9)
    found = {f"png-{side}-{depth}-{colour}.png": png(side, side, depth=depth, colour=colour)
             for side in HUGE for depth, colour in ((8, 0), (16, 0), (8, 2), (1, 0))}  # fmt: skip
    found |= {f"png-wide-{side}.png": png(side, 1) for side in HUGE}
    found |= {f"png-high-{side}.png": png(1, side) for side in HUGE}
    found |= {f"png-interlaced-{side}.png": png(side, side, interlace=1) for side in HUGE}
    found |= {
        "png-text.png": png(46, 40, _chunk(b"zTXt", b"a\0\0" + packed)),
        "png-many-texts.png": png(46, 40, *[_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**6), 9))] * 100),
        "png-itext.png": png(46, 40, _chunk(b"iTXt", b"a\0\1\0\0\0" + packed)),
        "png-profile.png": png(46, 40, _chunk(b"iCCP", b"a\0\0" + packed)),
        "png-long.png": png(46, 40, _chunk(b"tEXt", b"a\0b", 2**31 - 1)),
        "png-negative.png": png(46, 40, _chunk(b"tEXt", b"a\0b", 2**32 - 1)),
        "png-overfull.png": png(46, 40, data=bytes(ZEROS)),
        "png-frames.png": png(46, 40, _chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))),
        "png-frame.png": png(46, 40, _chunk(b"acTL", struct.pack(">II", 9, 0)), _chunk(
            b"fcTL", struct.pack(">IIIIIHHBB", 0, 2**31, 2**31, 0, 0, 1, 1, 0, 0))),
        "png-depth.png": png(46, 40, depth=3), "png-colour.png": png(46, 40, colour=5),
    }  # fmt: skip
    return found


def _other_pictures():
    def bmp(width, height, bits=8, compression=0, colours=256, offset=1078):
        sizes = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, colours, 0)
        return b"BM" + struct.pack("<IHHI", 3000, 0, 0, offset) + sizes + bytes(range(256)) * 4 + bytes(48 * 40)

    def gif(width, height, frames=1):
        frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00"
        return (
            b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff" + frame * frames + b";"
        )

    jpegs = {}
    for side in (0, 30000, 65535):
        for kind in (0xC0, 0xC2):
            jpegs[f"jpg-{side}-{kind:x}.jpg"] = _jpeg(side, kind)
    sides = (0, 1, 30000, 2**31 - 1, -(2**31), -40)
    return jpegs | {f"bmp-{side}.bmp": bmp(side, side) for side in sides} | {
        f"bmp-{name}.bmp": bmp(46, 40, **options) for name, options in {
            "rle": {"compression": 1}, "rle4": {"compression": 2, "bits": 4}, "mask": {"compression": 3, "bits": 16},
            "bits": {"bits": 65535}, "colours": {"colours": 2**32 - 1}, "offset": {"offset": 2**32 - 1}}.items()
    } | {f"bmp-rle-{side}.bmp": bmp(side, side, compression=1) for side in (30000, 65535)} | {
        f"gif-{side}.gif": gif(side, side) for side in (0, 30000, 65535)
    } | {"gif-frames.gif": gif(46, 40, 100_000)} | {
        f"ppm-{number}.ppm": header + bytes(3 * 46 * 40) for number, header in enumerate((
            b"P6 99999999 99999999 255\n", b"P6 30000 30000 255\n", b"P5 30000 30000 255\n", b"P5 -46 40 255\n",
            b"P5 46 40 0\n", b"P5 46 40 65536\n", b"P5 46 40 99999999999999999999\n", b"P5 " + b"9" * 5000,
            b"P6 0 0 255\n", b"P5 46 40 1\n", b"P2 46 40 255\n", b"P3 30000 30000 255\n", b"P1 46 40\n", b"P4 30000 30000\n",
            b"Pf 46 40 1.0\n", b"Pf 16000 16000 -1.0\n", b"Pf 46 40 0\n", b"P7\nWIDTH 46\nHEIGHT 40\nDEPTH 1\nMAXVAL 255\nENDHDR\n",
            b"P5 #" + b"x" * 100_000, b"P2 46 40 255\n" + b"1" * 100_000, b"Py 46 40 255\n", b"P6 46 40 100\n", b"P5 46 40 \xb2\n",
        ))}  # fmt: skip


def _jpeg(side, kind):
    stream = io.BytesIO()
    from PIL import Image

    Image.new("L", (64, 64), 100).save(stream, "jpeg", progressive=kind == 0xC2)
    content = bytearray(stream.getvalue())
    place = content.index(bytes([0xFF, kind]))
    content[place + 5 : place + 9] = struct.pack(">HH", side, side)
    return bytes(content)


def _gz():
    zeros = gzip.compress(bytes(ZEROS), 9, mtime=0)
    return {
        "gz-bomb.pgm.gz": gzip.compress(b"P5 30000 30000 255\n", mtime=0) + zeros * 26,
        "gz-nested.png.gz": gzip.compress(zeros, mtime=0),
        "gz-name.pgm.gz": b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 100_000,
        "gz-trailing.pgm.gz": gzip.compress(b"P5 46 40 255\n" + bytes(1840), mtime=0) + b"rubbish",
        "gz-tif.tif.gz": zeros,
    }


def _npy():
    def npy(header, version=(1, 0), length=None):
        text = header.encode("latin1")
        size = struct.pack("<H" if version[0] == 1 else "<I", len(text) if length is None else length)
        return b"\x93NUMPY" + bytes(version) + size + text + bytes(2000)

    def entry(descr="'|u1'", shape="(40, 46)", order="False"):
        return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"

    shapes = (
        "(1000000, 1000000)", "(30000, 30000)", "(2147483647, 2147483647)", "(-1, 46)", "(-40, -46)", "(0, 46)", "(40,)",
        "()", "(4294967296, 4294967296)", "(9223372036854775807, 2)", "(9223372036854775808, 1)", "(1,)*80", "(True, 46)",
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
        "deep": "(" * 190 + ")" * 190, "brackets": "[" * 9000, "long": "{" + "'a': 1, " * 20_000, "minus": "-" * 5000 + "1",
        "none": "", "list": "[1]", "nul": "\0" * 50, "names": "a.b.c(1)", "twice": entry() + entry(), "lines": "\n" * 60000,
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


def _tiff():
    one = {"width": 46, "height": 40, "bits": 8, "data": bytes(1840)}
    huge = {f"tif-{side}-{compression}.tif": _one_tiff(side, side, compression=compression)
            for side in HUGE for compression in (1, 5, 7, 8, 4, 32773, 50000, 34712)}  # fmt: skip
    bomb = zlib.compress(bytes(ZEROS), 9)
    others = {
        "cycle": _one_tiff(next_page=8), "far": _one_tiff(next_page=2**32 - 2), "within": _one_tiff(next_page=20),
        "bomb": _one_tiff(compression=8, data=bomb), "samples": _one_tiff(tags={277: (3, 1, 65535)}),
        "bits": _one_tiff(bits=65535), "no-bits": _one_tiff(bits=0), "odd": _one_tiff(bits=33), "half": _one_tiff(bits=16),
        "format": _one_tiff(tags={339: (3, 1, 9)}), "complex": _one_tiff(bits=64, tags={339: (3, 1, 6)}),
        "predictor": _one_tiff(tags={317: (3, 1, 3)}), "predictor-9": _one_tiff(tags={317: (3, 1, 9)}),
        "rows": _one_tiff(tags={278: (4, 1, 0)}), "rows-2": _one_tiff(tags={278: (4, 1, 2**32 - 1)}),
        "rows-1": _one_tiff(tags={278: (4, 1, 1)}),
        "strips": _one_tiff(tags={273: (4, 2**30, 8), 279: (4, 2**30, 8)}),
        "strips-2": _one_tiff(tags={273: (4, 400, 8), 279: (4, 400, 8)}),
        "offset": _one_tiff(tags={273: (4, 1, 2**32 - 1)}), "count": _one_tiff(tags={279: (4, 1, 2**32 - 1)}),
        "no-count": _one_tiff(tags={279: (4, 1, 0)}), "negative": _one_tiff(tags={273: (9, 1, 2**32 - 1)}),
        "tiles": _one_tiff(tags={322: (4, 1, 2**31), 323: (4, 1, 2**31), 324: (4, 1, 8), 325: (4, 1, 1840)}),
        "tiles-0": _one_tiff(tags={322: (4, 1, 0), 323: (4, 1, 0), 324: (4, 1, 8), 325: (4, 1, 1840)}),
        "tiles-1": _one_tiff(30000, 30000, tags={322: (4, 1, 16), 323: (4, 1, 16), 324: (4, 1, 8), 325: (4, 1, 1840)}),
        "tiles-deflate": _one_tiff(compression=8, data=bomb,
            tags={322: (4, 1, 28000), 323: (4, 1, 28000), 324: (4, 1, 8), 325: (4, 1, len(bomb))}),
        "depth": _one_tiff(tags={32997: (4, 1, 2**31)}), "depth-2": _one_tiff(tags={32997: (4, 1, 2)}),
        "text": _one_tiff(tags={270: (2, 2**31, 8)}), "float-tag": _one_tiff(tags={256: (12, 1, 8)}),
        "type": _one_tiff(tags={256: (99, 1, 46)}), "subifds": _one_tiff(tags={330: (4, 1, 8)}),
        "orientation": _one_tiff(tags={274: (3, 1, 6)}), "planar": _one_tiff(tags={284: (3, 1, 2), 277: (3, 1, 3)}),
        "extra": _one_tiff(tags={338: (3, 2, 0), 277: (3, 1, 3)}), "fill": _one_tiff(tags={266: (3, 1, 2)}),
        "ycbcr": _one_tiff(tags={262: (3, 1, 6), 277: (3, 1, 3)}), "cfa": _one_tiff(tags={262: (3, 1, 32803)}),
        "exif": _one_tiff(tags={34665: (4, 1, 8)}), "gps": _one_tiff(tags={34853: (4, 1, 8)}),
        "jpeg-tables": _one_tiff(compression=7, tags={347: (7, 2**30, 8)}),
        "lsm": _one_tiff(tags={34412: (7, 2**20, 8)}), "stk": _one_tiff(tags={33629: (5, 2**31, 8), 33628: (4, 2**20, 8)}),
        "fluoview": _one_tiff(tags={34361: (7, 2**20, 8)}), "nih": _one_tiff(tags={43314: (7, 2**20, 8)}),
        "mm": _one_tiff(tags={51123: (7, 2**20, 8)}), "imagej-counts": _one_tiff(tags={50838: (4, 2**20, 8), 50839: (1, 2**20, 8)}),
    }  # fmt: skip
    described = {
        "imagej": b"ImageJ=1.53\nimages=1000000000\nslices=1000000000\nhyperstack=true\n",
        "imagej-2": b"ImageJ=1.53\nimages=-5\nslices=2\n", "imagej-3": b"ImageJ=1.53\nimages=3\nslices=2\nchannels=5\n",
        "imagej-4": b"ImageJ=1.53\nimages=500000\n", "imagej-5": b"ImageJ=1.53\nimages=0\n", "imagej-6": b"ImageJ=\n",
        "shaped": b'{"shape": [1000000, 1000000]}', "shaped-2": b'{"shape": [-1, 46]}', "shaped-3": b'{"shape": "x"}',
        "shaped-4": b'{"shape": [46, 40]}', "shaped-5": b'{"shape": [1, 1, 1, 40, 46]}', "shaped-6": b'{"shape": []}',
        "shaped-7": b'{"shape": ' + b"[" * 5000, "shaped-8": b'{"shape": [0, 40, 46]}',
        "shaped-9": b'{"shape": [100000, 40, 46], "truncated": true}', "old-shaped": b"shape=(99999, 40, 46)",
        "ome": b'<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1">'
               b'<Image ID="I"><Pixels ID="P" DimensionOrder="XYZCT" Type="uint8" SizeX="46" SizeY="40" SizeZ="2" SizeC="1" '
               b'SizeT="1"><TiffData FirstZ="1" IFD="0" PlaneCount="1"><UUID FileName="plain.tif">urn:uuid:2</UUID></TiffData>'
               b"</Pixels></Image></OME>",
        "ome-huge": b'<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="I">'
                    b'<Pixels ID="P" DimensionOrder="XYZCT" Type="uint8" SizeX="46" SizeY="40" SizeZ="1000000" SizeC="10000" '
                    b'SizeT="10000"><TiffData/></Pixels></Image></OME>',
        "laughs": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "' + b"a" * 999 + b'">' + b"".join(
            b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)) + b"]><OME>&j;</OME>",
        "scanimage": b"state.configPath = 'x'\rstate.acq.numberOfFrames = 99999999\r", "svs": b"Aperio Image Library v1",
        "metaseries": b"<MetaData>", "andor": b"Andor", "philips": b"<DataObject ObjectType='DPUfsImport'>",
        "indica": b"<indica>", "gdal": b"<GDALMetadata>", "streak": b"[Application]", "long": b"x" * 10**6,
        "escapes": b"\x1b[2J\n\xff\xfe", "mat": b"MATLAB", "pilatus": b"# Pixel_size", "sis": b"Olympus",
    }  # fmt: skip
    found = huge | {f"tif-{name}.tif": content for name, content in others.items()}
    found |= {f"tif-text-{name}.tif": _one_tiff(text=text) for name, text in described.items()}
    found["tif-tags.tif"] = struct.pack("<2sHIH", b"II", 42, 8, 65535) + bytes(4000)
    found["tif-big-tags.tif"] = struct.pack("<2sHHHQQ", b"II", 43, 8, 0, 16, 2**63) + bytes(4000)
    found["tif-big-offset.tif"] = struct.pack("<2sHHHQQ", b"II", 43, 8, 0, 2**63 + 5, 3) + bytes(4000)
    found["tif-big-sizes.tif"] = struct.pack("<2sHHHQQ", b"II", 43, 200, 0, 16, 3) + bytes(4000)
    found["tif-many.tif"] = _written_tiff(np.zeros((3000, 2, 2), np.uint8), photometric="minisblack", metadata=None)
    found["tif-pages.tif"] = _long_chain(200_000)
    del one
    return found


def _written_tiff(array, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, **options)
    return stream.getvalue()


def _long_chain(count):
    """A directory a page, each of no entries."""
    return struct.pack("<2sHI", b"II", 42, 8) + b"".join(
        struct.pack("<HI", 0, 8 + 6 * (number + 1)) for number in range(count)
    )


def _one_tiff(width=46, height=40, bits=8, compression=1, data=None, tags=None, next_page=0, text=b""):
    data = bytes(range(184)) * 10 if data is None else data
    entries = {
        256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, bits), 259: (3, 1, compression), 262: (3, 1, 1),
        277: (3, 1, 1), 278: (4, 1, height), 279: (4, 1, len(data)), 273: (4, 1, 0),
    }  # fmt: skip
    if text:
        entries[270] = 2, len(text) + 1, 0
    entries |= tags or {}
    after = 8 + 2 + 12 * len(entries) + 4
    if entries[273] == (4, 1, 0):
        entries[273] = 4, 1, after
    if text:
        entries[270] = 2, len(text) + 1, after + len(data)
    packed = b"".join(
        struct.pack("<HHII" if kind in (2, 4, 5, 7, 9, 12, 1) or count > 1 else "<HHIHxx", tag, kind, count, value)
        for tag, (kind, count, value) in sorted(entries.items())
    )
    head = struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + packed + struct.pack("<I", next_page)
    return head + data + text + b"\0"


def _hdf5():
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
            LABELS, (6, *SHAPE), "u1", chunks=(6, *SHAPE), compression="lzf").id.write_direct_chunk((0, 0, 0), b"\xff" * 500),
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


def _mat():
    def element(kind, content, size=None):
        size = len(content) if size is None else size
        return struct.pack("<II", kind, size) + content + bytes(-len(content) % 8)

    def matrix(mclass, dims, rest, name=b"groundTruth", flags=0, nzmax=0, size=None):
        body = element(6, struct.pack("<II", mclass | flags << 8, nzmax)) + element(
            5, struct.pack(f"<{len(dims)}i", *dims)
        )
        return element(14, body + element(1, name) + rest, size)

    def struct_of(inner, dims=(1, 1), width=32, names=b"Segmentation"):
        fields = element(5, struct.pack("<i", width)) + element(1, b"".join(n.ljust(32, b"\0") for n in names.split()))
        return matrix(2, dims, fields + inner)

    def file(*elements):
        return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x100) + b"IM" + b"".join(elements)

    def packed(content):
        return element(15, zlib.compress(content, 9))

    inner = matrix(9, SHAPE, element(2, bytes(1840)), b"")
    dims = ((2**31 - 1, 2**31 - 1), (30000, 30000), (-1, -1), (0, 0), (40,), (1,) * 40, (-40, -46), (40, 46, 1), ())
    found = {f"dims-{n}": struct_of(matrix(9, dim, element(2, bytes(1840)), b"")) for n, dim in enumerate(dims)}
    found |= {f"structs-{n}": struct_of(inner, dim) for n, dim in enumerate(dims)}
    found |= {f"cells-{n}": matrix(1, dim, inner) for n, dim in enumerate(dims)}
    found |= {f"class-{n}": struct_of(matrix(n, SHAPE, element(2, bytes(1840)), b"")) for n in range(20)}
    found |= {f"type-{n}": struct_of(matrix(9, SHAPE, element(n, bytes(1840)), b"")) for n in range(20)}
    found |= {f"logical-{n}": struct_of(matrix(9, SHAPE, element(2, bytes(1840)), b"", n)) for n in (2, 8, 255)}
    found |= {f"sparse-{n}": struct_of(_sparse(matrix, element, *given)) for n, given in enumerate((
        ((40, 46), [0, 1], [0] + [2] * 46), ((40, 46), [2**31 - 1, -5], [0] + [2] * 46), ((40, 46), [0, 1], [0] + [2**30] * 46),
        ((40, 46), [0, 1], [5] * 47), ((40, 46), [0, 1], [0, 2]), ((30000, 30000), [0, 1], [0] + [2] * 30000),
        ((2**31 - 1, 2**31 - 1), [0, 1], [0, 2]), ((40, 46), [39, 10**6], [0] + [2] * 46), ((40, 46), [0, 1], list(range(47))),
        ((-40, 46), [0, 1], [0] + [2] * 46), ((40, 46), [0] * 9, [0] + [-9] * 45 + [9]),
    ))}  # fmt: skip
    found |= {
        "bomb": packed(matrix(9, (6400, 6400), element(2, bytes(ZEROS)))),
        "nested": packed(packed(packed(matrix(9, SHAPE, element(2, bytes(1840)))))),
        "in-struct": struct_of(packed(matrix(9, (6400, 6400), element(2, bytes(ZEROS)), b""))),
        "name": matrix(9, SHAPE, element(2, bytes(1840)), b"n" * 10**6),
        "names": b"".join(matrix(9, (1, 1), element(2, b"1"), b"a\n\x1b\xff%d" % n) for n in range(30)),
        "width": struct_of(inner, width=2**31 - 1), "width-0": struct_of(inner, width=0),
        "width-1": struct_of(inner, width=-1), "fields": struct_of(inner, names=b" ".join(b"f%d" % n for n in range(2000))),
        "field-names": struct_of(inner, names=b"a\nb\x1b[2J \xff\xfe"), "twice": struct_of(inner, names=b"Segmentation Segmentation"),
        "size": matrix(9, SHAPE, element(2, bytes(1840)), size=2**32 - 1), "data-size": matrix(9, SHAPE, element(2, b"", 2**31)),
        "function": matrix(16, SHAPE, inner), "opaque": matrix(17, SHAPE, inner), "object": matrix(3, (1, 1), inner),
        "zeros": bytes(10**6), "small": struct.pack("<HHI", 14, 4, 1), "pack-size": struct.pack("<II", 15, 2**32 - 1) + b"\x78\x9c",
        "deep": _deep(matrix, 2000),
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
    return {f"mat-{name}.mat": file(content) for name, content in found.items()} | {
        f"mat-{name}.mat": content for name, content in (v4 | tricks).items()
    }


def _sparse(matrix, element, dims, rows, starts):
    indices = element(5, struct.pack(f"<{len(rows)}i", *rows)) + element(5, struct.pack(f"<{len(starts)}i", *starts))
    return matrix(5, dims, indices + element(9, struct.pack(f"<{len(rows)}d", *range(len(rows)))), b"", nzmax=len(rows))


def _deep(matrix, depth):
    found = b""
    for _ in range(depth):
        found = matrix(1, (1, 1), found, b"groundTruth")
    return found


del scipy, tempfile, FIELD, VARIABLE
