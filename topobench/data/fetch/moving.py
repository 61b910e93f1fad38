"""From where things are gathered to where they belong: whole, and over nothing that is there."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from pathlib import Path

from topobench.files import naming

__all__ = ["move"]


def move(source: Path, target: Path) -> None:
    """Move what a folder holds to another: by one renaming where nothing is there, else file by file.

    A file that is there stays as it is.
    """
    os.sync()  # so that what comes into place is whole even where the power fails
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or not any(target.iterdir()):
        try:
            source.rename(target)
            return
        except OSError as error:  # a folder may be a disk of its own, which cannot be replaced
            if error.errno not in (errno.EBUSY, errno.EXDEV):
                raise
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(place):
            _move_file(path, place)


def _move_file(path: Path, place: Path) -> None:
    """Move a file, to another disk if need be: there it has its name when it is whole."""
    try:
        path.rename(place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        temporary = place.with_name(f".{secrets.token_hex(8)}.part")
        with naming(place), path.open("rb") as source, temporary.open("xb") as copy:
            shutil.copyfileobj(source, copy)
            copy.flush()
            os.fsync(copy.fileno())
        temporary.replace(place)
