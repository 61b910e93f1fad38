"""One file from an address: right, resumed, led elsewhere, slow, busy; what comes instead is named."""

import hashlib
import random

import pytest
import requests
import urllib3

from tests.data.fetch.server import answers, busy, cut, page, redirect, sends, slow, stalls, status, then
from topobench.data.fetch import download as module
from topobench.data.fetch.download import ATTEMPTS, download
from topobench.errors import DataError

CONTENT = random.Random(0).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Heard:
    """A watcher that remembers."""

    def __init__(self):
        self.done, self.sentences = [], []

    def begins(self, name, number, of): ...

    def received(self, done, total):
        self.done.append((done, total))

    def says(self, sentence):
        self.sentences.append(sentence)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "file.bin"


def left(path):
    return sorted(found.name for found in path.parent.iterdir()) if path.parent.exists() else []


def test_a_file_is_downloaded_once(server, path):
    server.routes["/file"] = sends(CONTENT)
    heard = Heard()
    download(f"{server.url}/file", path, SHA256, len(CONTENT), heard)
    download(f"{server.url}/file", path, SHA256, len(CONTENT))
    assert path.read_bytes() == CONTENT
    assert server.asked == [("/file", None)]
    assert heard.done[-1] == (len(CONTENT), len(CONTENT))
    assert left(path) == ["file.bin"]


@pytest.mark.parametrize("known", [(SHA256, None), (None, None), (None, len(CONTENT)), (SHA256, len(CONTENT))])
@pytest.mark.parametrize("ranges", [True, False])
def test_what_was_cut_off_is_gone_on_with(server, path, known, ranges):
    """Within one call: each time some more comes. A server that knows no ranges has to send all in the end."""
    server.routes["/file"] = cut(CONTENT, 70_000, ranges, times=4 if ranges else 2, tag="" if known[0] else '"v1"')
    heard = Heard()
    download(f"{server.url}/file", path, *known, heard)
    assert path.read_bytes() == CONTENT
    asked = [f"bytes={place}-" for place in ([70_000, 140_000, 210_000, 280_000] if ranges else [70_000, 70_000])]
    assert [found for _, found in server.asked] == [None, *asked]
    assert len(heard.sentences) == len(asked)
    assert left(path) == ["file.bin"]


def test_what_an_earlier_process_left_is_gone_on_with(server, path):
    server.routes["/file"] = cut(CONTENT, 100_000, times=1)
    path.parent.mkdir()
    path.with_name("file.bin.part").write_bytes(CONTENT[:50_000])
    download(f"{server.url}/file", path, SHA256)
    assert path.read_bytes() == CONTENT
    assert [found for _, found in server.asked] == ["bytes=50000-", "bytes=150000-"]


@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_what_is_whole_already_is_not_asked_for_again(server, path, size):
    """A process was killed between the last byte and the renaming."""
    server.routes["/file"] = sends(CONTENT)
    path.parent.mkdir()
    path.with_name("file.bin.part").write_bytes(CONTENT)
    download(f"{server.url}/file", path, SHA256, size)
    assert path.read_bytes() == CONTENT
    assert server.asked == ([] if size else [("/file", "bytes=300000-")])


@pytest.mark.parametrize("size", [len(CONTENT), None])
@pytest.mark.parametrize("length", [100, len(CONTENT) + 5])
def test_what_an_earlier_process_left_of_another_file_is_thrown_away(server, path, size, length):
    server.routes["/file"] = sends(CONTENT)
    path.parent.mkdir()
    path.with_name("file.bin.part").write_bytes(bytes(length))
    heard = Heard()
    download(f"{server.url}/file", path, SHA256, size, heard)
    assert path.read_bytes() == CONTENT
    assert left(path) == ["file.bin"]


