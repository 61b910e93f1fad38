"""FAULTS rows 17 to 19, as test_malformed.py brought them to light: decoders that crash, print or lose pages."""

import struct

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile
from PIL import Image

from tests.faults.bombs.pictures import png
from topobench.data.matlab_masks import read_mat
from topobench.data.readers import read_image, size_of
from topobench.data.volumes import Hdf5Sections, TiffSections
from topobench.errors import DataError


def edited(path, tag, **changes):
    """Overwrite what a TIFF's first directory says of a tag: its type, count or value, which stand in 12 bytes."""
    with tifffile.TiffFile(path) as file:
        place = file.pages.first.tags[tag].offset
    content = bytearray(path.read_bytes())
    code, kind, count, value = struct.unpack_from("<HHII", content, place)
    wanted = {"kind": kind, "count": count, "value": value} | changes
    struct.pack_into("<HHII", content, place, code, *wanted.values())
    path.write_bytes(content)


def test_17_what_decoders_say_becomes_one_line(tmp_path):
    header = b"{'descr': '|u1'\n\x1b[2J" + "é".encode("latin1") * 5000 + b"}\n"
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npy cannot be read as an image: \w+: .*\.$") as error:
        read_image(tmp_path / "a.npy")
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 600
    with h5py.File(tmp_path / "a.hdf", "w") as file:
        file["a\nb\x1b[2J"] = 1
    with pytest.raises(DataError, match=r"no data set 'ids'; it has: a b \[2J\.$"):
        Hdf5Sections(tmp_path / "a.hdf", "ids")


def test_17_nothing_is_printed_of_damage(tmp_path, capfd):
    """Neither by tifffile, which logs, nor by libtiff and Pillow, which print and warn."""
    pixels = np.random.default_rng(0).integers(0, 255, (40, 46)).astype(np.uint8)
    for name, options in {"lzw": {"compression": "tiff_lzw"}, "jpeg": {"compression": "jpeg"}}.items():
        path = tmp_path / f"{name}.tif"
        Image.fromarray(pixels).save(path, **options)
        with tifffile.TiffFile(path) as file:
            start = file.pages.first.dataoffsets[0]
        content = bytearray(path.read_bytes())
        content[start : start + 60] = b"\xff" * 60
        path.write_bytes(content)
        with pytest.raises(DataError, match=f"{name}\\.tif cannot be read as an image"):
            read_image(path)
    tifffile.imwrite(tmp_path / "tag.tif", pixels, photometric="minisblack", description="words " * 20)
    edited(tmp_path / "tag.tif", "ImageDescription", value=2**31)
    assert np.array_equal(read_image(tmp_path / "tag.tif"), pixels)
    assert capfd.readouterr() == ("", "")


