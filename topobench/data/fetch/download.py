"""One file from an address: what broke off is picked up again, and nothing is where it belongs before it is whole.

pooch checks the sha256 and moves the file into place. Here is what it has not: going on at the byte where a
connection broke, in this process or an earlier one, and words for what came instead of the file.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pooch
import requests
import urllib3

from topobench import __version__
from topobench.data.fetch.watcher import SILENT, Watcher
from topobench.data.quiet import plain
from topobench.errors import DataError
from topobench.files import check_writable, naming

__all__ = ["download"]

ATTEMPTS = 4  # one after the other, none of which gets farther than any before
MOST_ATTEMPTS = 100  # in all: a server that gives a few bytes at a time is left in the end
PAUSE = 0.5  # seconds; the pause is twice as long after each attempt that gets no farther
TIMEOUT = 10.0, 30.0  # seconds to connect, and between two bytes
CHUNK = 2**16  # bytes read at once, and lost where a server falls silent
LARGEST = 16 * 2**30  # bytes of a file whose size nobody knows


class _BrokenError(Exception):
    """The connection ended before the file did, or the server is busy: worth another attempt."""


# What requests and urllib3 raise where a connection cannot be made, breaks, or is silent for too long.
_BROKEN = (
    _BrokenError, requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError,
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
    receiving = _Receiving(path.with_name(f"{path.name}.part"), size, sha256 is not None, watcher)
    gone_on_with = receiving.have
    try:
        _retrieve(url, path, sha256, receiving)
    except _OtherFileError:
        if not gone_on_with:
            raise
        watcher.says(f"{url}: what had come before does not fit; it is downloaded anew.")
        _retrieve(url, path, sha256, receiving)


class _OtherFileError(DataError):
    """All bytes came, and they are not those of the file that is known."""


def _retrieve(url: str, path: Path, sha256: str | None, receiving: _Receiving) -> None:
    """Let pooch download, check and move a file; DataError says in our words what went wrong."""
    receiving.came = ""
    try:
        pooch.retrieve(url, sha256 and f"sha256:{sha256}", fname=path.name, path=path.parent, downloader=receiving)
    except _BROKEN as error:
        kept = f" {receiving.have} bytes are kept; the next attempt goes on from there." if receiving.have else ""
        raise DataError(
            f"{url} could not be downloaded in {receiving.attempts} attempts: {_reason(error)}.{kept}"
        ) from error
    except requests.RequestException as error:
        raise DataError(f"{url} cannot be downloaded: {_reason(error)}.") from error
    except ValueError as error:
        if not receiving.came:  # not pooch's about the hash: an address that is none, a header without sense
            raise DataError(f"{url} cannot be downloaded: {_reason(error)}.") from error
        receiving.forget()
        raise _OtherFileError(
            f"{url} is not the file that is known: wanted sha256 {sha256}, came {_got(error)}, {receiving.came}. "
            "It was removed."
        ) from error
    receiving.forget()


class _Receiving:
    """What pooch calls to download: fills `part`, in several attempts, and gives it to pooch once it is whole.

    `part` is kept until pooch has moved the file, so that a process that is killed while it looks at the hash loses
    nothing. Beside it lies what the server calls this version of the file, in case the next attempt finds another.
    """

    def __init__(self, part: Path, size: int | None, checked: bool, watcher: Watcher) -> None:
        self.part, self.size, self.checked, self.watcher = part, size, checked, watcher
        self.version = part.with_name(f"{part.name}.version")
        self.came, self.attempts = "", 0

    @property
    def have(self) -> int:
        """How many bytes are there."""
        return self.part.stat().st_size if self.part.exists() else 0

    def forget(self) -> None:
        """Remove what has come so far."""
        self.part.unlink(missing_ok=True)
        self.version.unlink(missing_ok=True)

    def __call__(self, url: str, output_file: str, _: Any) -> None:
        """Download to `output_file`."""
        self.attempts, vain, most = 0, 0, self.have
        while self.have != self.size:  # an earlier attempt may have had all
            self.attempts += 1
            try:
                self._receive(url)
                break
            except _BROKEN as error:
                vain = 0 if self.have > most else vain + 1
                most = max(most, self.have)
                if vain >= ATTEMPTS or self.attempts >= MOST_ATTEMPTS:
                    raise
                self.watcher.says(f"{url}: {_reason(error)}; trying again.")
                time.sleep(PAUSE * 2**vain)
        self._check_size(url, self.have)
        with self.part.open("rb") as file:
            self.came = f"{self.have} bytes that begin with {file.read(24)!r}"
        Path(output_file).unlink()
        try:
            Path(output_file).hardlink_to(self.part)
        except OSError:  # not every disk has links
            self.part.replace(output_file)

    def _check_size(self, url: str, found: int | None) -> None:
        """Raise DataError where the file has another size than is known; what came of it is removed."""
        if self.size and found is not None and found != self.size:
            self.forget()
            raise DataError(f"{url} is not the file that is known: it has {found} bytes, wanted {self.size}.")

    def _receive(self, url: str) -> None:
        """Receive what is not there yet, from the first missing byte on if the server can do that."""
        version = self.version.read_text() if self.version.exists() else ""
        if not (version or self.checked):
            self.forget()  # nothing would tell whether the rest is of the same file
        headers = {"User-Agent": f"topobench/{__version__}", "Accept-Encoding": "identity"}
        headers |= {"Range": f"bytes={self.have}-"} if self.have else {}
        headers |= {"If-Range": version} if self.have and version else {}
        with _SESSION.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if response.status_code == 416:  # nothing lies beyond what is there: it is whole, or of another file
                if _range(response) == (None, self.have):
                    return
                self.forget()
                raise _BrokenError("the server has fewer bytes than are there")
            _check(url, response)
            start, total = _range(response)
            if start not in (0, self.have) or (start and version and _version(response) not in ("", version)):
                self.forget()
                raise _BrokenError("the server does not go on where it was asked to, or with another file")
            self._check_size(url, total)
            if not start:
                self.version.write_text(_version(response))
            self._write(url, response, start, total or self.size)

    def _write(self, url: str, response: requests.Response, start: int, total: int | None) -> None:
        """Write the bytes as the server has them, from `start` on."""
        with naming(self.part), self.part.open("ab" if start else "wb") as file:
            for chunk in response.raw.stream(CHUNK, decode_content=False):
                file.write(chunk)
                self.watcher.received(file.tell(), total)
                if file.tell() > (most := total or LARGEST):
                    self.forget()
                    raise DataError(f"{url} sends more than the {most} bytes that it may have. They were removed.")
            file.flush()
            os.fsync(file.fileno())
        if total and self.have < total:
            raise _BrokenError(f"the connection ended after {self.have} of {total} bytes")


class _Session(requests.Session):
    """Follows where an address leads, unless that is from https to something that is not encrypted."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return where a response leads, or None; DataError where it must not be followed."""
        target = super().get_redirect_target(resp)
        if target and resp.url.startswith("https:") and not urljoin(resp.url, target).startswith("https:"):
            raise DataError(f"{resp.url} leads to {target}, which is not encrypted; it is not followed.")
        return target