@pytest.mark.parametrize("tags", [('"v1"', '"v2"'), ("", ""), ('W/"v1"', 'W/"v1"')])
def test_two_versions_of_a_file_are_never_mixed(server, path, tags):
    """Where no hash would tell: what the server calls the version does, and where it calls it nothing all is new."""
    other = bytes(len(CONTENT))
    server.routes["/file"] = then(cut(other, 100_000, tag=tags[0]), sends(CONTENT, tag=tags[1]))
    download(f"{server.url}/file", path)
    assert path.read_bytes() == CONTENT
    assert left(path) == ["file.bin"]


def test_a_server_is_told_of_which_version_the_rest_is_wanted(server, path):
    wanted = []

    def rest(request):
        wanted.append(request.headers.get("If-Range"))
        sends(CONTENT, tag='"v1"')(request)

    server.routes["/file"] = then(cut(CONTENT, 100_000, tag='"v1"'), rest)
    download(f"{server.url}/file", path, SHA256)
    assert wanted == ['"v1"']


def test_a_server_that_goes_on_with_another_version_is_seen_through(server, path):
    """It knows no If-Range, yet says of what it sends that it is another."""
    rest = {"Content-Range": f"bytes 100000-{len(CONTENT) - 1}/{len(CONTENT)}", "ETag": '"v2"'}
    server.routes["/file"] = then(
        cut(bytes(len(CONTENT)), 100_000, tag='"v1"'), then(answers(206, rest, CONTENT[100_000:]), sends(CONTENT))
    )
    download(f"{server.url}/file", path)
    assert path.read_bytes() == CONTENT


def little(most):
    """Send no more than so many bytes at a time."""

    def handle(request):
        start = int(request.headers.get("Range", "bytes=0-")[6:-1])
        part = CONTENT[start : start + most]
        answers(206, {"Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(CONTENT)}",
                      "Content-Length": len(part)}, part)(request)  # fmt: skip

    return handle


def test_a_server_that_sends_little_at_a_time_is_asked_until_all_is_there(server, path):
    server.routes["/file"] = little(10_000)
    download(f"{server.url}/file", path, SHA256, len(CONTENT))
    assert path.read_bytes() == CONTENT
    assert len(server.asked) == 30


def test_a_server_that_sends_next_to_nothing_is_left_in_the_end(server, path, monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0.0)
    server.routes["/file"] = little(100)
    with pytest.raises(DataError, match=r"could not be downloaded in 100 attempts: .* 10000 bytes are kept; the next"):
        download(f"{server.url}/file", path, SHA256, len(CONTENT))


def test_another_size_is_seen_before_anything_is_downloaded(server, path):
    server.routes["/file"] = sends(CONTENT)
    heard = Heard()
    with pytest.raises(DataError, match=r"is not the file that is known: it has 300000 bytes, wanted 299999\."):
        download(f"{server.url}/file", path, SHA256, len(CONTENT) - 1, heard)
    assert heard.done == []
    assert left(path) == []


def odd(kind):
    """Servers that never come to an end, or say nothing of sense."""
    short, long = cut(CONTENT, 1000, ranges=False), cut(CONTENT, 70_000, ranges=False)
    turns = [0]

    def alternating(request):
        turns[0] += 1
        (short if turns[0] % 2 else long)(request)

    def beyond(request):
        (answers(416, {}) if request.headers.get("Range") else long)(request)

    def elsewhere(request):
        other = answers(206, {"Content-Range": f"bytes 5-9/{len(CONTENT)}", "Content-Length": 5}, b"abcde")
        (other if request.headers.get("Range") else long)(request)

    return {
        "alternating": alternating, "beyond": beyond, "elsewhere": elsewhere,
        "no range": answers(206, {"Content-Length": 5}, b"abcde"),
        "garbage": answers(206, {"Content-Range": "bytes all", "Content-Length": 5}, b"abcde"),
    }[kind]  # fmt: skip