def test_17_pages_are_not_lost_in_silence(tmp_path):
    """A list of pages that leads out of the file, and one that runs in a circle, which tifffile follows for ever."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((3, 40, 46), np.uint8), compression="zlib", photometric="minisblack", metadata=None)
    with tifffile.TiffFile(path) as file:
        last = file.pages[2].offset
    path.write_bytes(path.read_bytes()[:last])
    for read in (read_image, size_of, TiffSections):
        with pytest.raises(DataError, match=r"a\.tif cannot be read as an image: its list of pages breaks off after 2"):
            read(path)
    empty = [struct.pack("<HI", 0, 8 + 6 * (page + 1)) for page in range(199)] + [struct.pack("<HI", 0, 8)]
    path.write_bytes(struct.pack("<2sHI", b"II", 42, 8) + b"".join(empty))
    with pytest.raises(DataError, match="its list of pages runs in a circle after 200"):
        read_image(path)


def test_17_pieces_of_pages_that_lack(tmp_path):
    for tag, changes, sentence in [
        ("StripByteCounts", {"value": 0}, "pieces of pages that are empty, or do not lie in the file"),
        ("StripOffsets", {"value": 2**31}, "pieces of pages that are empty, or do not lie in the file"),
        ("Compression", {"value": 34712}, r"is packed in a way that is not read, 34712.*; Deflate is"),
    ]:
        tifffile.imwrite(tmp_path / "a.tif", np.eye(40, dtype=np.uint8), compression="zlib", photometric="minisblack")
        edited(tmp_path / "a.tif", tag, **changes)
        with pytest.raises(DataError, match=rf"a\.tif .*{sentence}"):
            read_image(tmp_path / "a.tif")


def test_17_bits_that_make_no_number(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.eye(40, dtype=np.uint8), photometric="minisblack")
    edited(tmp_path / "a.tif", "BitsPerSample", value=33)
    for read in (read_image, lambda path: TiffSections(path)[0]):
        with pytest.raises(DataError, match=r"a\.tif"):
            read(tmp_path / "a.tif")


def mat(*elements):
    """A MATLAB 5 file of these elements."""
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + b"".join(elements)


def element(kind, content):
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def matrix(kind, shape, *rest, name=b"x"):
    flags, sides = element(6, struct.pack("<II", kind, 0)), element(5, struct.pack("<ii", *shape))
    return element(14, flags + sides + element(1, name) + b"".join(rest))


def test_17_matlab_files_that_end_scipys_reader(tmp_path):
    """A type of numbers that there is not, and rows of a sparse matrix that lie outside: both end a process."""
    starts = element(5, struct.pack("<5i", 0, 2, 2, 2, 2))
    for content, sentence in {
        matrix(9, (4, 4), element(10, bytes(16))): "an element of the type 10 stands where numbers are wanted",
        matrix(5, (4, 4), element(5, struct.pack("<2i", 1, 10**8)), starts, element(2, b"\1\1")): "lead out of it",
        matrix(5, (4, 4), element(5, struct.pack("<2i", 1, 2)), starts[:-4], element(2, b"\1\1")): "declared where",
        matrix(9, (4, 5), element(2, bytes(16))): "cannot reshape",
        matrix(1, (30000, 30000)): r"a matrix of the class 1 and the shape \(30000, 30000\)",
        matrix(9, (4, 4), element(9, bytes(128))): r"holds float64 of the shape \(4, 4\); wanted are whole numbers",
        matrix(9, (0, 4), element(2, b"")): "which is empty",
    }.items():
        (tmp_path / "a.mat").write_bytes(mat(content))
        with pytest.raises(DataError, match=rf"a\.mat .*{sentence}"):
            read_mat(tmp_path / "a.mat", "x")
    (tmp_path / "a.mat").write_bytes(mat(matrix(2, (30000, 30000))))  # 900 million structures
    with pytest.raises(DataError, match=r"'x' is no structure with a field 'y'; its fields: none\.$"):
        read_mat(tmp_path / "a.mat", "x", "y")


@pytest.mark.parametrize("packed", [False, True])
def test_17_sound_matlab_files_are_read_as_scipy_does(tmp_path, packed):
    random = np.random.default_rng(0)
    for dtype in ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "?"):
        array = random.integers(0, 2, (5, 7)).astype(dtype)
        scipy.io.savemat(
            tmp_path / "a.mat", {"a": "words", "x": array, "s": {"f": 1, "g": array}}, do_compression=packed
        )
        wanted = scipy.io.loadmat(tmp_path / "a.mat")["x"]
        for found in (read_mat(tmp_path / "a.mat", "x"), read_mat(tmp_path / "a.mat", "s", "g")):
            assert found.dtype == wanted.dtype
            assert np.array_equal(found, array)
    sparse = scipy.sparse.csc_matrix(random.random((5, 7)) < 0.3)
    scipy.io.savemat(tmp_path / "a.mat", {"x": sparse}, do_compression=packed)
    assert np.array_equal(read_mat(tmp_path / "a.mat", "x"), sparse.toarray())


def test_17_attributes_of_volumes_that_are_no_numbers(tmp_path):
    for value in ([np.nan, 0, 0], [1j, 0, 0], "words", [1.0, 2.0], h5py.Empty("f8")):
        with h5py.File(tmp_path / "a.hdf", "w") as file:
            file["ids"] = np.ones((2, 4, 4), np.uint8)
            file["ids"].attrs["offset"] = value
        with pytest.raises(DataError, match=r"a\.hdf: the attribute 'offset' of 'ids' must be three finite numbers\.$"):
            Hdf5Sections(tmp_path / "a.hdf", "ids").attribute("offset")
    assert Hdf5Sections(tmp_path / "a.hdf", "ids").attribute("resolution") is None


def test_17_arrays_that_are_no_images(tmp_path):
    for array, sentence in [
        (np.zeros((4, 4), "M8[s]"), r"holds datetime64\[s\]; wanted are bool, whole numbers or floats"),
        (np.zeros((4, 4), "c8"), "holds complex64; wanted are"),
        (np.zeros((4, 4), "U2"), "holds <U2; wanted are"),
        (np.zeros((4, 4), [("a", "u1")]), r"holds \[\('a', 'u1'\)\]; wanted are bool, whole numbers or floats"),
        (np.zeros((1, 1, 4, 4), "u1"), r"has the shape \(1, 1, 4, 4\); it must be \(H, W\) or \(pages, H, W\)"),
    ]:
        np.save(tmp_path / "a.npy", array)
        with pytest.raises(DataError, match=rf"a\.npy {sentence}"):
            read_image(tmp_path / "a.npy")


def test_18_tiles_that_are_declared_by_the_million(tmp_path):
    """They took minutes: nobody looked whether there are as many as the page must have."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.eye(32, dtype=np.uint8), tile=(16, 16), compression="zlib", photometric="minisblack")
    for tag in ("ImageWidth", "ImageLength"):
        edited(path, tag, kind=4, value=30000)
    with pytest.raises(DataError, match=r"a\.tif declares pages of 3515625 pieces, and one of them has 4\.$"):
        read_image(path)


