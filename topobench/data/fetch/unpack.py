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
MOST_AT_ONCE = 16 * 2**20  # bytes of one read of a zip, whose list of members is read whole
MOST_OF_HEADER = 2**20  # bytes of one read of a tar
ROOM_FOR_HEADERS, ROOM_FOR_A_MEMBER = 4 * 2**20, 4 * 2**10  # bytes: in all, and for each member besides

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
    except OSError as error:  # of the disk; an archive's have no number, or that of a wrong place or name
        if error.errno in (None, errno.EINVAL, errno.ENAMETOOLONG):
            raise DataError(f"{archive} cannot be unpacked: {error.strerror or error}.") from error
        raise
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _members(archive: Path) -> Iterator[_Member]:
    """Yield what an archive holds, one by one, so that a long list need not be read to its end."""
    with archive.open("rb") as file:
        magic = file.read(6)
        file.seek(0)
        if magic.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            yield from _of_zip(_Bounded(file, MOST_AT_ONCE))
            return
        opener = next((opener for start, opener in _COMPRESSED.items() if magic.startswith(start)), None)
        yield from _of_tar(_Bounded(opener(file) if opener else file, MOST_OF_HEADER))


def _of_zip(file: _Bounded) -> Iterator[_Member]:
    with zipfile.ZipFile(cast(IO[bytes], file)) as archive:
        for found in archive.infolist():
            kind = stat.S_IFMT(found.external_attr >> 16)  # 0 where the archive was made on another system
            is_file = not found.is_dir() and kind in (0, stat.S_IFREG)
            extract = partial(archive.extract, found)
            yield _Member(found.orig_filename, found.file_size, is_file, found.is_dir(), extract)


def _of_tar(file: _Bounded) -> Iterator[_Member]:
    """Yield the members of a tar; ReadError where it ends without a block of zeros, or goes on behind one.

    What was yielded is forgotten, and headers (of which a tar may have several, of any length, for one member) are held
    to a few KiB a member and a few MiB in all, for tarfile reads each whole.
    """
    file.left = ROOM_FOR_HEADERS
    try:
        archive = tarfile.open(fileobj=cast(IO[bytes], file), mode="r:")  # noqa: SIM115 (closing it would read on)
    except tarfile.ReadError:
        raise tarfile.ReadError("it is neither a zip nor a tar (also .gz, .bz2, .xz)") from None
    while (found := archive.next()) is not None:
        archive.members.clear()  # type: ignore[attr-defined]  # the list that it keeps of all
        file.left += ROOM_FOR_A_MEMBER
        is_file = found.isreg() and not found.issparse()
        yield _Member(found.name, found.size, is_file, found.isdir(), partial(_extract, archive, found, file))
    file.left = None
    file.seek(archive.offset)
    if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("it is cut off, or damaged")
    while rest := file.read(MOST_OF_HEADER):  # to the end, where a compressed file has its checksum
        if rest.strip(b"\0"):
            raise tarfile.ReadError("it goes on behind its end, or a part of it is lost")
        if file.tell() > MOST_BYTES:
            raise tarfile.ReadError("it does not end")


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, file: _Bounded, room: Path) -> None:
    """Extract a member; what it holds is no header, and was measured before."""
    file.left, left = None, file.left
    archive.extract(member, room, filter="data")
    file.left = left


def _checked(archive: Path, members: Iterator[_Member]) -> Iterator[_Member]:
    """Yield members for as long as each is what a data set may hold; DataError names the first that is not."""
    names: set[PurePosixPath] = set()
    size = 0
    for count, member in enumerate(members, 1):
        shown = repr(member.name[:80])
        path = PurePosixPath(member.name)
        size += member.size
        if member.size < 0:
            raise DataError(f"{archive} holds {shown} of {member.size} bytes; nothing was unpacked.")
        if path.is_absolute() or ".." in path.parts or "\\" in member.name or "\0" in member.name:
            raise DataError(f"{archive} holds {shown}, a name that leads out of its folder; nothing was unpacked.")
        if not (member.is_file or member.is_folder):
            raise DataError(
                f"{archive} holds {shown}, a link, a device or a file with holes; it may hold files and folders only."
            )
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
    """A file of which no one reads more than so many bytes at once, nor more than `left` of them in all.

    A header that lies about its size would otherwise be read whole, into memory.
    """

    def __init__(self, file: IO[bytes], at_once: int) -> None:
        self._file, self._at_once = file, at_once
        self.left: int | None = None  # as many as one likes

    def read(self, size: int = -1) -> bytes:
        found = self._file.read(size if 0 <= size <= self._at_once else self._at_once + 1)
        if len(found) > self._at_once:
            raise ValueError(f"a part of it has more than the {self._at_once} bytes that it may have")
        if self.left is not None:
            self.left -= len(found)
            if self.left < 0:
                raise ValueError("it has longer headers than a data set's files need")
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
