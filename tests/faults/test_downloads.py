"""FAULTS rows 21 and 24: what comes in place of a file, and processes that fetch at once or are killed meanwhile."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.cli.here import topobench_here
from tests.conftest import ROOT
from tests.data.fetch.collection import Collection
from tests.data.fetch.server import page, sends, serving, slow
from topobench.data.fetch import download as module

SIGKILL_MOMENTS = 4


@pytest.fixture
def collection(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0.01)
    with serving() as server:
        yield Collection(server, tmp_path)


def fetched(collection):
    return topobench_here("data", "fetch", collection.path, "--data-dir", collection.root)


def refused(collection, *words):
    """Fetching fails in one line of the words; nothing is in place, and nothing wrong is kept for later."""
    result = fetched(collection)
    assert result.returncode == 1
    [line] = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    for word in (*words, "By hand: Ask me. Home page: https://example.org.", f"The folder is {collection.folder};"):
        assert word in line
    assert collection.there() == {}
    assert not [name for name in collection.leftovers() if "unpacked" in name or name.startswith("tmp")]


@pytest.mark.parametrize("kind", ["files", "zip"])
def test_21_a_wrong_sha256(collection, kind):
    download = collection.serve_files() if kind == "files" else collection.served("zip")
    collection.card(download)
    path = "/x/images/scan%200.png" if kind == "files" else "/x/archive.zip"
    size = len(collection.files["images/scan 0.png"]) if kind == "files" else download["bytes"]
    collection.server.routes[path] = sends(b"x" * size)
    refused(
        collection, f"{path} is not the file that is known: wanted sha256 ", f", {size} bytes that begin with b'xxxxxx",
        "It was removed.",
    )  # fmt: skip
    assert collection.leftovers() in ([], ["ready"])


def test_21_a_wrong_size_is_seen_before_it_is_downloaded(collection):
    collection.card(download := collection.served("zip"))
    collection.server.routes["/x/archive.zip"] = sends(bytes(10**7))
    refused(collection, f"is not the file that is known: it has 10000000 bytes, wanted {download['bytes']}.")


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
@pytest.mark.parametrize("known", [True, False])
def test_21_an_html_page(collection, kind, known):
    download = collection.served("zip")
    collection.card(download if known else {key: download[key] for key in ("url", "within")})
    collection.server.routes["/x/archive.zip"] = page(kind=kind)
    if "html" in kind:
        refused(collection, "/x/archive.zip sends an HTML page in place of a file: a log-in, a notice, or an error.")
    elif known:
        refused(collection, "is not the file that is known: it has 49 bytes, wanted")
    else:
        refused(collection, "was downloaded and removed again", "cannot be unpacked: ")
    assert collection.leftovers() == []


def test_21_no_network(collection, monkeypatch):
    with serving() as other:
        port = other.url
    collection.card({"url": f"{port}/gone.zip"})  # nobody listens there any more
    refused(collection, f"{port}/gone.zip could not be downloaded in 4 attempts: ", "Connection refused")
    monkeypatch.setattr(module._SESSION, "get", _no_name)
    refused(collection, "could not be downloaded in 4 attempts: Failed to resolve 'example.org'")


def _no_name(*_, **__):
    """Raise what requests raises without a network."""
    import requests
    import urllib3

    connection = "HTTPSConnection(host='example.org', port=443)"
    reason = urllib3.exceptions.NameResolutionError("example.org", connection, OSError(-2, "Name or service not known"))
    raise requests.ConnectionError(urllib3.exceptions.MaxRetryError(None, "/", reason))


@pytest.mark.parametrize("kind", ["files", "tar"])
def test_24_two_processes_fetch_once(collection, kind):
    collection.card(collection.serve_files() if kind == "files" else collection.served("tar"))
    path = "/x/masks/scan%203.png" if kind == "files" else "/x/archive.tar"
    content = (
        collection.files["masks/scan 3.png"]
        if kind == "files"
        else collection.path.with_name("archive.tar").read_bytes()
    )
    asked, go_on = threading.Event(), threading.Event()
    collection.server.routes[path] = _held(content, asked, go_on)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    first = subprocess.Popen(collection.command(), **pipes)
    assert asked.wait(60)
    second = subprocess.Popen(collection.command(), **pipes)
    assert second.stderr.readline() == "Another process is fetching mine; waiting for it.\n"
    go_on.set()
    said = [process.communicate(timeout=60) for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], said
    assert collection.there() == collection.files
    paths = [path for path, _ in collection.server.asked]
    assert len(paths) == len(set(paths)) == (8 if kind == "files" else 1)
    assert "waiting" not in said[0][1]
    assert all("4 images" in out for out, _ in said)


def _held(content, asked, go_on):
    """Send the bytes once one may go on."""

    def handle(request):
        asked.set()
        go_on.wait(60)
        sends(content)(request)

    return handle


def killed(collection, when):
    """Start fetching and kill it as soon as `when` is true; return whether it was killed before it had ended."""
    with subprocess.Popen(collection.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not when():
            time.sleep(0.002)
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    return process.returncode == -signal.SIGKILL


def test_21_killed_in_the_middle_of_a_download(collection):
    """What had come is gone on with; a lock that the dead process held is free."""
    padding = {"padding.bin": random.Random(0).randbytes(2_000_000)}
    collection.card(collection.served("tar", files=collection.files | padding))
    content = collection.path.with_name("archive.tar").read_bytes()
    collection.server.routes["/x/archive.tar"] = slow(content, 0.05)
    for mebibytes in (0.3, 0.9):
        assert killed(collection, lambda least=mebibytes: collection.received() > least * 2**20)
        assert collection.there() == {}
        assert topobench_here("data", "verify", collection.path, "--data-dir", collection.root).returncode == 1
    collection.server.routes["/x/archive.tar"] = sends(content)
    assert fetched(collection).returncode == 0
    starts = [0 if start is None else int(start[6:-1]) for _, start in collection.server.asked]
    assert starts[0] < starts[1] < starts[2]
    assert starts[2] > 0.8 * 2**20
    assert collection.there() == collection.files | padding
    assert collection.leftovers() == []


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_21_killed_in_the_middle_of_an_unpacking(collection, kind):
    count = 4000  # so many that a busy machine has time to kill it with 900 there
    many = {f"more/{number:04d}.bin": random.Random(number).randbytes(700) for number in range(count)}
    collection.card(collection.served(kind, files=collection.files | many))
    halves = 0
    for least in (1, 200, 900):
        assert killed(collection, lambda least=least: collection.unpacked() >= least)
        halves += 0 < collection.unpacked() < count + len(collection.files)
        assert collection.there() == {}
    assert halves
    assert fetched(collection).returncode == 0
    assert len(collection.server.asked) == 1  # the archive was kept
    assert collection.there() == collection.files | many
    assert collection.leftovers() == []


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "files"])
def test_21_killed_at_every_file_operation(collection, kind):
    """Before each operation of a fetch in turn: in place is nothing or all, and the next fetch has all, and no rest."""
    collection.card(collection.serve_files() if kind == "files" else collection.served(kind))
    step = "4" if kind == "files" else "1"  # each file has the same operations
    command = [sys.executable, "-m", "tests.faults.kills", str(collection.path), str(collection.root), step]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    assert len(seen) > 20
    for after, again, rest in seen:
        assert after in ([], sorted(collection.files))
        assert again == sorted(collection.files)
        assert rest == []
    assert {len(after) for after, _, _ in seen} == {0, len(collection.files)}


def test_21_killed_at_any_moment(collection):
    """Nothing is in place, or all of it: whatever the moment; and the next attempt has it all."""
    collection.card(collection.served("tar.gz"))
    start = time.monotonic()
    assert subprocess.run(collection.command(), check=False).returncode == 0
    whole = time.monotonic() - start
    for moment in range(SIGKILL_MOMENTS):
        subprocess.run(["rm", "-rf", str(collection.root)], check=True)
        end = time.monotonic() + whole * (0.4 + 0.6 * moment / SIGKILL_MOMENTS)
        killed(collection, lambda end=end: time.monotonic() > end)
        assert collection.there() in ({}, collection.files)
        assert fetched(collection).returncode == 0
        assert collection.there() == collection.files
