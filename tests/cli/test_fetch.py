"""The commands `data fetch`, `data verify` and `data status`: what they print, and how they end."""

import io
import re
import signal
import subprocess
import sys
import time
from itertools import pairwise

import pytest
from PIL import Image
from rich.console import Console

from tests.cli.here import topobench_here
from tests.data.fetch.collection import Collection
from tests.data.fetch.server import sends, serving, slow, status
from topobench import cards
from topobench.cli import transfer
from topobench.data import verify as verifying
from topobench.data.fetch import WEIGHTS


@pytest.fixture
def collection(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("COLUMNS", "100")
    with serving() as server:
        yield Collection(server, tmp_path)


def data(collection, command, *names):
    return topobench_here("data", command, *(names or [collection.path]), "--data-dir", collection.root)


def rows(text):
    """The lines of a table of verify: what -> (there, missing, differ)."""
    lines = text.splitlines()
    head = next(line for line in lines if "the card wants" in line)
    ends = [head.index("the card wants"), *(head.index(word) + len(word) for word in ("there", "missing", "differ"))]
    found = {line[: ends[0]].strip(): [line[start:end].split() for start, end in pairwise(ends)] for line in lines}
    known = ("images", "pairs and sizes", "known sha256", "contents")
    return {what: tuple(int(cell[-1]) if cell else -1 for cell in found[what]) for what in known if what in found}


def test_fetch_then_verify_then_status(collection):
    collection.card(collection.served("zip"))
    first = data(collection, "fetch")
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith(f"{collection.path}: Mine.\n  Cite: Me 2026\n")
    assert f"mine.toml: all 4 images are there, in {collection.folder}. To check them: " in first.stdout
    assert "archive.zip (1 of 1)" in first.stderr
    again = data(collection, "fetch")
    assert again.returncode == 0
    assert f"all 4 images are there, in {collection.folder}. To check them: topobench data verify" in again.stdout
    verified = data(collection, "verify")
    assert verified.returncode == 0, verified.stdout
    assert rows(verified.stdout) == {
        "images": (4, 0, 0), "pairs and sizes": (4, -1, 0), "known sha256": (8, 0, 0), "contents": (4, -1, 0),
    }  # fmt: skip
    assert verified.stdout.endswith("All is there, and as the card says.\n\n")
    assert "ready, 4 images." in data(collection, "status").stdout


def test_verify_says_what_is_missing_and_what_differs(collection):
    """One of each kind: missing, another hash, another size, another label value, a header that is none."""
    collection.card(collection.served("zip"), shapes=[[60, 70]])
    data(collection, "fetch")
    (collection.folder / "images" / "scan 0.png").unlink()
    whole = collection.files["masks/scan 1.png"]
    (collection.folder / "masks" / "scan 1.png").write_bytes(whole[:-30])
    result = data(collection, "verify")
    assert result.returncode == 1
    assert rows(result.stdout) == {
        "images": (3, 1, 0), "pairs and sizes": (3, -1, 1), "known sha256": (7, 1, 1), "contents": (3, -1, 1),
    }  # fmt: skip
    assert "missing: 1 of the 4 images images/{id}.png, each with masks/{id}.png" in result.stdout
    assert "masks/scan 0.png has no image" in result.stdout
    assert re.search(rf"masks/scan 1\.png has {len(whole) - 30} bytes, sha256 \w+; known is {len(whole)} bytes, \w+\n",
                     result.stdout)  # fmt: skip
    assert "masks/scan 1.png cannot be read as an image" in result.stdout
    assert result.stdout.endswith(
        "Not all is as the card says. Remove files that are wrong; then get them, and what is missing: "
        f"`topobench data fetch {collection.path} --data-dir {collection.root}` downloads them.\n\n"
    )
    (collection.folder / "masks" / "scan 1.png").write_bytes(b"text")
    result = data(collection, "verify")
    assert rows(result.stdout)["pairs and sizes"] == (3, -1, 2)  # a header that is none hides no other fault
    assert rows(result.stdout)["contents"] == (3, -1, 1)
    assert "masks/scan 0.png has no image" in result.stdout


def test_verify_goes_on_over_files_that_cannot_be_opened(collection, monkeypatch):
    collection.card(collection.served("zip"))
    data(collection, "fetch")
    real = verifying.file_sha256

    def forbidden(path):
        if path.name == "scan 2.png":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(verifying, "file_sha256", forbidden)
    result = data(collection, "verify")
    assert result.returncode == 1
    assert rows(result.stdout)["known sha256"] == (8, 0, 2)
    assert "masks/scan 2.png cannot be read: Permission denied" in result.stdout


def test_verify_sees_files_that_are_exchanged(collection):
    collection.card(collection.served("zip"))
    data(collection, "fetch")
    for number in (1, 2):
        (collection.folder / "masks" / f"scan {number}.png").write_bytes(
            collection.files[f"masks/scan {3 - number}.png"]
        )
    result = data(collection, "verify")
    assert result.returncode == 1
    assert re.search(
        r"masks/scan 1\.png has \d+ bytes, sha256 \w+, which is masks/scan 2\.png; known is", result.stdout
    )
    refused = data(collection, "fetch")
    assert refused.returncode == 1
    assert "files that are there are never changed: masks/scan 1.png has" in refused.stderr


@pytest.mark.parametrize("there", ["nothing", "empty", "a file", "others"])
def test_verify_says_what_is_there_where_no_image_is(collection, there):
    collection.card(collection.served("zip"))
    collection.root.mkdir()
    if there == "a file":
        collection.folder.write_text("x")
    elif there != "nothing":
        (collection.folder / "mine" / "images").mkdir(parents=True)
        for number in range(5 * (there == "others")):
            (collection.folder / "mine" / "images" / f"scan {number}.png").write_text("x")
    words = {
        "nothing": "is not there", "empty": "is empty", "a file": "is no folder",
        "others": "holds 5 files, none of which makes an image: mine/images/scan 0.png, mine/images/scan 1.png, mine/",
    }  # fmt: skip
    result = data(collection, "verify")
    assert result.returncode == 1
    assert f"{collection.folder} {words[there]}" in result.stdout
    assert "No image is there. To get those that are missing: `topobench data fetch" in result.stdout


def test_weights_that_are_others_are_said_to_be(collection):
    place = collection.root / "weights" / "vgg19-dcbb9e9d.pth"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"hello")
    advice = f"Remove it, then: topobench data fetch vgg19-imagenet --data-dir {collection.root}"
    for command in ("verify", "fetch"):
        result = data(collection, command, "vgg19-imagenet")
        assert result.returncode == 1
        assert f"{place} has 5 bytes and the sha256 " in result.stderr
        assert advice in result.stderr