@pytest.mark.parametrize("kind", ["alternating", "beyond", "elsewhere", "no range", "garbage"])
@pytest.mark.parametrize("known", [(SHA256, len(CONTENT)), (None, None)])
def test_a_server_without_sense_is_left_after_a_few_attempts(server, path, kind, known):
    server.routes["/file"] = odd(kind)
    with pytest.raises(DataError, match=r"/file could not be downloaded in \d+ attempts: "):
        download(f"{server.url}/file", path, *known)
    assert len(server.asked) <= 8
    assert not path.exists()


@pytest.mark.parametrize("part", [True, False])
@pytest.mark.parametrize("to", ["http://[broken/x", f"http://{'a' * 300}/x"])
def test_an_address_that_is_none_is_no_wrong_file(server, path, part, to):
    server.routes["/file"] = redirect(to)
    path.parent.mkdir()
    if part:
        path.with_name("file.bin.part").write_bytes(CONTENT[:1000])
    with pytest.raises(DataError, match=r"/file (cannot|could not) be downloaded") as error:
        download(f"{server.url}/file", path, SHA256)
    assert "\n" not in str(error.value)
    assert len(server.asked) <= 4


def test_a_length_without_sense_is_no_length(server, path):
    server.routes["/file"] = answers(200, {"X": "1", "Content-Range": "9" * 5000}, CONTENT)
    download(f"{server.url}/file", path, SHA256)
    assert path.read_bytes() == CONTENT


def test_encryption_that_breaks_is_another_attempt(server, path, monkeypatch):
    real, first = urllib3.HTTPResponse.stream, [True]

    def stream(self, *arguments, **more):
        if first:
            first.pop()
            raise urllib3.exceptions.SSLError("bad record MAC")
        yield from real(self, *arguments, **more)

    monkeypatch.setattr(urllib3.HTTPResponse, "stream", stream)
    server.routes["/file"] = sends(CONTENT)
    heard = Heard()
    download(f"{server.url}/file", path, SHA256, None, heard)
    assert path.read_bytes() == CONTENT
    assert heard.sentences == [f"{server.url}/file: bad record MAC; trying again."]


def test_what_has_come_is_kept_until_its_hash_has_been_looked_at(server, path, monkeypatch):
    server.routes["/file"] = sends(CONTENT)

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.pooch.core, "hash_matches", killed)
    with pytest.raises(KeyboardInterrupt):
        download(f"{server.url}/file", path, SHA256, len(CONTENT))
    monkeypatch.undo()
    download(f"{server.url}/file", path, SHA256, len(CONTENT))
    assert len(server.asked) == 1
    assert left(path) == ["file.bin"]


