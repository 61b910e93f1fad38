"""FAULTS rows 15 to 19: label values, pairs, damaged files, bombs, HDF5 that leads elsewhere."""

import gzip
import os
import struct
import zlib

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile
from PIL import Image

from topobench.cards import Card, Labels, load_card
from topobench.data.dataset import open_card
from topobench.data.labels import structure_of
from topobench.data.matlab_masks import read_mat
from topobench.data.readers import read_image, size_of, to_unit
from topobench.data.volumes import Hdf5Sections, TiffSections
from topobench.errors import ArgumentError, CardError, DataError

SHAPE = (12, 14)


@pytest.fixture
def pairs(tmp_path):
    """Two sound pairs in folders, and a function that opens them as a data set."""
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for name in ("a", "b"):
        Image.fromarray(np.full(SHAPE, 90, np.uint8)).save(tmp_path / "images" / f"{name}.png")
        Image.fromarray(np.eye(*SHAPE, dtype=np.uint8) * 255).save(tmp_path / "masks" / f"{name}.png")

    def open_them(count=2, labels=("*",), **changes):
        part = {"images": "images/{id}.*", "labels": "masks/{id}.*", "count": count}
        card = Card(
            schema=1, name="mine", version=1, title="mine", adapter="paired_folders", connectivity=8, phase="regions",
            count=count, labels={"rule": "values", "structure": (255,), "background": (0,)},
            folds={"rule": "contiguous", "count": 2}, layout={"parts": [part]}, licence="none", redistributable=False,
            folder=str(tmp_path), **changes,
        )  # fmt: skip
        return open_card(card)

    return tmp_path, open_them


# Row 15


def strange_labels(folder):
    """Label files that no card allows: how each is written, and what the error must say was found."""
    random = np.random.default_rng(0)
    mask = np.eye(*SHAPE, dtype=np.uint8)
    palette = Image.fromarray(mask).convert("P")
    palette.putpalette([10, 20, 30, 200, 0, 0])
    soft = Image.fromarray((random.random((60, 60)) < 0.3).astype(np.uint8) * 255).resize(SHAPE[::-1])
    return {
        "254": (Image.fromarray(mask * 254), ".png", r"label values \[254\]; the card allows \[255\] \(structure\)"),
        "jpeg": (soft, ".jpg", r"label values \[\d+, \d+, .* and \d+ more; the card allows"),
        "palette": (palette, ".png", r"has the mode P of 2 colours; it must have one channel and no palette"),
        "rgba": (Image.fromarray(mask * 255).convert("RGBA"), ".png", r"has the mode RGBA; it must have one channel"),
        "rgb": (Image.fromarray(mask * 255).convert("RGB"), ".png", r"has the mode RGB; it must have one channel"),
        "16 bit": (Image.fromarray(mask.astype(np.uint16) * 65535), ".png", r"label values \[65535\]; the card allows"),
        "float": (Image.fromarray(mask.astype(np.float32)), ".tif", r"holds float32; labels must be whole numbers"),
    }


@pytest.mark.parametrize("kind", ["254", "jpeg", "palette", "rgba", "rgb", "16 bit", "float"])
def test_15_strange_labels_are_named_and_never_thresholded(pairs, kind):
    folder, open_them = pairs
    picture, suffix, sentence = strange_labels(folder)[kind]
    (folder / "masks" / "b.png").unlink()
    picture.save(folder / "masks" / f"b{suffix}")
    dataset = open_them()
    assert dataset["a"].truth.sum() == 12
    with pytest.raises(DataError, match=sentence) as error:
        dataset["b"]
    assert str(folder / "masks" / f"b{suffix}") in str(error.value)


def test_15_a_tiff_with_a_palette_is_refused(tmp_path):
    path = tmp_path / "p.tif"
    tifffile.imwrite(path, np.eye(8, dtype=np.uint8), photometric="palette", colormap=np.zeros((3, 256), np.uint16))
    with pytest.raises(DataError, match=r"p\.tif has a palette; it must hold the values themselves"):
        read_image(path)