def test_18_more_pixels_than_bytes_can_hold(tmp_path):
    """Pillow makes up what lacks of a JPEG, and of a PNG whose data end before its rows do."""
    Image.new("L", (64, 64), 100).save(tmp_path / "a.jpg")
    content = bytearray((tmp_path / "a.jpg").read_bytes())
    place = content.index(b"\xff\xc0")
    content[place + 5 : place + 9] = struct.pack(">HH", 30000, 30000)
    (tmp_path / "a.jpg").write_bytes(content)
    (tmp_path / "a.png").write_bytes(png(30000, 30000))
    Image.new("L", (64, 64), 100).save(tmp_path / "a.tif", compression="tiff_lzw")
    for tag in ("ImageWidth", "ImageLength", "RowsPerStrip"):
        edited(tmp_path / "a.tif", tag, kind=4, value=30000)
    for name in ("a.jpg", "a.png", "a.tif"):
        with pytest.raises(DataError, match=rf"{name} .*declares .*30000.*, more than .* bytes"):
            read_image(tmp_path / name)


def test_18_chunks_of_any_packing_hold_no_more_than_declared(tmp_path):
    with h5py.File(tmp_path / "a.hdf", "w") as file:
        data = file.create_dataset("ids", (1, 64, 64), "u1", chunks=(1, 64, 64), compression="lzf")
        data.id.write_direct_chunk((0, 0, 0), b"\0a" + b"\xe0\xff\0" * 200_000)
    with pytest.raises(DataError, match="chunks of 'ids' have 4096 bytes, and one of them unpacks to more"):
        Hdf5Sections(tmp_path / "a.hdf", "ids")


def test_19_tiff_pages_are_read_from_their_own_file(tmp_path):
    """An OME-TIFF may say that a page lies in another file."""
    tifffile.imwrite(tmp_path / "secret.tif", np.full((40, 46), 77, np.uint8), photometric="minisblack")
    where = "<UUID FileName='secret.tif'>urn:uuid:2</UUID>"
    pixels = "ID='P' DimensionOrder='XYZCT' Type='uint8' SizeX='46' SizeY='40' SizeZ='2' SizeC='1' SizeT='1'"
    data = f"<TiffData FirstZ='0' IFD='0'/><TiffData FirstZ='1' IFD='0' PlaneCount='1'>{where}</TiffData>"
    ome = "xmlns='http://www.openmicroscopy.org/Schemas/OME/2016-06' UUID='urn:uuid:1'"
    text = f"<?xml version='1.0'?><OME {ome}><Image ID='I'><Pixels {pixels}>{data}</Pixels></Image></OME>"
    image = np.zeros((40, 46), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="minisblack", description=text, metadata=None)
    assert tifffile.imread(tmp_path / "a.tif").max() == 77  # as it is read elsewhere
    assert np.array_equal(read_image(tmp_path / "a.tif"), image)


def test_19_no_program_is_started(tmp_path, monkeypatch):
    """EPS under another name: Pillow gives it to Ghostscript. Of its formats, those that are meant here are open."""
    monkeypatch.setattr("subprocess.check_call", lambda *given, **options: pytest.fail(f"ran {given}"))
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 46 40\n%%EndComments\nshowpage\n")
    tifffile.imwrite(tmp_path / "t.png", np.zeros((4, 4), np.uint8))
    for name in ("a.png", "t.png"):
        with pytest.raises(DataError, match=rf"{name} cannot be read as an image: .*no sound PNG or JPEG or GIF"):
            read_image(tmp_path / name)
