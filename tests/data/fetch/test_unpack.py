"""Sound archives of every kind: all that they hold, or one folder of it, as files that are like any other."""

import io
import os
import stat
import tarfile
import zipfile

import pytest

from topobench.data.fetch.unpack import unpack
from topobench.errors import DataError

FILES = {"top/a.txt": b"first", "top/below/b.bin": bytes(range(256)) * 300, "other/c.txt": b"", "d.txt": b"fourth"}
KINDS = ["zip", "stored.zip", "tar", "tar.gz", "tar.bz2", "tar.xz"]


def pack(path, files=FILES, folders=()):
    """Write an archive of the kind that its suffix says."""
    if path.suffix == ".zip":
        method = zipfile.ZIP_STORED if "stored" in path.name else zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(path, "w", method) as archive:
            for name in folders:
                archive.mkdir(name)
            for name, content in files.items():
                archive.writestr(name, content)
        return path
    with tarfile.open(path, f"w:{path.suffix[1:].replace('tar', '')}") as archive:
        for name in folders:
            member = tarfile.TarInfo(name)
            member.type, member.mode = tarfile.DIRTYPE, 0o700
            archive.addfile(member)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.uid = len(content), 0o6777, 12345
            archive.addfile(member, io.BytesIO(content))
    return path


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("folders", [(), ("top", "top/below", "empty")])
def test_all_files_come_out(tmp_path, kind, folders):
    unpack(pack(tmp_path / f"x.{kind}", folders=folders), tmp_path / "new" / "out")
    assert tree(tmp_path / "new" / "out") == FILES
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["out"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_lies_in_a_folder_comes_out(tmp_path, kind):
    archive = pack(tmp_path / f"x.{kind}")
    unpack(archive, tmp_path / "one", "top")
    assert tree(tmp_path / "one") == {"a.txt": b"first", "below/b.bin": FILES["top/below/b.bin"]}
    unpack(archive, tmp_path / "two", "top/below")
    assert set(tree(tmp_path / "two")) == {"b.bin"}
    for within in ("to", "top/a.txt", "nowhere"):
        with pytest.raises(DataError, match=f"holds no file in a folder {within}"):
            unpack(archive, tmp_path / "three", within)
    assert not (tmp_path / "three").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_is_there_is_not_touched(tmp_path, kind):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match=r"out exists; move it away to unpack"):
        unpack(pack(tmp_path / f"x.{kind}"), tmp_path / "out")
    assert tree(tmp_path / "out") == {"mine.txt": b"mine"}


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_nobody_but_the_user_decides_of_owner_and_rights(tmp_path, kind):
    unpack(pack(tmp_path / f"x.{kind}"), tmp_path / "out")
    found = (tmp_path / "out" / "top" / "a.txt").stat()
    assert found.st_uid == os.getuid()
    assert not found.st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH)
    assert found.st_mode & stat.S_IRUSR
    assert found.st_mode & stat.S_IWUSR


def test_names_as_other_systems_write_them(tmp_path):
    unpack(pack(tmp_path / "x.tar", {"./a/b.txt": b"x", "Ümläut Straße.txt": b"y"}, ["."]), tmp_path / "out")
    assert tree(tmp_path / "out") == {"a/b.txt": b"x", "Ümläut Straße.txt": b"y"}
