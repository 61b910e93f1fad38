"""Damaged files, made of the sound ones: the same seed makes the same files."""

import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.bombs import bombs
from tests.faults.sound import sound_files

SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".ppm", ".pgm", ".ppm.gz", ".png.gz", ".tif", ".tiff", ".npy", ".hdf",
    ".mat",
)  # fmt: skip
EXTREMES = (
    0,
    1,
    0x7F,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    30000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    2**40,
    2**63 - 1,
    2**64 - 1,
)
HEADER = 512  # most of what a format declares stands in so many bytes


@dataclass(frozen=True)
class Damaged:
    """A file: its name, what was done to it, the format that it was, its content, and that of the sound file."""

    name: str
    kind: str
    format: str
    content: bytes
    sound: bytes = b""


def damaged_files(seed: int, each: int) -> Iterator[Damaged]:
    """Yield damaged files: of every sound one, `each` of every kind, then the disguises and the bombs."""
    chance, sound = random.Random(seed), sound_files()
    for name, content in sound.items():
        stem, _, suffix = name.partition(".")
        for kind, harm in KINDS.items():
            for number in range(each):
                new = f"{kind}-{number}-{stem}.{suffix}"
                yield Damaged(new, kind, suffix, harm(chance, content), content)
        for other in chance.sample([other for other in SUFFIXES if other != f".{suffix}"], min(each, 9)):
            yield Damaged(f"renamed-{stem}-{suffix.replace('.', '')}{other}", "renamed", suffix, content)
    for suffix in SUFFIXES:
        for what, content in DISGUISED.items():
            yield Damaged(f"{what}{suffix}", "disguised", suffix[1:], content)
    for name, content in bombs().items():
        yield Damaged(name, "bomb", name.partition(".")[2], content)


def truncated(chance, content):
    """Cut anywhere: half of the time within the header."""
    return content[: chance.randrange(min(len(content), chance.choice((HEADER, len(content)))))]


def flipped(chance, content):
    """One to eight bits changed: half of the time all within the header."""
    end, changed = chance.choice((HEADER, len(content))), bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 8))):
        changed[chance.randrange(min(end, len(content)))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def overwritten(chance, content):
    """A run of bytes that are others."""
    changed, length = bytearray(content), chance.choice((1, 2, 4, 16, 64))
    start = chance.randrange(max(1, min(chance.choice((HEADER, len(content))), len(content) - length)))
    changed[start : start + length] = chance.randbytes(length)
    return bytes(changed)


def stretched(chance, content):
    """A number of the header that is enormous, negative or zero."""
    size = chance.choice((1, 2, 4, 8))
    number = chance.choice([extreme for extreme in EXTREMES if extreme < 256**size])
    end = chance.choice((64, HEADER, len(content)))
    start = chance.randrange(max(1, min(end, len(content)) - size))
    changed = bytearray(content)
    changed[start : start + size] = number.to_bytes(size, chance.choice(("little", "big")))
    return _checked_png(bytes(changed)) if content.startswith(b"\x89PNG") else bytes(changed)


def spliced(chance, content):
    """A piece that is lacking, or is there twice."""
    start, length = chance.randrange(len(content)), chance.choice((1, 3, 16, 200))
    again = content[start : start + length] * chance.choice((0, 2))
    return content[:start] + again + content[start + length :]


def _checked_png(content):
    """A PNG whose checksums are right again, so that what was changed is looked at."""
    found, place = content[:8], 8
    while place + 12 <= len(content):
        [length] = struct.unpack(">I", content[place : place + 4])
        body = content[place + 4 : place + 8 + length]
        found += content[place : place + 4] + body + struct.pack(">I", zlib.crc32(body))
        place += 12 + length
    return found


KINDS = {
    "truncated": truncated, "flipped": flipped, "overwritten": overwritten, "stretched": stretched, "spliced": spliced,
}  # fmt: skip
DISGUISED = {
    "empty": b"", "zeros": bytes(5000), "ones": b"\xff" * 5000, "text": b"Not found.\n" * 40,
    "page": b"<!DOCTYPE html><title>Not found</title>" * 20, "archive": b"PK\x03\x04" + bytes(300),
    "pickle": b"\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",
}  # fmt: skip
