"""The files of a data set, from the addresses of its card to its folder: all of them, or nothing that looks like it.

Everything is gathered in a hidden folder beside the data set's, ``.fetch/NAME``, and comes into place by renaming once
it is whole and its known sha256 are right. What is gathered stays there when a download breaks or the process is
killed, and the next attempt goes on with it. One process at a time fetches a data set; others wait.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlsplit

from filelock import FileLock, Timeout

from topobench.cards import Card, Download
from topobench.data.dataset import access, folder_of, open_adapter
from topobench.data.fetch.download import SILENT, Watcher, download
from topobench.data.fetch.unpack import unpack
from topobench.errors import DataError
from topobench.files import check_writable, file_sha256

__all__ = ["alone", "by_hand", "fetch"]


def fetch(card: Card, data_dir: str | Path | None = None, watcher: Watcher = SILENT) -> Path:
    """Download what is missing of a data set, and return its folder. What is there already stays as it is.

    DataError says what came in place of a file, or, of a data set that must be got by hand, how.
    """
    folder = folder_of(card, data_dir).resolve()
    if not open_adapter(card, folder).missing():
        return folder
    if not card.downloads:
        raise DataError(" ".join(by_hand(card, folder).split()))
    check_writable(folder)
    room = folder.parent / ".fetch" / folder.name
    with alone(room, watcher):
        if open_adapter(card, folder).missing():  # nobody fetched it meanwhile
            try:
                _move(_gathered(card, folder, room, watcher), folder)
            except DataError as error:
                raise DataError(f"{error} By hand: {access(card)} The folder is {folder}.") from error
            shutil.rmtree(room)
    if missing := open_adapter(card, folder).missing():
        raise DataError(
            f"{folder} lacks {', '.join(missing[:10])}, though all downloads of the card {card.name!r} are there."
        )
    return folder


def by_hand(card: Card, folder: Path) -> str:
    """Return how a data set is got by hand: from where, on what terms, which files, and where they are put."""
    wanted = open_adapter(card, folder / "nothing").missing()
    lines = [text.replace(f"{folder / 'nothing'}{os.sep}", "") for text in wanted]
    sentences = [
        f"topobench does not download {card.name!r}. {' '.join(card.licence.split())}",
        access(card),
        f"Put into {folder.resolve()}:", *(f"  {line}" for line in lines),
        f"Then: topobench data verify {card.name}",
    ]  # fmt: skip
    return "\n".join(sentences)


@contextmanager
def alone(room: Path, watcher: Watcher) -> Iterator[None]:
    """Hold a folder to gather files in, for one process; another waits for it. A process that is killed lets go."""
    room.mkdir(parents=True, exist_ok=True)
    lock = FileLock(room.with_name(f"{room.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        watcher.says(f"Another process is fetching {room.name}; waiting for it.")
        lock.acquire()
    try:
        room.mkdir(exist_ok=True)  # the other process may have removed it
        for stray in room.glob("tmp*"):  # left where pooch was killed
            stray.unlink()
        for stray in room.glob(".*.unpacking"):
            shutil.rmtree(stray)
        yield
    finally:
        lock.release()


def _gathered(card: Card, folder: Path, room: Path, watcher: Watcher) -> Path:
    """Return a folder with all that the card's downloads hold and the data set lacks."""
    ready = room / "ready"
    if not all(source.each_file for source in card.downloads):
        shutil.rmtree(ready, ignore_errors=True)  # an archive is unpacked again, for it may have been cut off there
    for number, source in enumerate(card.downloads, 1):
        if source.each_file:
            lacking = [name for name in card.files if not (folder / name).exists()]
            for place, name in enumerate(lacking, 1):
                watcher.begins(name, place, len(lacking))
                _get_file(card, source, name, room, watcher)
        else:
            watcher.begins(_name(source), number, len(card.downloads))
            _get_archive(source, number, room, watcher)
    _check_known(card, ready)
    return ready


def _get_file(card: Card, source: Download, name: str, room: Path, watcher: Watcher) -> None:
    """Download one of a card's files, unless that was done before."""
    known, ready = card.files[name], room / "ready" / name
    if ready.is_file() and file_sha256(ready) in known.sha256:
        return
    path = room / quote(name, safe="")
    download(source.url.replace("{file}", quote(name)), path, known.sha256[0], known.bytes, watcher)
    ready.parent.mkdir(parents=True, exist_ok=True)
    path.replace(ready)


def _get_archive(source: Download, number: int, room: Path, watcher: Watcher) -> None:
    """Download an archive, unless that was done before, and unpack it; it is kept until the data set is in place."""
    archive, unpacked = room / f"{number}-{_name(source)}", room / f"{number}-unpacked"
    download(source.url, archive, source.sha256, source.bytes, watcher)
    watcher.says(f"{_name(source)}: unpacking.")
    shutil.rmtree(unpacked, ignore_errors=True)
    try:
        unpack(archive, unpacked, source.within)
    except DataError as error:
        archive.unlink()
        raise DataError(f"{source.url} was downloaded and removed again: {error}") from error
    _move(unpacked, room / "ready" / source.into)


def _name(source: Download) -> str:
    return PurePosixPath(urlsplit(source.url).path).name


def _check_known(card: Card, ready: Path) -> None:
    """Raise DataError where a file that the card knows has another sha256; archives need not be known as a whole."""
    for name, known in card.files.items():
        path = ready / name
        if known.sha256 and path.is_file() and (found := file_sha256(path)) not in known.sha256:
            raise DataError(
                f"{name}, as it was downloaded, has the sha256 {found}; the card {card.name!r} knows "
                f"{' and '.join(known.sha256)}. Nothing was put into place."
            )


def _move(source: Path, target: Path) -> None:
    """Move what a folder holds to another: by one renaming where nothing is there, else file by file.

    A file that is there stays as it is.
    """
    os.sync()  # so that what comes into place is whole even where the power fails
    if not target.exists() or not any(target.iterdir()):
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
        return
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            path.rename(place)