def test_15_images_with_alpha_or_a_palette_are_refused_and_grey_gif_is_not(tmp_path):
    picture = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
    picture.convert("RGBA").save(tmp_path / "a.png")
    with pytest.raises(DataError, match="mode RGBA; it must be grey or RGB, without palette or alpha"):
        read_image(tmp_path / "a.png", colour=True)
    picture.save(tmp_path / "a.gif")
    assert np.array_equal(read_image(tmp_path / "a.gif"), picture)
    two = Image.fromarray(np.eye(8, dtype=np.uint8) * 255).convert("P")
    two.save(tmp_path / "two.gif")  # as the masks of DRIVE are
    assert set(np.unique(read_image(tmp_path / "two.gif"))) == {0, 255}
    coloured = two.copy()
    coloured.putpalette([255, 0, 0] * 256)
    coloured.save(tmp_path / "red.gif")
    with pytest.raises(DataError, match=r"red\.gif has the mode P"):
        read_image(tmp_path / "red.gif")


def test_15_a_tiff_in_which_0_is_white_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.eye(8, dtype=np.uint8), photometric="miniswhite")
    for read in (read_image, TiffSections):
        with pytest.raises(DataError, match=r"a\.tif says that 0 is white \(MINISWHITE\), .* 0 must be black"):
            read(tmp_path / "a.tif")


def test_15_files_of_several_images_are_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(np.zeros((8, 8), np.uint8))
        file.write(np.zeros((9, 8), np.uint8))
    with pytest.raises(DataError, match=r"a\.tif has pages of several shapes: \(8, 8\), \(9, 8\); all must have one"):
        read_image(tmp_path / "a.tif")
    first, second = (Image.fromarray(np.full((8, 8), value, np.uint8)) for value in (0, 255))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    with pytest.raises(DataError, match=r"a\.gif holds 2 images; it must hold one"):
        read_image(tmp_path / "a.gif")


def test_15_jpeg_rules_on_exact_masks_are_refused(tmp_path):
    rule = Labels(rule="threshold", above=127)
    for mask in (np.eye(4, dtype=bool), np.eye(4, dtype=np.uint8)):
        with pytest.raises(DataError, match="here holds 0 and 1 alone; the card takes what lies above 127"):
            structure_of(mask, rule, 8, "here")


def test_15_compressions_that_pillow_knows_are_read(tmp_path):
    """LZW and CCITT, which tifffile leaves to a package of its own; pages of a stack too."""
    pixels = np.random.default_rng(0).integers(0, 255, (3, 40, 50)).astype(np.uint8)
    pages = [Image.fromarray(page) for page in pixels]
    pages[0].save(tmp_path / "lzw.tif", compression="tiff_lzw", save_all=True, append_images=pages[1:])
    assert np.array_equal(read_image(tmp_path / "lzw.tif"), pixels)
    assert np.array_equal(TiffSections(tmp_path / "lzw.tif")[2], pixels[2])
    bits = Image.fromarray(pixels[0] > 90)
    bits.save(tmp_path / "fax.tif", compression="group4")
    found = tifffile.TiffFile(tmp_path / "fax.tif").pages.first.photometric
    if found == tifffile.PHOTOMETRIC.MINISBLACK:
        assert np.array_equal(read_image(tmp_path / "fax.tif"), pixels[0] > 90)
    colour = pixels[[0, 1, 2]]
    tifffile.imwrite(tmp_path / "planes.tif", colour, photometric="rgb", planarconfig="separate")
    assert np.array_equal(read_image(tmp_path / "planes.tif", colour=True), np.moveaxis(colour, 0, -1))
    Image.fromarray(np.moveaxis(colour, 0, -1)).save(tmp_path / "rgb.tif", compression="tiff_lzw")
    assert np.array_equal(read_image(tmp_path / "rgb.tif", colour=True), np.moveaxis(colour, 0, -1))