def test_a_closed_pipe_ends_quietly(collection):
    command = f"{sys.executable} -m topobench data fetch drive cremi isbi2012 | true"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert result.stderr == ""


def test_names_in_capitals_and_of_weights_are_guessed(collection):
    assert "did you mean 'stare'?" in data(collection, "fetch", "STARE").stderr
    assert "did you mean 'vgg19-imagenet'?" in data(collection, "fetch", "vgg19-imagnet").stderr


def test_weights_are_shown(collection):
    shown = topobench_here("show", "vgg19-imagenet")
    assert shown.returncode == 0
    for value in vars(WEIGHTS["vgg19-imagenet"]).values():
        assert str(value) in shown.stdout


def test_commands_for_weights_name_the_folder(collection):
    for command in ("verify", "status"):
        result = data(collection, command, "vgg19-imagenet")
        assert f"topobench data fetch vgg19-imagenet --data-dir {collection.root}" in result.stdout


def test_verify_says_when_only_the_bytes_differ(collection):
    """Another release of the same pixels: it fits, and is not the one that is known."""
    collection.card(collection.served("zip"))
    data(collection, "fetch")
    path = collection.folder / "masks" / "scan 1.png"
    Image.open(path).save(path, compress_level=0)
    result = data(collection, "verify")
    assert result.returncode == 1
    assert "What is there fits the card, yet not all files are those that are known byte for byte." in result.stdout


