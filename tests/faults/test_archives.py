"""FAULTS row 20: archives that lead elsewhere, hold links or devices, bombs or damage; unpacking that is killed."""

import bz2
import gzip
import io
import os
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tarfile
import time
import zipfile

import pytest

from tests.data.fetch.test_unpack import FILES, KINDS, pack, tree
from topobench.data.fetch import unpack as module
from topobench.data.fetch.unpack import unpack
from topobench.errors import DataError

GIB = 2**30


@pytest.fixture
def place(tmp_path):
    """A folder for the target, in another of which every change is seen."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "precious.txt").write_text("precious")
    (tmp_path / "room").mkdir()
    return tmp_path


def refused(place, archive, sentence, within=""):
    """Unpacking is an error that names the archive; nothing is there afterwards that was not before."""
    before = {*place.rglob("*"), archive}
    with pytest.raises(DataError, match=sentence) as error:
        unpack(archive, place / "room" / "out", within)
    assert str(archive) in str(error.value)
    assert "\n" not in str(error.value)
    assert set(place.rglob("*")) == before
    assert (place / "outside" / "precious.txt").read_text() == "precious"


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize(
    "name", ["../x", "a/../../outside/precious.txt", "/tmp/topobench-x", "a\\..\\x", "..", "C:\\x", "a/../b"]
)
def test_20_names_that_lead_elsewhere(place, kind, name):
    archive = pack(place / f"x.{kind}", {"good.txt": b"good", name: b"bad", "also.txt": b"good"})
    refused(place, archive, "a name that leads out of its folder; nothing was unpacked")


def test_20_a_name_with_a_nul_in_a_zip(place):
    archive = pack(place / "x.zip", {"good.txt": b"good", "badX.txt": b"bad"})
    archive.write_bytes(archive.read_bytes().replace(b"badX.txt", b"bad\0.txt"))
    refused(place, archive, "a name that leads out of its folder")


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"), (tarfile.SYMTYPE, "good.txt"), (tarfile.LNKTYPE, "good.txt"),
        (tarfile.LNKTYPE, "/etc/passwd"), (tarfile.CHRTYPE, ""), (tarfile.BLKTYPE, ""), (tarfile.FIFOTYPE, ""),
    ],
)  # fmt: skip
def test_20_links_and_devices_in_a_tar(place, kind, target):
    with tarfile.open(place / "x.tar", "w") as archive:
        for name, type_ in (("good.txt", tarfile.REGTYPE), ("thing", kind), ("thing/file.txt", tarfile.REGTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = type_, target
            archive.addfile(member)
    refused(
        place,
        place / "x.tar",
        "holds 'thing', a link, a device or a file with holes; it may hold files and folders only",
    )


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_20_links_and_devices_in_a_zip(place, kind):
    with zipfile.ZipFile(place / "x.zip", "w") as archive:
        member = zipfile.ZipInfo("thing")
        member.external_attr = (kind | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    refused(place, place / "x.zip", "holds 'thing', a link, a device or a file")


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_20_one_name_twice(place, kind):
    archive = pack(place / f"x.{kind}", {"a.txt": b"1", "./a.txt": b"2"})
    refused(place, archive, "holds './a.txt' twice; nothing was unpacked")


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_20_a_file_that_is_a_folder(place, kind):
    refused(place, pack(place / f"x.{kind}", {"a": b"1", "a/b": b"2"}), "cannot be unpacked: ")


def zip_of_members(path, count):
    """Write a zip that says that it has so many empty members, as a list of bytes: zipfile itself is too slow."""
    entry = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0)
    listing = b"".join(entry + b"%08d" % number for number in range(count))
    end64 = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, len(listing), 30)
    locator = struct.pack("<IIQI", 0x07064B50, 0, 30 + len(listing), 1)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    path.write_bytes(b"PK\x03\x04" + bytes(26) + listing + end64 + locator + end)
    return path


def tar_of_members(path, count):
    """Write a tar.gz of so many empty files: 10 000 of different names, again and again."""
    headers = b"".join(tarfile.TarInfo(f"{number:08d}").tobuf(tarfile.USTAR_FORMAT) for number in range(10_000))
    packed = gzip.compress(headers, 1)
    with path.open("wb") as file:
        for _ in range(count // 10_000):
            file.write(packed)
        file.write(gzip.compress(bytes(1024)))
    return path


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_20_a_million_members(place, kind, monkeypatch):
    monkeypatch.setattr(module, "MOST_MEMBERS", 9_000)  # for the sake of the time that 50 000 files take
    archive = (zip_of_members if kind == "zip" else tar_of_members)(place / f"x.{kind}", 10**6)
    sentence = "more than the 16777216 bytes that it may have" if kind == "zip" else "more than 9000 members or 8 GiB"
    start = time.monotonic()
    refused(place, archive, sentence)
    assert time.monotonic() - start < 60
    if kind == "zip":
        peak_of_unpacking(place, archive, most=60)


def test_20_more_members_than_there_may_be_in_a_zip(place):
    refused(place, zip_of_members(place / "x.zip", 60_000), "more than 50000 members or 8 GiB|cannot be unpacked")


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.bz2"])
def test_20_ten_gigabytes_of_zeros(place, kind):
    """The header says so, and is believed before a byte is written."""
    archive = place / f"x.{kind}"
    if kind == "zip":
        pack(archive, {"zeros.raw": bytes(1000)})
        sound = archive.read_bytes()
        archive.write_bytes(sound.replace(struct.pack("<I", 1000), struct.pack("<I", 0xFFFFFFF0)))
        with zipfile.ZipFile(archive, "a") as file:  # three of four GiB each
            for number in range(2):
                member = zipfile.ZipInfo(f"more{number}.raw")
                file.writestr(member, b"")
                file.filelist[-1].file_size = 4 * GIB
    else:
        opener = gzip.open if kind == "tar.gz" else bz2.open
        member = tarfile.TarInfo("zeros.raw")
        member.size = 10 * GIB
        with opener(archive, "wb") as file:
            file.write(member.tobuf())
            file.write(bytes(2**20))
    start = time.monotonic()
    refused(place, archive, "more than 50000 members or 8 GiB, which no data set here has")
    assert time.monotonic() - start < 5


def header(name, kind, size, format_=tarfile.GNU_FORMAT):
    """One block: a header of that kind, which says that so many bytes follow."""
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(format_)


def bomb(kind):
    """Blocks of a tar whose headers are far longer than its files, or hold more numbers than there may be."""
    mebibyte = b"a" * 2**20
    if kind == "one long name":
        return [header("././@LongLink", tarfile.GNUTYPE_LONGNAME, 300 * 2**20), *[mebibyte] * 300]
    if kind == "sparse":
        content = b"60000000\n" + b"0\n" * 10**7
        record = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n25 GNU.sparse.name=x.raw\n27 GNU.sparse.realsize=9\n"
        filled = record.ljust(512, b"\0")
        return [header("x", tarfile.XHDTYPE, len(record)), filled, header("x.raw", tarfile.REGTYPE, len(content)),
                content.ljust(-(-len(content) // 512) * 512, b"\0")]  # fmt: skip
    type_ = {"global": tarfile.XGLTYPE, "comments": tarfile.XHDTYPE, "names": tarfile.GNUTYPE_LONGNAME}[kind]
    length = 900_000
    text = f"{length} comment=".encode().ljust(length - 1, b"a") + b"\n" if kind != "names" else b"a" * length
    blocks = []
    for number in range(300):
        blocks += [header("x", type_, length), text.ljust(-(-length // 512) * 512, b"\0")]
        blocks += [] if kind == "global" else [header(f"{number}/", tarfile.DIRTYPE, 0)]
    return blocks


PEAK = """
import re, sys, pathlib
from topobench.data.fetch.unpack import unpack
from topobench.errors import DataError
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
before = peak()
try:
    unpack(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
except DataError as error:
    print(error)
print(peak() - before)
"""


@pytest.mark.parametrize("kind", ["one long name", "global", "comments", "names", "sparse"])
def test_20_headers_that_are_bombs(place, kind):
    """tarfile reads a header whole, keeps every member, and makes lists of what a file with holes is made of."""
    with gzip.open(place / "x.tar.gz", "wb", compresslevel=1) as file:
        for block in [*bomb(kind), header("good.txt", tarfile.REGTYPE, 0), bytes(1024)]:
            file.write(block)
    refused(
        place, place / "x.tar.gz", "longer headers than a data set's files need|more than the 1048576 bytes that it may"
    )
    peak_of_unpacking(place, place / "x.tar.gz", most=60)


def peak_of_unpacking(place, archive, most):
    """Unpack in a process of its own, whose peak of memory is its own; it may rise by so many MiB."""
    command = [sys.executable, "-c", PEAK, str(archive), str(place / "room" / "out")]
    *said, peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(said) == 1
    assert int(peak) < most * 1024


def test_20_a_file_with_holes(place):
    """What it holds is a fraction of what it says; GNU tar writes such where one asks for it."""
    member = tarfile.TarInfo("holes.raw")
    member.pax_headers = {
        "GNU.sparse.size": str(7 * GIB),
        "GNU.sparse.numblocks": "1",
        "GNU.sparse.map": f"{7 * GIB - 3},3",
    }
    member.size = 3
    with tarfile.open(place / "x.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member, io.BytesIO(b"abc"))
    refused(place, place / "x.tar", "holds 'holes.raw', a link, a device or a file with holes")


@pytest.mark.parametrize("size", [-(10**12), -1])
def test_20_sizes_below_nothing(place, size):
    """They would lift the limit of what all files may have together."""
    folder = tarfile.TarInfo("folder/")
    folder.type, folder.pax_headers = tarfile.DIRTYPE, {"size": str(size)}
    with tarfile.open(place / "x.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(folder)
        archive.addfile(tarfile.TarInfo("good.txt"))
    refused(place, place / "x.tar", f"holds 'folder' of {size} bytes|cannot be unpacked")


@pytest.mark.parametrize("kind", ["tar", "tar.gz"])
def test_20_a_block_that_is_lost(place, kind):
    """A header of zeros in the middle looks like the end: the files behind it would be missed."""
    plain = pack(place / "x.tar").read_bytes()
    second = plain.index(b"top/below/b.bin")
    content = plain[:second] + bytes(512) + plain[second + 512 :]
    (place / f"x.{kind}").write_bytes(content if kind == "tar" else gzip.compress(content))
    refused(place, place / f"x.{kind}", "cannot be unpacked: it goes on behind its end, or a part of it is lost")


def test_20_two_archives_in_one(place):
    two = pack(place / "x.tar").read_bytes() * 2
    (place / "x.tar").write_bytes(two)
    refused(place, place / "x.tar", "cannot be unpacked: it goes on behind its end, or a part of it is lost")


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_20_a_name_that_is_too_long(place, kind):
    refused(place, pack(place / f"x.{kind}", {"a" * 300: b"1"}), "cannot be unpacked: File name too long")


@pytest.mark.parametrize("kind", KINDS)
def test_20_cut_off_at_every_place(place, kind):
    """Cut anywhere, an archive is an error: never the files of its beginning alone."""
    archive = pack(place / f"x.{kind}")
    whole = archive.read_bytes()
    ends = {0, 1, 5, *range(10, len(whole) - 1, max(1, len(whole) // 40))}
    if kind == "tar":  # of the two blocks of zeros at the end, and the padding after them, one block tells the end
        content = max(place for place in range(0, len(whole), 512) if any(whole[place : place + 512])) + 512
        ends = {end for end in ends if end < content} | {content, content + 100, content - 512, content - 300}
    for end in sorted(ends):
        archive.write_bytes(whole[:end])
        refused(place, archive, r"cannot be unpacked: .|holds no file\.")


@pytest.mark.parametrize("kind", KINDS)
def test_20_a_byte_that_flipped(place, kind):
    """A checksum tells; a plain tar has none of what files hold, there the sha256 of the download tells."""
    archive = pack(place / f"x.{kind}")
    whole = archive.read_bytes()
    for position in range(3, len(whole), max(1, len(whole) // 60)):
        archive.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
        try:
            unpack(archive, place / "room" / "out")
        except DataError as error:
            assert str(archive) in str(error)
            assert not any((place / "room").iterdir())
        else:
            found = tree(place / "room" / "out")  # a name or a date may have flipped; what the files hold has not
            assert kind == "tar" or sorted(found.values()) == sorted(FILES.values())
            shutil.rmtree(place / "room" / "out")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "neither a zip nor a tar"), (b"<!DOCTYPE html><html></html>", "neither a zip nor a tar"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(2000), "neither a zip nor a tar"), (bytes(5000), r"holds no file\.|neither"),
        (gzip.compress(b"an image", mtime=0), "neither a zip nor a tar"), (b"PK\x03\x04", "File is not a zip file"),
        (b"\x1f\x8b" * 9, "cannot be unpacked: "),
    ],
)  # fmt: skip
def test_20_what_is_no_archive(place, content, sentence):
    (place / "x.zip").write_bytes(content)
    refused(place, place / "x.zip", sentence)


def test_20_an_archive_with_a_password(place):
    archive = pack(place / "x.zip")
    whole = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := whole.find(signature, start + 1)) >= 0:
            whole[start + offset] |= 1
    archive.write_bytes(whole)
    refused(place, archive, "cannot be unpacked: .* is encrypted, password required")


def test_20_a_disk_that_is_full_is_named(place, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    archive = pack(place / "x.zip")
    monkeypatch.setattr(module.zipfile.ZipFile, "extract", full)
    with pytest.raises(OSError, match="No space left on device") as error:
        unpack(archive, place / "room" / "out")
    assert error.value.filename == str(place / "room" / "out")
    assert not any((place / "room").iterdir())


SCRIPT = """
import sys, pathlib, tarfile, time
from topobench.data.fetch import unpack
seen = [0]
extract = tarfile.TarFile.extract
def slowly(*arguments, **more):
    extract(*arguments, **more)
    seen[0] += 1
    print(seen[0], flush=True)
    time.sleep(0.02)
tarfile.TarFile.extract = slowly
unpack.unpack(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
"""


@pytest.mark.parametrize("after", [1, 7, 19])
def test_20_killed_half_way(place, after):
    """What is half unpacked is never seen under the target's name; the next attempt has it all."""
    archive = pack(place / "x.tar", {f"image-{number:02d}.png": os.urandom(999) for number in range(20)})
    target = place / "room" / "out"
    command = [sys.executable, "-c", SCRIPT, str(archive), str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.stdout.readline().strip() != str(after):
            pass
        process.send_signal(signal.SIGKILL)
    assert not target.exists()
    [half] = (place / "room").iterdir()
    assert half.name.startswith(".out.")
    unpack(archive, target)
    assert len(tree(target)) == 20