def test_15_npy_in_colour_and_of_either_byte_order(tmp_path):
    colour = np.random.default_rng(0).integers(0, 255, (6, 7, 3)).astype(np.uint8)
    np.save(tmp_path / "c.npy", colour)
    assert size_of(tmp_path / "c.npy") == (6, 7)
    assert np.array_equal(read_image(tmp_path / "c.npy", colour=True), colour)
    np.save(tmp_path / "b.npy", colour[..., 0].astype(">u2"))
    assert to_unit(read_image(tmp_path / "b.npy"), tmp_path).max() == pytest.approx(colour[..., 0].max() / 65535)


# Row 16


def test_16_images_and_labels_without_partner_are_listed(pairs):
    folder, open_them = pairs
    for name in "cdefghijklm":
        Image.fromarray(np.zeros(SHAPE, np.uint8)).save(folder / "images" / f"{name}.png")
    Image.fromarray(np.zeros(SHAPE, np.uint8)).save(folder / "masks" / "z.png")
    with pytest.raises(DataError) as error:
        open_them()
    text = str(error.value)
    assert text.count("has no label") == 10  # the first ten
    assert text.endswith("; and 2 more.")
    for name in "defghijklm":
        (folder / "images" / f"{name}.png").unlink()
    with pytest.raises(DataError, match=r"images/c\.png has no label; .*masks/z\.png has no image\.$"):
        open_them()


def test_16_sizes_that_differ_are_listed_from_the_headers(pairs):
    folder, open_them = pairs
    Image.fromarray(np.zeros((14, 12), np.uint8)).save(folder / "masks" / "b.png")
    with pytest.raises(DataError, match=r"masks/b\.png has the shape \(14, 12\), .*images/b\.png \(12, 14\)"):
        open_them()
    with pytest.raises(DataError, match=r"images/a\.png has the shape \(12, 14\); the card wants \(9, 9\)"):
        open_them(shapes=((9, 9),))


def test_16_no_image_at_all(pairs):
    folder, open_them = pairs
    for path in folder.rglob("*.png"):
        path.unlink()
    with pytest.raises(DataError, match=r"'mine' lacks all 2 images images/\{id\}\.\*, each with masks/\{id\}\.\* in"):
        open_them()
    (folder / "images").rmdir()
    with pytest.raises(DataError, match="lacks all 2 images"):
        open_them()


def test_16_what_is_no_file_is_passed_over(pairs):
    folder, open_them = pairs
    (folder / "images" / "c.png").mkdir()
    os.mkfifo(folder / "images" / "d.png")
    assert len(open_them()) == 2
    (folder / "images" / "d.png").unlink()
    (folder / "images" / "c.png").rmdir()
    (folder / "images" / os.fsdecode(b"\xff.png")).write_bytes(b"")
    with pytest.raises(DataError, match=r"the name of .*xff.*is not UTF-8; give the file another one"):
        open_them()


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ([("a", "b-c"), ("a-b", "c")], "gives 2 images the id 'a-b-c'; name its parts so that ids differ"),
        ([("a", "x"), ("a", "y")], "has parts of one name; each must have its own"),
        ([("", "x"), ("", "y")], "has parts of one name"),
    ],
)
def test_16_images_that_would_share_an_id_are_refused(tmp_path, parts, sentence):
    given = []
    for number, (part, name) in enumerate(parts):
        for kind in ("i", "m"):
            (tmp_path / f"{kind}{number}").mkdir()
            Image.fromarray(np.zeros(SHAPE, np.uint8)).save(tmp_path / f"{kind}{number}" / f"{name}.png")
        given.append({"name": part, "images": f"i{number}/{{id}}.png", "labels": f"m{number}/{{id}}.png", "count": 1})
    card = load_card("stare").model_copy(update={"count": 2, "layout": {"parts": given}, "folder": str(tmp_path)})
    with pytest.raises(CardError, match=sentence):
        open_card(card)