_SESSION = _Session()  # one, so that many files come over one connection


def _check(url: str, response: requests.Response) -> None:
    """Raise DataError where something else than a file comes: an error, or a page."""
    said = plain(f"{response.status_code} {response.reason}")
    if response.status_code in (408, 429) or response.status_code >= 500:
        raise _BrokenError(f"the server answers {said}")
    if response.status_code not in (200, 206):
        raise DataError(f"{url} answers {said} in place of the file.")
    if "html" in response.headers.get("Content-Type", ""):
        led = f", after it led to {response.url}" if response.history else ""
        raise DataError(f"{url} sends an HTML page in place of a file{led}: a log-in, a notice, or an error.")


def _version(response: requests.Response) -> str:
    """Return what the server calls this version of the file: an entity tag that is strong, or a date; maybe nothing."""
    tag = response.headers.get("ETag", "")
    return str(tag if tag.startswith('"') else response.headers.get("Last-Modified", ""))


def _range(response: requests.Response) -> tuple[int | None, int | None]:
    """Return which byte of the file a response begins with, and how many the file has; None where it does not say."""
    number = r"(\d{1,18})"
    if response.status_code == 200:
        length = re.fullmatch(number, response.headers.get("Content-Length", ""))
        return 0, int(length[1]) if length else None
    found = re.fullmatch(rf"bytes (?:{number}-\d+|\*)/(?:{number}|\*)", response.headers.get("Content-Range", ""))
    start, total = found.groups() if found else (None, None)
    return None if start is None else int(start), None if total is None else int(total)


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
        return plain(error.strerror)
    words = re.sub(r"^.*?object at 0x[0-9a-f]+>: |^HTTPS?Connection\(.*?\): ", "", str(error))
    return plain(words) or type(error).__name__
