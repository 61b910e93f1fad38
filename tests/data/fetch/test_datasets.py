"""A data set is fetched from files or archives: all of it or nothing, once, and over nothing that was there."""

import errno
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.data.fetch.collection import COUNT
from tests.data.fetch.server import cut, sends, status, then
from topobench.cards import load_card, names
from topobench.data.dataset import open_adapter, open_card
from topobench.data.fetch import by_hand, fetch
from topobench.data.verify import verify
from topobench.errors import CardError, DataError

KINDS = ["zip", "tar", "tar.gz"]


@pytest.mark.parametrize("kind", [*KINDS, "files"])
def test_a_data_set_is_fetched_and_read(collection, kind):
    card = collection.card(collection.serve_files() if kind == "files" else collection.served(kind))
    assert fetch(card, collection.root) == collection.folder.resolve()
    assert collection.there() == collection.files
    assert len(open_card(card, collection.root)) == COUNT
    assert sorted(path.name for path in collection.root.iterdir()) == [".fetch", "mine"]
    assert collection.leftovers() == []
    asked = len(collection.server.asked)
    fetch(card, collection.root)
    assert len(collection.server.asked) == asked == (len(collection.files) if kind == "files" else 1)


def test_several_archives_make_one_data_set(collection):
    halves = [{name: file for name, file in collection.files.items() if name.startswith(half)} for half in ("im", "ma")]
    downloads = [collection.served("zip", "", halves[0]), collection.served("tar", "deep/down", halves[1])]
    fetch(collection.card(*downloads), collection.root)
    assert collection.there() == collection.files


def test_an_archive_goes_into_the_folder_that_is_named(collection):
    halves = {half: {name[len(half) + 1 :]: file for name, file in collection.files.items() if name.startswith(half)}
              for half in ("images", "masks")}  # fmt: skip
    downloads = [
        collection.served("zip", "", halves["images"]) | {"into": "images"},
        collection.served("tar", "", halves["masks"]) | {"into": "masks"},
    ]
    fetch(collection.card(*downloads), collection.root)
    assert collection.there() == collection.files


def test_a_data_set_may_be_named(tmp_path):
    assert fetch("synthetic-roads", tmp_path) == (tmp_path / "synthetic-roads").resolve()
    assert [check.differs for check in verify("synthetic-roads", tmp_path)] == [0, 0, 0]


@pytest.mark.parametrize("kind", ["zip", "files"])
def test_what_is_there_stays_as_it_is(collection, kind):
    """A file of the user's own is not replaced, not even where it is not the known one."""
    card = collection.card(collection.serve_files() if kind == "files" else collection.served(kind))
    (collection.folder / "images").mkdir(parents=True)
    (collection.folder / "images" / "scan 1.png").write_bytes(b"mine")
    (collection.folder / "notes.txt").write_bytes(b"mine, too")
    with pytest.raises(DataError, match=r"are never changed: images/scan 1\.png .* Remove them and fetch again\."):
        fetch(card, collection.root)
    own = {"images/scan 1.png": b"mine", "notes.txt": b"mine, too"}
    assert collection.there() == collection.files | own
    assert ("/x/images/scan%201.png", None) not in collection.server.asked
    with pytest.raises(DataError, match="Remove them and fetch again"):
        fetch(card, collection.root)  # nothing is missing now, and it still does not fit
    (collection.folder / "images" / "scan 1.png").unlink()
    fetch(card, collection.root)
    assert collection.there() == collection.files | {"notes.txt": b"mine, too"}


def test_a_folder_may_be_a_link_to_another_disk(collection, tmp_path):
    (tmp_path / "disk").mkdir()
    collection.root.mkdir()
    collection.folder.symlink_to(tmp_path / "disk")
    fetch(collection.card(collection.served("zip")), collection.root)
    assert collection.there() == collection.files
    assert collection.folder.is_symlink()


def test_files_that_are_there_already_are_not_asked_for_again(collection):
    """After the fifth file the server fails; the next attempt asks for the other three."""
    card = collection.card(collection.serve_files())
    last = [f"/x/{name.replace(' ', '%20')}" for name in collection.files][5:]
    working = {path: collection.server.routes[path] for path in last}
    collection.server.routes |= dict.fromkeys(last, status(404))
    with pytest.raises(DataError, match=r"answers 404 Not Found .* By hand: Ask me\. Home page: https://example\.org"):
        fetch(card, collection.root)
    assert collection.there() == {}
    assert collection.leftovers() == ["files"]
    collection.server.asked.clear()
    collection.server.routes |= working
    fetch(card, collection.root)
    assert [path for path, _ in collection.server.asked] == last
    assert collection.there() == collection.files