def test_a_disk_without_links(server, path, monkeypatch):
    def none(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(type(path), "hardlink_to", none)
    server.routes["/file"] = sends(CONTENT)
    download(f"{server.url}/file", path, SHA256)
    assert path.read_bytes() == CONTENT
    assert left(path) == ["file.bin"]


def test_a_file_that_is_there_with_another_hash_is_replaced(server, path):
    server.routes["/file"] = sends(CONTENT)
    path.parent.mkdir()
    path.write_bytes(CONTENT[:9])
    download(f"{server.url}/file", path, SHA256)
    assert path.read_bytes() == CONTENT


def test_a_redirect_is_followed(server, path):
    server.routes |= {"/old": redirect("/new"), "/new": redirect(f"{server.url}/file"), "/file": sends(CONTENT)}
    download(f"{server.url}/old", path, SHA256)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("to", ["ftp://127.0.0.1/file", "file:///etc/passwd", "/old"])
def test_a_redirect_to_nowhere_is_an_error(server, path, to):
    server.routes["/old"] = redirect(to)
    with pytest.raises(DataError, match=r"/old cannot be downloaded: (No connection adapters|Exceeded 30 redirects)"):
        download(f"{server.url}/old", path)
    assert left(path) == []


def test_a_redirect_that_gives_up_encryption_is_not_followed():
    response = requests.Response()
    response.url, response.status_code = "https://example.org/a/file", 302
    for target in ("http://example.org/file", "ftp://example.org/file"):
        response.headers["Location"] = target
        with pytest.raises(DataError, match=rf"a/file leads to {target}, which is not encrypted; it is not followed"):
            module._SESSION.get_redirect_target(response)
    for target in ("https://example.com/file", "other", "/other", "//example.com/x"):
        response.headers["Location"] = target
        assert module._SESSION.get_redirect_target(response) == target
    response.url, response.headers["Location"] = "http://example.org/file", "http://example.com/file"
    assert module._SESSION.get_redirect_target(response) == "http://example.com/file"


def test_a_slow_server_is_waited_for_and_a_silent_one_is_not(server, path, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", (1.0, 0.3))
    server.routes |= {"/slow": slow(CONTENT, 0.1), "/silent": stalls(CONTENT, 100_000, seconds=1.0)}
    download(f"{server.url}/slow", path, SHA256)  # half a second in all, never more than a tenth between two bytes
    heard = Heard()
    download(f"{server.url}/silent", path.with_name("other"), SHA256, None, heard)
    assert path.read_bytes() == path.with_name("other").read_bytes() == CONTENT
    assert ["timed out" in sentence for sentence in heard.sentences] == [True]
    assert server.asked[-1] == ("/silent", "bytes=65536-")


def test_a_busy_server_is_asked_again(server, path):
    server.routes["/file"] = busy(CONTENT, ATTEMPTS - 1)
    download(f"{server.url}/file", path, SHA256)
    assert path.read_bytes() == CONTENT
    server.routes["/file"] = busy(CONTENT, ATTEMPTS)
    with pytest.raises(DataError, match=r"could not be downloaded in 4 attempts: the server answers 503 Service"):
        download(f"{server.url}/file", path.with_name("other"), SHA256)


def test_a_file_without_length_is_read_to_its_end(server, path):
    server.routes["/file"] = sends(CONTENT, length=False)
    download(f"{server.url}/file", path, SHA256)
    assert path.read_bytes() == CONTENT


def test_bytes_are_kept_as_they_are_sent(server, path):
    """Some servers say of a .gz that it is encoded so; unpacked it would be another file."""
    import gzip

    packed = gzip.compress(b"vessels", mtime=0)

    def handle(request):
        request.send_response(200)
        request.send_header("Content-Encoding", "gzip")
        request.send_header("Content-Length", str(len(packed)))
        request.end_headers()
        request.wfile.write(packed)

    server.routes["/file"] = handle
    download(f"{server.url}/file", path)
    assert path.read_bytes() == packed


@pytest.mark.parametrize(
    ("route", "sentence"),
    [
        (status(404), "answers 404 Not Found in place of the file"),
        (status(403), "answers 403 Forbidden in place of the file"),
        (page(), "sends an HTML page in place of a file: a log-in, a notice, or an error"),
    ],
)
def test_what_is_no_file_is_an_error_at_once(server, path, route, sentence):
    server.routes["/file"] = route
    with pytest.raises(DataError, match=sentence):
        download(f"{server.url}/file", path, SHA256)
    assert len(server.asked) == 1
    assert left(path) == []


def test_a_server_that_never_ends_is_left(server, path, monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 200_000)
    server.routes["/file"] = sends(CONTENT, length=False)
    with pytest.raises(DataError, match=r"/file sends more than the 200000 bytes that it may have"):
        download(f"{server.url}/file", path)
    assert not path.exists()
    assert left(path) == []


def test_a_disk_that_is_full_is_named(server, path, monkeypatch):
    """What had come stays; the error is the system's, with the path."""
    server.routes["/file"] = sends(CONTENT)
    monkeypatch.setattr(module.os, "fsync", _full)
    with pytest.raises(OSError, match="No space left on device") as error:
        download(f"{server.url}/file", path, SHA256)
    assert error.value.filename == str(path.with_name("file.bin.part"))
    assert not path.exists()
    monkeypatch.undo()
    download(f"{server.url}/file", path, SHA256)
    assert path.read_bytes() == CONTENT


def _full(_):
    raise OSError(28, "No space left on device")