def test_verify_says_once_what_all_sections_of_a_volume_share(tmp_path):
    card = cards.load_card("cremi")
    (tmp_path / "cremi").mkdir()
    for name in "ABC":
        (tmp_path / "cremi" / f"sample_{name}_20160501.hdf").write_bytes(b"text")
    result = topobench_here("data", "verify", "cremi", "--data-dir", tmp_path)
    assert result.returncode == 1
    assert rows(result.stdout) == {
        "images": (card.count, 0, 0), "pairs and sizes": (375, -1, 3), "known sha256": (3, 0, 3),
        "contents": (375, -1, 375),
    }  # fmt: skip
    assert result.stdout.count("sample_B_20160501.hdf cannot be read as HDF5") == 1


def test_names_that_are_none_keep_no_other_from_being_verified(collection):
    collection.card(collection.served("zip"))
    data(collection, "fetch")
    result = data(collection, "verify", "drvie", "vgg19-imagenet", collection.path)
    assert result.returncode == 2
    assert "did you mean 'drive'" in result.stderr
    assert "vgg19-imagenet: missing. To get it: topobench data fetch vgg19-imagenet" in result.stdout
    assert "All is there, and as the card says." in result.stdout
    assert data(collection, "status", "drvie", "vgg19-imagenet").returncode == 2


def test_a_bar_shows_names_as_they_are(monkeypatch):
    """What stands in brackets is no markup."""
    screen = io.StringIO()
    monkeypatch.setattr(transfer, "Console", lambda stderr: Console(file=screen, force_terminal=True, width=100))
    with transfer.downloading() as watcher:
        watcher.begins("scan [ [/x] [bold].png", 1, 2)
        watcher.received(5, 10)
        watcher.says("[/y]: unpacking.")
    assert "scan [ [/x] [bold].png" in screen.getvalue()
    assert "[/y]: unpacking." in screen.getvalue()


def test_verify_of_a_part(collection):
    collection.card(collection.served("zip"))
    data(collection, "fetch")
    for folder in ("images", "masks"):
        (collection.folder / folder / "scan 2.png").unlink()
    result = data(collection, "verify")
    assert result.returncode == 1
    assert result.stdout.endswith(
        "A part is there, and as the card says. To get those that are missing: `topobench data fetch "
        f"{collection.path} --data-dir {collection.root}` downloads them.\n\n"
    )
    assert topobench_here("data", "verify", "--partial", collection.path, "--data-dir", collection.root).returncode == 0
    assert "3 of 4 images, which --partial uses." in data(collection, "status").stdout


def test_verify_shows_the_first_of_many(collection):
    collection.card(known=False, shapes=[[1, 1]])
    for name, content in collection.files.items():
        path = collection.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for number in range(20):
        (collection.folder / "masks" / f"more{number}.png").write_bytes(collection.files["masks/scan 0.png"])
    result = data(collection, "verify")
    assert result.stdout.count("has no image") == 10
    assert "... and 14 more\n" in result.stdout  # ten more without image, four of the wrong size


def test_verify_of_real_data(real_data):
    result = topobench_here("data", "verify", "isbi2012", "crackforest", "--data-dir", real_data)
    assert result.returncode == 0, result.stdout
    assert result.stdout.count("All is there, and as the card says.") == 2
    assert rows(result.stdout.rpartition("crackforest: ")[2])["known sha256"] == (236, 0, 0)


