"""The files of a data set, from the addresses of its card to its folder: all of them, or nothing that looks like it.

Everything is gathered in a hidden folder beside the data set's, ``.fetch/NAME``, and comes into place by renaming once
it is whole and its known sha256 are right. What is gathered stays there when a download breaks or the process is
killed, and the next attempt goes on with it. One process at a time fetches a data set; others wait.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlsplit

from topobench.cards import Card, Download, load_card
from topobench.data.dataset import folder_of, open_adapter
from topobench.data.fetch.alone import alone
from topobench.data.fetch.download import download
from topobench.data.fetch.moving import move
from topobench.data.fetch.unpack import unpack
from topobench.data.fetch.watcher import SILENT, Watcher
from topobench.data.hints import access, command
from topobench.data.verify import misfits
from topobench.errors import DataError
from topobench.files import check_writable, file_sha256

__all__ = ["by_hand", "fetch"]


def fetch(card: Card | str, data_dir: str | Path | None = None, watcher: Watcher = SILENT) -> Path:
    """Download what is missing of a data set, by its card or name, and return its folder.

    What is there already stays as it is. DataError says what came in place of a file; of a data set that must be got by
    hand, how; and which files that were there are not those of the card.
    """
    asked, card = (card, load_card(card)) if isinstance(card, str) else ("", card)
    folder = folder_of(card, data_dir).resolve()
    room = folder.parent / ".fetch" / folder.name
    missing = open_adapter(card, folder).missing()
    if missing and not card.downloads:
        raise DataError(" ".join(by_hand(card, data_dir, asked).split()))
    if missing or room.is_dir():
        check_writable(folder)
        with alone(room, watcher):
            if open_adapter(card, folder).missing():  # nobody fetched it meanwhile
                try:
                    _get(card, folder, room, watcher)
                except DataError as error:
                    raise DataError(
                        f"{error} By hand: {access(card)} The folder is {folder}; it may be brought from another "
                        "machine, too."
                    ) from error
            shutil.rmtree(room)
    _check_fits(card, folder, data_dir)
    return folder


def by_hand(card: Card, data_dir: str | Path | None = None, asked: str = "") -> str:
    """Return how a data set is got by hand: from where, on what terms, which files are missing, where they are put.

    `asked` is what the card was asked for by: its name, or its file.
    """
    folder = folder_of(card, data_dir).resolve()
    wanted = open_adapter(card, folder).missing()
    sentences = [
        f"topobench does not download {card.name!r}. {' '.join(card.licence.split())}",
        access(card),
        f"Put into {folder}:", *(f"  {text.replace(f'{folder}{os.sep}', '')}" for text in wanted),
        f"Then: {command('verify', card, data_dir, asked)}",
    ]  # fmt: skip
    return "\n".join(sentences)


def _get(card: Card, folder: Path, room: Path, watcher: Watcher) -> None:
    """Download what a data set lacks, put it together, look at it, and move it into place."""
    archives = [source for source in card.downloads if not source.each_file]
    address = next((source.url for source in card.downloads if source.each_file), "")
    files = [name for name in card.files if not (folder / name).exists()] if address else []
    for number, source in enumerate(archives, 1):
        watcher.begins(_name(source.url), number, len(archives))
        download(source.url, _kept(room, source.url), source.sha256, source.bytes, watcher)
    for number, name in enumerate(files, 1):
        watcher.begins(name, number, len(files))
        _get_file(card, address.replace("{file}", quote(name)), name, room, watcher)
    ready = room / "ready"
    shutil.rmtree(ready, ignore_errors=True)
    for source in archives:
        watcher.says(f"{_name(source.url)}: unpacking.")
        _unpack(source, room, ready)
    _check_known(card, ready, room)  # of archives alone: files have been checked one by one
    if files:
        move(room / "files", ready)
    if not ready.is_dir():  # all that has an address is there; what is missing has none
        return
    if not folder.is_dir() or not any(folder.iterdir()):
        _check_whole(card, ready)
    move(ready, folder)


def _get_file(card: Card, url: str, name: str, room: Path, watcher: Watcher) -> None:
    """Download one of a card's files, unless that was done before."""
    known, path = card.files[name], room / "files" / name
    if not (path.is_file() and file_sha256(path) in known.sha256):
        kept = _kept(room, url)
        download(url, kept, known.sha256[0], known.bytes, watcher)
        path.parent.mkdir(parents=True, exist_ok=True)
        kept.replace(path)


def _unpack(source: Download, room: Path, ready: Path) -> None:
    """Unpack an archive to where it goes in the data set; one that cannot be is removed."""
    archive, unpacked = _kept(room, source.url), room / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    try:
        unpack(archive, unpacked, source.within)
    except DataError as error:
        archive.unlink()
        raise DataError(f"{source.url} was downloaded and removed again: {error}") from error
    move(unpacked, ready / source.into)


def _name(url: str) -> str:
    return PurePosixPath(urlsplit(url).path).name


def _kept(room: Path, url: str) -> Path:
    """Return where the file of an address is kept: another address has another place."""
    return room / f"{hashlib.sha256(url.encode()).hexdigest()[:12]}-{_name(url)[-40:]}"


def _check_fits(card: Card, folder: Path, data_dir: str | Path | None) -> None:
    """Raise DataError where a data set is still not there, or files that were there are not those of the card."""
    if missing := open_adapter(card, folder).missing():
        raise DataError(
            f"{folder} lacks {', '.join(missing[:10])}, though all downloads of the card {card.name!r} are there."
        )
    if faults := misfits(card, data_dir) if card.downloads else open_adapter(card, folder).faults():
        raise DataError(
            f"{folder} holds files that are not as the card says, and files that are there are never changed: "
            f"{'; '.join(faults[:10])}. Remove them and fetch again."
        )


def _check_whole(card: Card, ready: Path) -> None:
    """Raise DataError where what was downloaded is not all that the card wants."""
    if missing := open_adapter(card, ready).missing():
        came = sorted(str(path.relative_to(ready)) for path in ready.rglob("*") if path.is_file())
        wanted = ", ".join(missing[:10]).replace(f"{ready}{os.sep}", "")
        raise DataError(
            f"The downloads of the card {card.name!r} lack {wanted}; they hold {len(came)} files, such as "
            f"{', '.join(came[:3])}. Are 'within' and 'into' of [[downloads]] right? Nothing was put into place."
        )


def _check_known(card: Card, ready: Path, room: Path) -> None:
    """Raise DataError where a file that the card knows has another sha256, and remove all that was downloaded.

    The archives that it comes from need not be known as a whole.
    """
    for name, known in card.files.items():
        path = ready / name
        if known.sha256 and path.is_file() and (found := file_sha256(path)) not in known.sha256:
            shutil.rmtree(room)
            raise DataError(
                f"{name}, as it was downloaded, has the sha256 {found}; the card {card.name!r} knows "
                f"{' and '.join(known.sha256)}. All that was downloaded was removed."
            )
