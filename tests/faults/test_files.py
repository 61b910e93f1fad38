"""FAULTS rows 15 and 16: label values, and images and labels that do not pair."""

import os

import numpy as np
import pytest
import tifffile
from PIL import Image

from topobench.cards import Card, Labels, load_card
from topobench.data.dataset import open_card
from topobench.data.labels import structure_of
from topobench.data.readers import read_image, size_of, to_unit
from topobench.data.volumes import TiffSections
from topobench.errors import CardError, DataError

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