def test_an_archive_that_was_fetched_is_not_asked_for_again(collection):
    """The second of two breaks; the first is kept."""
    halves = [{name: file for name, file in collection.files.items() if name.startswith(half)} for half in ("im", "ma")]
    downloads = [collection.served("zip", "", halves[0]), collection.served("tar", "", halves[1])]
    working = collection.server.routes["/x/archive.tar"]
    content = collection.path.with_name("archive.tar").read_bytes()
    collection.server.routes["/x/archive.tar"] = then(cut(content, 5000), status(503))
    card = collection.card(*downloads)
    with pytest.raises(DataError, match="bytes are kept; the next attempt goes on from there") as error:
        fetch(card, collection.root)
    assert str(collection.folder) in str(error.value)
    assert collection.there() == {}
    collection.server.asked.clear()
    collection.server.routes["/x/archive.tar"] = working
    fetch(card, collection.root)
    [(path, start)] = collection.server.asked
    assert path == "/x/archive.tar"
    assert int(start[6:-1]) > 0
    assert collection.there() == collection.files


def test_an_archive_of_which_no_hash_is_known_is_checked_file_by_file(collection):
    download = {key: value for key, value in collection.served("zip").items() if key in ("url", "within")}
    fetch(collection.card(download), collection.root)
    assert collection.there() == collection.files


def test_another_file_in_an_archive_than_the_known_one_is_refused(collection):
    files = collection.files | {"images/scan 2.png": b"other"}
    download = {key: value for key, value in collection.served("zip", files=files).items() if key in ("url", "within")}
    with pytest.raises(
        DataError, match=r"images/scan 2\.png, as it was downloaded, has the sha256 .* All that was down"
    ):
        fetch(collection.card(download), collection.root)
    assert collection.there() == {}
    collection.served("zip")  # mended
    fetch(collection.card(download), collection.root)
    assert collection.there() == collection.files


def test_an_archive_that_lacks_images_is_said_to(collection):
    files = {name: file for name, file in collection.files.items() if "3" not in name}
    card = collection.card(collection.served("zip", files=files))
    with pytest.raises(
        DataError, match=r"The downloads of the card 'mine' lack 1 of the 4 images .* 'within' and 'into'"
    ):
        fetch(card, collection.root)
    assert collection.there() == {}
    (collection.folder).mkdir()
    (collection.folder / "notes.txt").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"lacks 1 of the 4 images .*, though all downloads of the card 'mine' are"):
        fetch(card, collection.root)
    assert len(open_card(card, collection.root, partial=True)) == 3


@pytest.mark.parametrize("wrong", [{"within": ""}, {"into": "elsewhere"}])
def test_an_archive_in_the_wrong_place_is_not_put_in_place(collection, wrong):
    """The card says wrong what is taken and where it goes; mended, nothing has to be downloaded again."""
    download = collection.served("zip")
    with pytest.raises(
        DataError, match=r"lack all 4 images .* they hold 8 files, such as .*/images/scan 0\.png, .* right"
    ):
        fetch(collection.card({**download, **wrong}), collection.root)
    assert collection.there() == {}
    fetch(collection.card(download), collection.root)
    assert collection.there() == collection.files
    assert len(collection.server.asked) == 1


def test_a_data_set_that_is_got_by_hand_is_said_so(collection):
    card = collection.card()
    words = by_hand(card, collection.root)
    assert "Ask me. Home page: https://example.org." in words
    assert f"Put into {collection.folder}:" in words
    assert "all 4 images images/{id}.png, each with masks/{id}.png" in words
    with pytest.raises(DataError, match=r"topobench does not download 'mine'\. Mine"):
        fetch(card, collection.root)


def test_an_archive_of_another_address_is_not_taken_for_this_one(collection):
    """The card's address changed after an attempt that broke; both files have the same name."""
    halves = [{name: file for name, file in collection.files.items() if name.startswith(half)} for half in ("im", "ma")]
    old = collection.served("zip", "", {**halves[0], "images/scan 0.png": collection.files["masks/scan 0.png"]})
    second = collection.served("tar", "", halves[1])
    working = collection.server.routes["/x/archive.tar"]
    collection.server.routes["/x/archive.tar"] = status(404)
    with pytest.raises(DataError, match="404"):
        fetch(collection.card({"url": old["url"]}, second, known=False), collection.root)
    collection.server.routes["/x/archive.tar"] = working
    collection.served("zip", "", halves[0])
    collection.server.routes["/y/archive.zip"] = collection.server.routes["/x/archive.zip"]
    new = {"url": f"{collection.server.url}/y/archive.zip"}
    fetch(collection.card(new, second, known=False), collection.root)
    assert collection.there() == collection.files


def test_what_a_killed_process_put_together_is_not_taken_for_this_one(collection):
    ready = collection.root / ".fetch" / "mine" / "ready" / "images"
    ready.mkdir(parents=True)
    (ready / "scan 0.png").write_bytes(b"half")
    (ready / "stray.png").write_bytes(b"stray")
    fetch(collection.card(collection.served("zip"), known=False), collection.root)
    assert collection.there() == collection.files