def test_16_too_few_too_many_and_two_of_one_id(pairs):
    folder, open_them = pairs
    with pytest.raises(DataError, match=r"lacks 1 of the 3 images images/\{id\}\.\*.*--partial"):
        open_them(3)
    with pytest.raises(DataError, match=r"images/\{id\}\.\* is there 2 times; the card wants 1 images"):
        open_them(1)
    Image.fromarray(np.zeros(SHAPE, np.uint8)).save(folder / "images" / "a.tif")
    with pytest.raises(DataError, match=r"a\.png and .*a\.tif share the id 'a'; remove one of them"):
        open_them()


# Row 17


def sound_files(folder):
    """One sound file of each kind, with what reads it."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 255, (60, 64)).astype(np.uint8)
    tifffile.imwrite(folder / "plain.tif", pixels)
    tifffile.imwrite(folder / "packed.tif", pixels, compression="zlib")
    for suffix in (".png", ".jpg", ".ppm", ".gif", ".bmp"):
        Image.fromarray(pixels).save(folder / f"picture{suffix}")
    (folder / "packed.ppm.gz").write_bytes(gzip.compress((folder / "picture.ppm").read_bytes()))
    with h5py.File(folder / "volume.hdf", "w") as file:
        file.create_dataset("v/ids", data=np.stack([pixels] * 3), chunks=(2, 20, 20), compression="gzip")
    scipy.io.savemat(folder / "labels.mat", {"truth": {"s": pixels}}, do_compression=True)
    np.save(folder / "array.npy", pixels)
    special = {
        ".hdf": lambda path: [Hdf5Sections(path, "v/ids")[k] for k in range(3)],
        ".mat": lambda path: read_mat(path, "truth", "s"),
    }
    return {path: special.get(path.suffix, read_image) for path in sorted(folder.iterdir())}


def test_17_sound_files_are_read(tmp_path):
    found = sound_files(tmp_path)
    assert len(found) == 11
    for path, read in found.items():
        assert np.asarray(read(path)).shape[-2:] == (60, 64), path


@pytest.mark.parametrize("part", [0.0, 0.02, 0.3, 0.9])
def test_17_truncated_files_are_named(tmp_path, part):
    for path, read in sound_files(tmp_path).items():
        path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
        with pytest.raises(DataError) as error:
            read(path)
        assert str(path) in str(error.value)


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg", ".gif", ".npy", ".ppm.gz", ".hdf", ".mat"])
def test_17_text_under_another_name(tmp_path, suffix):
    path = tmp_path / f"renamed{suffix}"
    path.write_text("<!DOCTYPE html><title>Not found</title>" * 20)
    read = {".hdf": lambda path: Hdf5Sections(path, "ids"), ".mat": lambda path: read_mat(path, "x")}
    with pytest.raises(DataError, match="cannot be read as") as error:
        read.get(suffix, read_image)(path)
    assert str(path) in str(error.value)


# Row 18


def png_header(width, height):
    """A PNG that declares so many pixels and holds next to nothing."""

    def chunk(kind, content):
        packed = kind + content
        return struct.pack(">I", len(content)) + packed + struct.pack(">I", zlib.crc32(packed))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 9)) + chunk(b"IEND", b"")
    )


def test_18_bombs_are_refused_from_their_headers(tmp_path):
    (tmp_path / "bomb.png").write_bytes(png_header(200_000, 200_000))
    with pytest.raises(
        DataError, match=r"bomb\.png declares an image of 200000 x 200000 x 1 uint8, 37.25 GiB; the limit"
    ):
        read_image(tmp_path / "bomb.png")
    with tifffile.TiffWriter(tmp_path / "bomb.tif") as file:
        file.write(np.zeros((16, 16), np.uint8), photometric="minisblack")
    content = bytearray((tmp_path / "bomb.tif").read_bytes())
    for tag in (256, 257):  # width and height in the first directory, as LONG
        place = content.index(struct.pack("<HHI", tag, 4, 1)) if struct.pack("<HHI", tag, 4, 1) in content else (
            content.index(struct.pack("<HH", tag, 3)))  # fmt: skip
        content[place : place + 12] = struct.pack("<HHII", tag, 4, 1, 150_000)
    (tmp_path / "bomb.tif").write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"bomb\.tif declares an image of 150000 x 150000 uint8, 20.95 GiB"):
        read_image(tmp_path / "bomb.tif")
    with pytest.raises(DataError, match=r"bomb\.tif declares a page of 150000 x 150000 uint8"):
        TiffSections(tmp_path / "bomb.tif")


def test_18_a_palette_is_no_way_past_the_limit(tmp_path, monkeypatch):
    monkeypatch.setenv("TOPOBENCH_MAX_IMAGE_MIB", "1")
    Image.new("P", (3000, 3000)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png declares an image of 3000 x 3000 x 1 uint8, 8.583 MiB; the limit"):
        read_image(tmp_path / "a.png")


def test_18_pieces_that_unpack_to_more_than_they_declare(tmp_path, monkeypatch):
    """A page of 64 x 64 whose one strip holds 20 MB, and a chunk of 64 x 64 that does."""
    monkeypatch.setenv("TOPOBENCH_MAX_IMAGE_MIB", "16")
    bomb = zlib.compress(bytes(20_000_000), 9)
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((64, 64), np.uint8), compression="zlib", photometric="minisblack")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
        page = file.pages.first
        page.tags["StripByteCounts"].overwrite([len(bomb)])
        page.tags["StripOffsets"].overwrite([(tmp_path / "a.tif").stat().st_size])
    with (tmp_path / "a.tif").open("ab") as file:
        file.write(bomb)
    for read in (read_image, lambda path: TiffSections(path)[0]):
        with pytest.raises(
            DataError, match=r"a\.tif declares pages of 4096 bytes, and one of its pieces unpacks to more"
        ):
            read(tmp_path / "a.tif")
    with h5py.File(tmp_path / "a.hdf", "w") as file:
        data = file.create_dataset("ids", (1, 64, 64), "u1", chunks=(1, 64, 64), compression="gzip")
        data.id.write_direct_chunk((0, 0, 0), bomb)
    with pytest.raises(DataError, match="chunks of 'ids' have 4096 bytes, and one of them unpacks to more"):
        Hdf5Sections(tmp_path / "a.hdf", "ids")


def test_18_hdf5_that_declares_a_terabyte(tmp_path):
    with h5py.File(tmp_path / "v.hdf", "w") as file:
        file.create_dataset("ids", shape=(1, 1_000_000, 1_000_000), dtype="u1", chunks=(1, 100, 100))
        file.create_dataset(
            "chunk", shape=(1, 100, 100), maxshape=(None, None, None), dtype="u1", chunks=(1, 60000, 60000)
        )
    with pytest.raises(DataError, match=r"declares sections of 'ids' of 1000000 x 1000000 uint8, 931.3 GiB"):
        Hdf5Sections(tmp_path / "v.hdf", "ids")
    with pytest.raises(DataError, match=r"declares chunks of 'chunk' of 1 x 60000 x 60000 uint8, 3.353 GiB"):
        Hdf5Sections(tmp_path / "v.hdf", "chunk")


def test_18_packed_content_is_not_unpacked_beyond_the_limit(tmp_path, monkeypatch):
    monkeypatch.setenv("TOPOBENCH_MAX_IMAGE_MIB", "1")
    (tmp_path / "a.ppm.gz").write_bytes(gzip.compress(bytes(50 * 2**20)))
    with pytest.raises(DataError, match=r"a\.ppm\.gz declares content of 1048577 uint8, 1 MiB; the limit is 1 MiB"):
        read_image(tmp_path / "a.ppm.gz")
    scipy.io.savemat(tmp_path / "a.mat", {"x": np.zeros((5000, 5000), np.uint8)}, do_compression=True)
    with pytest.raises(DataError, match=r"a\.mat declares content of"):
        read_mat(tmp_path / "a.mat", "x")


def test_18_the_limit_is_an_option(tmp_path, monkeypatch):
    Image.fromarray(np.zeros((2000, 2000), np.uint8)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").shape == (2000, 2000)
    monkeypatch.setenv("TOPOBENCH_MAX_IMAGE_MIB", "1")
    with pytest.raises(DataError, match="--max-image-mib N, or TOPOBENCH_MAX_IMAGE_MIB=N"):
        read_image(tmp_path / "a.png")
    monkeypatch.setenv("TOPOBENCH_MAX_IMAGE_MIB", "none")
    with pytest.raises(ArgumentError, match="TOPOBENCH_MAX_IMAGE_MIB is 'none'; it must be a whole number of MiB"):
        read_image(tmp_path / "a.png")


def test_18_pillows_own_limit_does_not_stand_in_the_way(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    Image.fromarray(np.zeros((50, 50), np.uint8)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").shape == (50, 50)
    assert Image.MAX_IMAGE_PIXELS == 100


# Row 19


def test_19_hdf5_that_leads_elsewhere_or_lacks_what_is_wanted(tmp_path):
    with h5py.File(tmp_path / "other.hdf", "w") as other:
        other["ids"] = np.ones((2, 4, 4), np.uint8)
    with h5py.File(tmp_path / "v.hdf", "w") as file:
        file["linked"] = h5py.ExternalLink("other.hdf", "ids")
        file["within"] = h5py.SoftLink("/labels/ids")
        file["labels/ids"] = np.ones((2, 4, 4), np.uint16)
        file["labels/flat"] = np.ones((4, 4), np.uint8)
        file["labels/real"] = np.ones((2, 4, 4))
        file["gone"] = h5py.SoftLink("/nowhere")
        file["folder"] = h5py.ExternalLink("other.hdf", "/")
        file["by way of"] = h5py.SoftLink("/folder/ids")
        file["circle"] = h5py.SoftLink("/circle")
        file["labels/self"] = file["labels"]
        file["labels/again"] = file["labels"]
        file["labels/near"] = h5py.SoftLink("ids")
        file.create_dataset("outside", (2, 4, 4), "u1", external=[(str(tmp_path / "raw.bin"), 0, 32)])
        layout = h5py.VirtualLayout((2, 4, 4), "u1")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.hdf"), "ids", (2, 4, 4))
        file.create_virtual_dataset("virtual", layout)
    path = tmp_path / "v.hdf"
    assert Hdf5Sections(path, "labels/ids")[1].sum() == 16
    for name in ("within", "labels/near", "/labels/self/again/ids"):
        assert Hdf5Sections(path, name).shape == (2, 4, 4)
    for name, sentence in {
        "linked": "'linked' leads by 'linked' into another file, which is not followed",
        "folder/ids": "'folder/ids' leads by 'folder' into another file",
        "by way of": "'by way of' leads by 'folder' into another file",
        "circle": "no data set 'circle'; it has",
        "labels/ids/deeper": "no data set 'labels/ids/deeper'; it has",
        "outside": "the data of 'outside' lie in another file",
        "virtual": "the data of 'virtual' lie in another file",
        "labels/flat": r"'labels/flat' has the shape \(4, 4\); it must be \(sections, height, width\)",
        "labels/real": "'labels/real' holds float64; it must hold whole numbers",
        "neuron_ids": r"no data set 'neuron_ids'; it has: outside, virtual, labels/flat, labels/ids, labels/real\.$",
        "labels": "no data set 'labels'; it has",
        "gone": "no data set 'gone'; it has",
    }.items():
        with pytest.raises(DataError, match=sentence) as error:
            Hdf5Sections(path, name)
        assert str(path) in str(error.value)


# Rows 17 to 19: what the damaged files of test_malformed.py brought to light


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
    (tmp_path / "a.png").write_bytes(png_header(30000, 30000))
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
