"""Pictures that lie: PNG, JPEG, GIF, BMP, PPM, and what gzip packed."""

import gzip
import io
import struct
import zlib

from PIL import Image

ZEROS = 40 * 2**20
HUGE = (0, 1, 30000, 65535, 2**31 - 1, 2**32 - 1)


def files():
    """Return {file name: content}."""
    return {**_png(), **_jpegs(), **_bmp(), **_gif(), **_ppm(), **_gz()}


def _chunk(kind, content, length=None):
    body = kind + content
    return struct.pack(">I", len(content) if length is None else length) + body + struct.pack(">I", zlib.crc32(body))


def png(width, height, *chunks, depth=8, colour=0, interlace=0, data=None):
    """Return a PNG that declares so many pixels, and holds what it is given: else 41 x 46 bytes."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    data = _chunk(b"IDAT", zlib.compress(bytes(41 * 46) if data is None else data))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(chunks) + data + _chunk(b"IEND", b"")


def _png():
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
        "png-eps.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 46 40\n%%EndComments\nshowpage\n",
        "png-depth.png": png(46, 40, depth=3), "png-colour.png": png(46, 40, colour=5),
    }  # fmt: skip
    return found


def _jpegs():
    sizes = [(side, kind) for side in (0, 30000, 65535) for kind in (0xC0, 0xC2)]  # at once, and progressive
    return {f"jpg-{side}-{kind:x}.jpg": _jpeg(side, kind) for side, kind in sizes}


def _jpeg(side, kind):
    stream = io.BytesIO()
    Image.new("L", (64, 64), 100).save(stream, "jpeg", progressive=kind == 0xC2)
    content = bytearray(stream.getvalue())
    place = content.index(bytes([0xFF, kind]))
    content[place + 5 : place + 9] = struct.pack(">HH", side, side)
    return bytes(content)


def _bmp():
    def bmp(width, height, bits=8, compression=0, colours=256, offset=1078):
        sizes = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, colours, 0)
        return b"BM" + struct.pack("<IHHI", 3000, 0, 0, offset) + sizes + bytes(range(256)) * 4 + bytes(48 * 40)

    sides = (0, 1, 30000, 2**31 - 1, -(2**31), -40)
    others = {
        "rle": {"compression": 1}, "rle4": {"compression": 2, "bits": 4}, "mask": {"compression": 3, "bits": 16},
        "bits": {"bits": 65535}, "colours": {"colours": 2**32 - 1}, "offset": {"offset": 2**32 - 1},
    }  # fmt: skip
    found = {f"bmp-{side}.bmp": bmp(side, side) for side in sides}
    found |= {f"bmp-{name}.bmp": bmp(46, 40, **options) for name, options in others.items()}
    return found | {f"bmp-rle-{side}.bmp": bmp(side, side, compression=1) for side in (30000, 65535)}


def _gif():
    def gif(width, height, frames=1):
        head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
        frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00"
        return head + frame * frames + b";"

    return {f"gif-{side}.gif": gif(side, side) for side in (0, 30000, 65535)} | {"gif-many.gif": gif(46, 40, 20_000)}


def _ppm():
    headers = (
        b"P6 99999999 99999999 255\n", b"P6 30000 30000 255\n", b"P5 30000 30000 255\n", b"P5 -46 40 255\n",
        b"P5 46 40 0\n", b"P5 46 40 65536\n", b"P5 46 40 99999999999999999999\n", b"P5 " + b"9" * 5000, b"P6 0 0 255\n",
        b"P2 46 40 255\n", b"P3 30000 30000 255\n", b"P1 46 40\n", b"P4 30000 30000\n", b"Pf 46 40 1.0\n",
        b"Pf 16000 16000 -1.0\n", b"Pf 46 40 0\n", b"P7\nWIDTH 46\nHEIGHT 40\nDEPTH 1\nMAXVAL 255\nENDHDR\n",
        b"P5 #" + b"x" * 100_000, b"P2 46 40 255\n" + b"1" * 100_000, b"Py 46 40 255\n", b"P5 46 40 \xb2\n",
    )  # fmt: skip
    return {f"ppm-{number}.ppm": header + bytes(3 * 46 * 40) for number, header in enumerate(headers)}


def _gz():
    zeros = gzip.compress(bytes(ZEROS), 9, mtime=0)
    return {
        "gz-bomb.pgm.gz": gzip.compress(b"P5 30000 30000 255\n", mtime=0) + zeros * 26,
        "gz-nested.png.gz": gzip.compress(zeros, mtime=0),
        "gz-name.pgm.gz": b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 100_000,
        "gz-trailing.pgm.gz": gzip.compress(b"P5 46 40 255\n" + bytes(1840), mtime=0) + b"rubbish",
        "gz-tif.tif.gz": zeros,
    }
