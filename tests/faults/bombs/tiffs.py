"""TIFF files that lie: tags, the list of pages, and what is written into them as text."""

import io
import struct
import zlib

import numpy as np
import tifffile

ZEROS = 40 * 2**20
HUGE = (0, 30000, 65535, 2**31 - 1, 2**32 - 1)


def files():
    """Return {file name: content}."""
    huge = {f"tif-{side}-{compression}.tif": _one_tiff(side, side, compression=compression)
            for side in HUGE for compression in (1, 5, 7, 8, 4, 32773, 50000, 34712)}  # fmt: skip
    bomb = zlib.compress(bytes(ZEROS), 9)
    others = {
        "cycle": _one_tiff(next_page=8), "far": _one_tiff(next_page=2**32 - 2), "within": _one_tiff(next_page=20),
        "bomb": _one_tiff(compression=8, data=bomb), "samples": _one_tiff(tags={277: (3, 1, 65535)}),
        "bits": _one_tiff(bits=65535), "no-bits": _one_tiff(bits=0), "odd": _one_tiff(bits=33),
        "half": _one_tiff(bits=16),
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
        "lsm": _one_tiff(tags={34412: (7, 2**20, 8)}),
        "stk": _one_tiff(tags={33629: (5, 2**31, 8), 33628: (4, 2**20, 8)}),
        "fluoview": _one_tiff(tags={34361: (7, 2**20, 8)}), "nih": _one_tiff(tags={43314: (7, 2**20, 8)}),
        "mm": _one_tiff(tags={51123: (7, 2**20, 8)}),
        "imagej-counts": _one_tiff(tags={50838: (4, 2**20, 8), 50839: (1, 2**20, 8)}),
    }  # fmt: skip
    described = {
        "imagej": b"ImageJ=1.53\nimages=1000000000\nslices=1000000000\nhyperstack=true\n",
        "imagej-2": b"ImageJ=1.53\nimages=-5\nslices=2\n", "imagej-3": b"ImageJ=1.53\nimages=3\nslices=2\nchannels=5\n",
        "imagej-4": b"ImageJ=1.53\nimages=500000\n", "imagej-5": b"ImageJ=1.53\nimages=0\n", "imagej-6": b"ImageJ=\n",
        "shaped": b'{"shape": [1000000, 1000000]}', "shaped-2": b'{"shape": [-1, 46]}', "shaped-3": b'{"shape": "x"}',
        "shaped-4": b'{"shape": [46, 40]}', "shaped-5": b'{"shape": [1, 1, 1, 40, 46]}', "shaped-6": b'{"shape": []}',
        "shaped-7": b'{"shape": ' + b"[" * 5000, "shaped-8": b'{"shape": [0, 40, 46]}',
        "shaped-9": b'{"shape": [100000, 40, 46], "truncated": true}', "old-shaped": b"shape=(99999, 40, 46)",
        "ome": _ome(2, 'FirstZ="1" IFD="0" PlaneCount="1"', '<UUID FileName="plain.tif">urn:uuid:2</UUID>'),
        "ome-huge": _ome(1_000_000), "ome-many": _ome(9, 'IFD="0" PlaneCount="999999999"'),
        "laughs": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "' + b"a" * 999 + b'">' + b"".join(
            b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)) + b"]><OME>&j;</OME>",
        "scanimage": b"state.configPath = 'x'\rstate.acq.numberOfFrames = 99999999\r",
        "svs": b"Aperio Image Library v1",
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
    found["tif-many.tif"] = _written_tiff(np.zeros((500, 2, 2), np.uint8), photometric="minisblack", metadata=None)
    found["tif-pages.tif"] = _long_chain(20_000)
    found["tif-large-circle.tif"] = _long_chain(200)[:-4] + struct.pack("<I", 8)
    return found


def _ome(sections, attributes="", file=""):
    """The description of an OME-TIFF, whose pages may lie in another file."""
    pixels = f'DimensionOrder="XYZCT" Type="uint8" SizeX="46" SizeY="40" SizeZ="{sections}" SizeC="1" SizeT="1"'
    text = f'<Image ID="I"><Pixels ID="P" {pixels}><TiffData {attributes}>{file}</TiffData></Pixels></Image>'
    where = 'xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1"'
    return f'<?xml version="1.0"?><OME {where}>{text}</OME>'.encode()


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
