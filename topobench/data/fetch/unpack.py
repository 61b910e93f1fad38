"""Archives become folders: whole or not at all, nothing outside, nothing but files, no more than there may be.

Whatever an archive may hold, a folder holds files in folders: names that lead elsewhere, links, devices, and sizes or
counts beyond what a data set has are refused before anything of that member is written. (Unpacking through pooch's
`Untar` follows names out of its folder on Python 3.11.)
"""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
import secrets
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from topobench.errors import DataError
from topobench.files import naming

__all__ = ["MOST_BYTES", "MOST_MEMBERS", "unpack"]

MOST_MEMBERS = 50_000
MOST_BYTES = 8 * 2**30
MOST_AT_ONCE = 16 * 2**20  # bytes of one read: a directory or header that is larger is no data set's

_COMPRESSED: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open,
}  # fmt: skip
_DAMAGE = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, gzip.BadGzipFile, EOFError, ValueError,
    NotImplementedError, RuntimeError, OverflowError, IndexError, FileExistsError, NotADirectoryError,
    IsADirectoryError,
)  # fmt: skip


@dataclass(frozen=True)
class _Member:
    """One thing in an archive: its name, size and kind, and how it is written below a folder."""

    name: str
    size: int
    is_file: bool
    is_folder: bool
    extract: Callable[[Path], object]


def unpack(archive: Path, target: Path, within: str = "") -> None:
    """Unpack a zip or tar (also .gz, .bz2, .xz), or what it holds in the folder `within`, to the new folder `target`.

    It is written into a folder beside `target` and then renamed, so that `target` holds all of it or is not there.
    DataError, with the archive's path, for names that are absolute, lead out of the folder or occur twice, links,
    devices, more than 50 000 members or 8 GiB, passwords, and archives that are damaged or none at all.
    """
    if target.exists():
        raise DataError(f"{target} exists; move it away to unpack {archive} there.")
    room = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.unpacking")
    room.mkdir(parents=True)
    try:
        with naming(target):
            for member in _checked(archive, _members(archive)):
                if member.is_file and PurePosixPath(member.name).is_relative_to(within):
                    member.extract(room)
        if not (room / within).is_dir() or not any((room / within).iterdir()):
            raise DataError(f"{archive} holds no file{f' in a folder {within}' if within else ''}.")
        (room / within).rename(target)
    except _DAMAGE as error:
        raise DataError(f"{archive} cannot be unpacked: {' '.join(str(error).split()) or 'it is cut off'}.") from error
    except OSError as error:  # of the disk; where an archive is damaged it has no number, or one of a wrong place
        if error.errno in (None, errno.EINVAL):
            raise DataError(f"{archive} cannot be unpacked: {error}.") from error
        raise
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _members(archive: Path) -> Iterator[_Member]:
    """Yield what an archive holds, one by one, so that a long list need not be read to its end."""
    with archive.open("rb") as file:
        magic = file.read(6)
        file.seek(0)
        if magic.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            yield from _of_zip(_bounded(file))
            return
        opener = next((opener for start, opener in _COMPRESSED.items() if magic.startswith(start)), None)
        yield from _of_tar(_bounded(opener(file) if opener else file))


def _of_zip(file: IO[bytes]) -> Iterator[_Member]:
    with zipfile.ZipFile(file) as archive:
        for found in archive.infolist():
            kind = stat.S_IFMT(found.external_attr >> 16)  # 0 where the archive was made on another system
            is_file = not found.is_dir() and kind in (0, stat.S_IFREG)
            extract = partial(archive.extract, found)
            yield _Member(found.orig_filename, found.file_size, is_file, found.is_dir(), extract)


def _of_tar(file: IO[bytes]) -> Iterator[_Member]:
    """Yield the members of a tar; ReadError where it ends without the block of zeros that tells its end.

    The rest is read, too, for a compressed file has its checksum there.
    """
    with tarfile.open(fileobj=file, mode="r:") as archive:
        for found in archive:
            extract = partial(archive.extract, found, filter="data")
            yield _Member(found.name, found.size, found.isreg(), found.isdir(), extract)
        file.seek(archive.offset)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("it is cut off")
        while file.read(MOST_AT_ONCE) and file.tell() < MOST_BYTES:
            pass


def _checked(archive: Path, members: Iterator[_Member]) -> Iterator[_Member]:
    """Yield members for as long as each is what a data set may hold; DataError names the first that is not."""
    names: set[PurePosixPath] = set()
    size = 0
    for count, member in enumerate(members, 1):
        shown = repr(member.name[:80])
        path = PurePosixPath(member.name)
        size += member.size
        if path.is_absolute() or ".." in path.parts or "\\" in member.name or "\0" in member.name:
            raise DataError(f"{archive} holds {shown}, a name that leads out of its folder; nothing was unpacked.")
        if not (member.is_file or member.is_folder):
            raise DataError(f"{archive} holds {shown}, a link or a device; it may hold files and folders only.")
        if member.is_file and path in names:
            raise DataError(f"{archive} holds {shown} twice; nothing was unpacked.")
        if count > MOST_MEMBERS or size > MOST_BYTES:
            raise DataError(
                f"{archive} holds more than {MOST_MEMBERS} members or {MOST_BYTES / 2**30:.0f} GiB, which no data set "
                "here has; nothing was unpacked. If it is sound, unpack it by hand."
            )
        names |= {path} if member.is_file else set()
        yield member


class _Bounded:
    """A file of which no one reads much at once, as where a header lies about its size."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        found = self._file.read(size if 0 <= size <= MOST_AT_ONCE else MOST_AT_ONCE + 1)
        if len(found) > MOST_AT_ONCE:
            raise ValueError(f"a part of it has more than the {MOST_AT_ONCE} bytes that it may have")
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _bounded(file: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], _Bounded(file))
