"""One file from an address: what broke off is picked up again, and nothing is where it belongs before it is whole.

pooch checks the sha256 and moves the file into place. Here is what it has not: going on at the byte where a
connection broke, in this process or an earlier one, and words for what came instead of the file.
"""

from __future__ import annotations

import os
import re
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import pooch
import requests
import urllib3

from topobench import __version__
from topobench.errors import DataError
from topobench.files import check_writable, naming

__all__ = ["SILENT", "Watcher", "download"]

ATTEMPTS = 4  # one after the other, without a byte gained between them
PAUSE = 0.25  # seconds; the pause is twice as long after each attempt
TIMEOUT = 10.0, 30.0  # seconds to connect, and between two bytes
CHUNK = 2**16  # bytes read at once, and lost where a server falls silent
LARGEST = 16 * 2**30  # bytes of a file whose size nobody knows


class Watcher(Protocol):
    """Is told what happens."""

    def begins(self, name: str, number: int, of: int) -> None:
        """Say that the download of a file begins, which is one of so many."""

    def received(self, done: int, total: int | None) -> None:
        """Say how many bytes of it are there, and of how many if that is known."""

    def says(self, sentence: str) -> None:
        """Say what else is worth knowing: waiting, trying again, unpacking."""


class _Silent:
    def begins(self, name: str, number: int, of: int) -> None: ...

    def received(self, done: int, total: int | None) -> None: ...

    def says(self, sentence: str) -> None: ...


SILENT: Watcher = _Silent()


class _BrokenError(Exception):
    """The connection ended before the file did, or the server is busy: worth another attempt."""


# What requests and urllib3 raise where a connection cannot be made, breaks, or is silent for too long.
_BROKEN = (
    _BrokenError, requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.ProtocolError, urllib3.exceptions.TimeoutError,
)  # fmt: skip


def download(
    url: str, path: Path, sha256: str | None = None, size: int | None = None, watcher: Watcher = SILENT
) -> None:
    """Download to `path`, unless it is there with this `sha256` (where none is known: unless it is there).

    What has come so far lies beside it, in ``path.part``, and is gone on with. DataError says what was wanted and what
    came, where a file has another `size` (bytes) or sha256, and where none could be had; it is removed then.
    """
    pooch.get_logger().setLevel("ERROR")
    check_writable(path.parent)
    receiving = _Receiving(path.with_name(f"{path.name}.part"), size, watcher)
    resumed = receiving.part.exists()
    known = sha256 and f"sha256:{sha256}"
    try:
        pooch.retrieve(url, known, fname=path.name, path=path.parent, downloader=receiving)
    except _BROKEN as error:
        kept = f" {receiving.have} bytes are kept; the next attempt goes on from there." if receiving.have else ""
        raise DataError(f"{url} could not be downloaded, {ATTEMPTS} times: {_reason(error)}.{kept}") from error
    except requests.RequestException as error:
        raise DataError(f"{url} cannot be downloaded: {_reason(error)}.") from error
    except ValueError as error:  # pooch's, for another hash; what was gone on with may have been of another file
        if resumed:
            watcher.says(f"{path.name}: what had come before does not fit; it is downloaded anew.")
            return download(url, path, sha256, size, watcher)
        raise DataError(
            f"{url} is not the file that is known: wanted sha256 {sha256}, came {_got(error)}, {receiving.came}. "
            "It was removed."
        ) from error