def test_strays_of_killed_processes_do_not_pile_up(collection):
    card = collection.card(collection.served("zip"))
    collection.server.routes.clear()
    room = collection.root / ".fetch" / "mine"
    (room / ".unpacked.123.unpacking").mkdir(parents=True)
    (room / "tmpabcdef").write_bytes(b"of pooch")
    with pytest.raises(DataError, match="404"):
        fetch(card, collection.root)
    assert collection.leftovers() == []


def test_what_a_killed_process_left_behind_is_removed_by_the_next(collection):
    card = collection.card(collection.served("zip"))
    fetch(card, collection.root)
    room = collection.root / ".fetch" / "mine"
    room.mkdir()
    (room / "left.zip").write_bytes(b"left")
    fetch(card, collection.root)
    assert not room.exists()
    assert len(collection.server.asked) == 1


@pytest.mark.parametrize("kind", ["zip", "files"])
@pytest.mark.parametrize("number", [errno.EBUSY, errno.EXDEV])
def test_a_folder_may_be_a_disk_of_its_own(collection, monkeypatch, kind, number):
    """It cannot be replaced, and what comes from another disk has to be copied."""
    rename = Path.rename

    def rename_within_a_disk(source, target):
        if Path(target).is_relative_to(collection.folder) and not Path(source).is_relative_to(collection.folder):
            raise OSError(number if Path(target) == collection.folder else errno.EXDEV, "no", str(source), None, target)
        return rename(source, target)

    collection.folder.mkdir(parents=True)
    monkeypatch.setattr(Path, "rename", rename_within_a_disk)
    fetch(collection.card(collection.serve_files() if kind == "files" else collection.served(kind)), collection.root)
    assert collection.there() == collection.files
    assert collection.leftovers() == []


def test_what_is_missing_and_has_no_address_is_said(collection):
    """The card knows one file of eight; that is there already."""
    every, collection.files = collection.files, {"images/scan 0.png": collection.files["images/scan 0.png"]}
    card = collection.card(collection.serve_files())
    for name in list(every)[:2]:
        (collection.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (collection.folder / name).write_bytes(every[name])
    with pytest.raises(
        DataError, match=r"lacks 3 of the 4 images .*, though all downloads of the card 'mine' are there"
    ):
        fetch(card, collection.root)
    assert collection.server.asked == []


def test_names_may_be_long(collection):
    long = f"notes/{'ü' * 100}.png"
    collection.files[long] = collection.files["images/scan 0.png"]
    download = collection.serve_files()
    collection.server.routes[f"/x/{quote(long)}"] = sends(collection.files[long])
    fetch(collection.card(download), collection.root)
    assert collection.there() == collection.files


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_asked_for(collection):
    card = collection.card(collection.served("zip"))
    collection.root.write_text("a file")
    with pytest.raises(NotADirectoryError) as error:
        fetch(card, collection.root)
    assert error.value.filename == str(collection.folder)
    assert collection.server.asked == []


@pytest.mark.parametrize(
    ("download", "sentence"),
    [
        ({"url": "http://example.org/x.zip"}, "without sha256 an address must begin with https: http://example.org/x"),
        ({"url": "ftp://example.org/x.zip"}, r"'downloads\.0\.url' is 'ftp://example"),
        ({"url": "https://e.org/{file}", "within": "a"}, r"an address with \{file\} takes no other key"),
        ({"url": "https://e.org/x.zip", "into": "../x"}, r"'\.\./x' must be a path below the data set's folder"),
        ({"url": "https://e.org/x.zip", "within": "/x"}, "'/x' must be a path below the data set's folder"),
        ({"url": "https://e.org/x.zip", "sha265": "0"}, r"unknown key 'downloads\.0\.sha265' \(did you mean 'sha256'"),
        ({"url": "https://e.org/x.zip", "sha256": "0"}, r"'downloads\.0\.sha256' is '0'"),
    ],
)
def test_a_download_that_is_not_safe_is_no_card(collection, download, sentence):
    with pytest.raises(CardError, match=sentence):
        collection.card(download)


def test_one_address_of_files_is_enough(collection):
    with pytest.raises(CardError, match=r"one address with \{file\} is enough"):
        collection.card({"url": "https://e.org/{file}"}, {"url": "https://e.com/{file}"})


def test_files_with_addresses_want_hashes(collection):
    with pytest.raises(CardError, match=r"\{file\} wants \[files\] with a sha256 each; it lacks them"):
        collection.card({"url": "https://e.org/{file}"}, known=False)


@pytest.mark.parametrize("name", [name for name in names("datasets") if load_card(name).adapter != "synthetic"])
def test_every_card_says_how_its_data_are_got(name, tmp_path):
    card = load_card(name)
    assert card.access
    assert card.homepage
    if not card.downloads:
        words = by_hand(card, tmp_path)
        assert card.homepage in words
        assert str(tmp_path / card.family) in words
        for text in open_adapter(card, tmp_path).missing():
            assert text.replace(f"{tmp_path}/", "") in words
    for download in card.downloads:
        assert download.sha256 or download.url.startswith("https://")