def test_what_is_got_by_hand_is_said(tmp_path):
    result = topobench_here("data", "fetch", "drive", "cremi", "--data-dir", tmp_path)
    assert result.returncode == 1
    for words in (
        "topobench does not download 'drive'. Free for research and education; copying, redistribution",
        "Home page: https://drive.grand-challenge.org/", f"Put into {tmp_path}/drive:",
        "training/images/{id}_training.tif, each with training/1st_manual/{id}_manual1.gif and training/mask/{id}_",
        f"Put into {tmp_path}/cremi:\n  sample_A_20160501.hdf\n  sample_B_20160501.hdf\n  sample_C_20160501.hdf\n",
        f"Then: topobench data verify cremi --data-dir {tmp_path}",
    ):  # fmt: skip
        assert words in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_one_that_fails_does_not_keep_others_from_being_fetched(collection, tmp_path):
    collection.card(collection.served("zip"))
    below_a_file = tmp_path / "other.toml"
    (tmp_path / "file").write_text("a file")
    collection.card(collection.served("zip"))
    text = collection.path.read_text().replace('"mine"', '"other"', 1)
    below_a_file.write_text(f'folder = "file/below"\n{text}')
    result = data(collection, "fetch", "nowhere", "synthetic-roads", below_a_file, collection.path)
    assert result.returncode == 2
    assert "Error: no data set is named 'nowhere'" in result.stderr
    assert "synthetic-roads: all 24 images are there, made by code." in result.stdout
    assert collection.there() == collection.files


def test_status_has_a_line_for_each(tmp_path):
    result = topobench_here("data", "status", "--data-dir", tmp_path)
    assert result.returncode == 0
    lines = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if line.split()}
    assert {*cards.names("datasets"), *WEIGHTS} <= set(lines)
    assert lines["drive"] == ["0", "20", "missing", "by", "hand"]
    assert lines["stare"] == ["0", "20", "missing", "fetch"]
    assert lines["synthetic-roads"] == ["24", "24", "ready"]
    assert lines["vgg19-imagenet"] == ["missing", "fetch"]


def test_status_says_what_does_not_fit(collection, monkeypatch):
    monkeypatch.setattr(cards, "names", lambda kind: ["mine.toml"])
    collection.card(known=False)
    for name, content in list(collection.files.items())[:3]:
        path = collection.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    result = topobench_here("data", "status", "--data-dir", collection.root, cwd=collection.path.parent)
    assert re.search(r"mine\.toml +1 +4 +does not fit +by hand", result.stdout)
    (collection.folder / "masks" / "scan 0.png").write_bytes(b"text")
    result = topobench_here("data", "status", "--data-dir", collection.root, cwd=collection.path.parent)
    assert result.returncode == 0
    assert re.search(r"mine\.toml +1 +4 +does not fit +by hand", result.stdout)
    collection.path.write_text("schema = 2")
    result = topobench_here("data", "status", "--data-dir", collection.root, cwd=collection.path.parent)
    assert result.returncode == 1
    assert re.search(r"mine\.toml +does not fit", result.stdout)
    assert "mine.toml is not a valid card" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_what_has_come(collection, number):
    collection.card(collection.served("tar", files=collection.files | {"padding.bin": bytes(20_000_000)}))
    content = collection.path.with_name("archive.tar").read_bytes()
    collection.server.routes["/x/archive.tar"] = slow(content, 0.05)
    with subprocess.Popen(collection.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while collection.received() < 300_000:
            time.sleep(0.01)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert number == signal.SIGTERM or err.splitlines()[-1] == "Interrupted."
    assert collection.received() > 250_000
    assert collection.there() == {}
    collection.server.routes["/x/archive.tar"] = sends(content)
    assert data(collection, "fetch").returncode == 0


def test_a_read_only_folder_and_a_wrong_argument(collection):
    assert topobench_here("data", "fetch").returncode == 2
    assert topobench_here("data", "verify").returncode == 2
    collection.card(collection.served("zip"))
    collection.root.write_text("a file")
    result = data(collection, "fetch")
    assert result.returncode == 1
    assert f"Error: {collection.folder}: Not a directory." in result.stderr
    assert "did you mean 'drive'" in topobench_here("data", "verify", "drvie").stderr


def test_what_is_missing_names_the_command_that_gets_it(collection):
    collection.card(collection.served("zip"))
    result = topobench_here(
        "run", "--dataset", collection.path, "--data-dir", collection.root, "-o", collection.root / "o"
    )
    assert result.returncode == 1
    command = f"topobench data fetch {collection.path} --data-dir {collection.root}"
    assert f"`{command}` downloads what is missing." in result.stderr
    collection.server.routes["/x/archive.zip"] = status(404)
    assert "answers 404 Not Found in place of the file" in data(collection, "fetch").stderr