class _Receiving:
    """What pooch calls to download: fills `part`, in several attempts, and then moves it to where pooch wants it."""

    def __init__(self, part: Path, size: int | None, watcher: Watcher) -> None:
        self.part, self.size, self.watcher = part, size, watcher
        self.came = ""

    @property
    def have(self) -> int:
        """How many bytes are there."""
        return self.part.stat().st_size if self.part.exists() else 0

    def __call__(self, url: str, output_file: str, _: Any) -> None:
        """Download to `output_file`."""
        attempt = 1
        while not self._is_whole():
            before = self.have
            try:
                self._receive(url)
                break
            except _BROKEN as error:
                attempt = attempt + 1 if self.have <= before else 1
                if attempt > ATTEMPTS:
                    raise
                self.watcher.says(f"{url}: {_reason(error)}; trying again.")
                time.sleep(PAUSE * 2 ** (attempt - 1))
        with self.part.open("rb") as file:
            self.came = f"{self.have} bytes that begin with {file.read(24)!r}"
        self.part.replace(output_file)

    def _is_whole(self) -> bool:
        """Whether all bytes are there from an earlier attempt; of more bytes than that none are kept."""
        if self.size and self.have > self.size:
            self.part.unlink()
        return self.have == self.size

    def _receive(self, url: str) -> None:
        """Receive what is not there yet, from the first missing byte on if the server can do that."""
        headers = {"User-Agent": f"topobench/{__version__}", "Accept-Encoding": "identity"}
        if self.have:
            headers["Range"] = f"bytes={self.have}-"
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if response.status_code == 416:  # nothing lies beyond what is there: it is whole, or of another file
                if response.headers.get("Content-Range") == f"bytes */{self.have}":
                    return
                self.part.unlink()
                raise _BrokenError("the server has fewer bytes than are there")
            _check(response)
            start = _start(response)
            if start not in (0, self.have):
                self.part.unlink()
                raise _BrokenError(f"the server went on at byte {start}, not at {self.have}")
            length = response.headers.get("Content-Length", "")
            total = start + int(length) if length.isdecimal() else None
            if total and self.size and total != self.size:
                raise DataError(f"{url} is not the file that is known: it has {total} bytes, wanted {self.size}.")
            self._write(url, response, start, total or self.size)

    def _write(self, url: str, response: requests.Response, start: int, total: int | None) -> None:
        """Write the bytes as the server has them, from `start` on."""
        with naming(self.part), self.part.open("ab" if start else "wb") as file:
            for chunk in response.raw.stream(CHUNK, decode_content=False):
                file.write(chunk)
                self.watcher.received(file.tell(), total)
                if file.tell() > (most := total or LARGEST):
                    file.truncate(0)
                    raise DataError(f"{url} sends more than the {most} bytes that it may have. They were removed.")
            file.flush()
            os.fsync(file.fileno())
        if total and self.have < total:
            raise _BrokenError(f"the connection ended after {self.have} of {total} bytes")


def _check(response: requests.Response) -> None:
    """Raise DataError where something else than a file comes: an error, a page, another address that is not safe."""
    way = [step.url for step in (*response.history, response)]
    if any(here.startswith("https:") and not there.startswith("https:") for here, there in pairwise(way)):
        raise DataError(f"{way[0]} leads to {way[-1]}, which is not encrypted; it is not followed.")
    if response.status_code in (408, 429) or response.status_code >= 500:
        raise _BrokenError(f"the server answers {response.status_code} {response.reason}")
    if response.status_code not in (200, 206):
        raise DataError(f"{way[0]} answers {response.status_code} {response.reason} in place of the file.")
    if "html" in response.headers.get("Content-Type", ""):
        led = f", after it led to {way[-1]}" if response.history else ""
        raise DataError(f"{way[0]} sends an HTML page in place of a file{led}: a log-in, a notice, or an error.")


def _start(response: requests.Response) -> int:
    """Return which byte of the file a response begins with."""
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if response.status_code == 206 and found else 0


def _got(error: ValueError) -> str:
    """Return the sha256 that pooch's error says a file has."""
    found = re.search(r"got ([0-9a-f]{64})", str(error))
    return found[1] if found else "another"


def _reason(error: BaseException) -> str:
    """Return in a few words why a connection failed: the last cause, for requests wraps it several times."""
    while True:
        cause = getattr(error, "reason", None) or next((arg for arg in error.args if isinstance(arg, Exception)), None)
        if not isinstance(cause, Exception):
            break
        error = cause
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    words = re.sub(r"^.*?object at 0x[0-9a-f]+>: |^HTTPS?Connection\(.*?\): ", "", str(error))
    return words.rstrip(".") or type(error).__name__
