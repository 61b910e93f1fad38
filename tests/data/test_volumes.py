"""Volumes that are read section by section: every way in which they lie on disk, and that a section is all it takes."""

import tracemalloc

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

from topobench.cards import load_card
from topobench.data.dataset import open_card
from topobench.data.volumes import Hdf5Sections, TiffSections, open_sections
from topobench.errors import DataError

VOLUME = np.random.default_rng(0).integers(0, 60000, (5, 30, 41)).astype(np.uint16)


@pytest.mark.parametrize(
    "options",
    [
        {"photometric": "minisblack"},
        {"photometric": "minisblack", "compression": "zlib"},
        {"photometric": "minisblack", "tile": (16, 16)},
        {"photometric": "minisblack", "byteorder": ">"},
        {"imagej": True},  # one directory for all pages, where the pages lie in one piece
        {"photometric": "minisblack", "contiguous": False, "metadata": None},
    ],
    ids=["plain", "packed", "tiled", "big-endian", "imagej", "page by page"],
)
def test_pages_of_every_tiff(tmp_path, options):
    path = tmp_path / "v.tif"
    if "contiguous" in options:
        with tifffile.TiffWriter(path) as file:
            for page in VOLUME:
                file.write(page, **options)
    else:
        tifffile.imwrite(path, VOLUME, **options)
    sections = TiffSections(path)
    assert sections.shape == VOLUME.shape
    for index in (4, 0, 2):
        assert np.array_equal(sections[index], VOLUME[index])


def test_one_page_npy_and_other_images_are_volumes_too(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", VOLUME[0])
    np.save(tmp_path / "b.npy", VOLUME)
    np.save(tmp_path / "c.npy", VOLUME[1])
    Image.fromarray(VOLUME[2]).save(tmp_path / "d.png")
    found = {path.stem: open_sections(path) for path in tmp_path.iterdir()}
    assert {name: one.shape[0] for name, one in found.items()} == {"a": 1, "b": 5, "c": 1, "d": 1}
    for name, page, index in (("a", 0, 0), ("b", 3, 3), ("c", 1, 0), ("d", 2, 0)):
        assert np.array_equal(found[name][index], VOLUME[page])


def test_what_is_no_stack_is_named(tmp_path):
    tifffile.imwrite(tmp_path / "rgb.tif", np.zeros((9, 9, 3), np.uint8), photometric="rgb")
    with pytest.raises(DataError, match=r"rgb\.tif has the shape \(9, 9, 3\); it must be \(H, W\) or \(pages, H, W\)"):
        TiffSections(tmp_path / "rgb.tif")
    with tifffile.TiffWriter(tmp_path / "mixed.tif") as file:
        file.write(np.zeros((9, 9), np.uint8))
        file.write(np.zeros((8, 9), np.uint8))
    with pytest.raises(
        DataError, match=r"mixed\.tif has pages of several shapes: \(9, 9\), \(8, 9\); all must have one"
    ):
        TiffSections(tmp_path / "mixed.tif")
    np.save(tmp_path / "flat.npy", np.zeros(9))
    with pytest.raises(DataError, match=r"flat\.npy has the shape \(9,\)"):
        open_sections(tmp_path / "flat.npy")


def cremi(folder, image_shape=(9, 30, 34), ids_shape=(9, 30, 34), **attributes):
    """A file in CREMI's layout, and its data set."""
    random = np.random.default_rng(1)
    (folder / "cremi").mkdir(exist_ok=True)
    with h5py.File(folder / "cremi" / "a.hdf", "w") as file:
        raw = file.create_dataset("volumes/raw", data=random.integers(0, 256, image_shape).astype(np.uint8))
        ids = file.create_dataset("volumes/labels/neuron_ids", data=random.integers(0, 3, ids_shape).astype(np.uint64))
        for name, value in attributes.items():
            ids.attrs[name] = value
        images, labels = raw[()], ids[()]
    card = load_card("cremi")
    volumes = [{"name": "A", "file": "a.hdf", "sections": 9}]
    changes = {"count": 9, "shapes": ((30, 34),), "layout": {**card.layout, "volumes": volumes}}
    return card.model_copy(update=changes), images, labels


def test_labels_that_lie_within_larger_images_as_in_the_padded_volumes(tmp_path):
    card, images, _ = cremi(tmp_path, (15, 50, 60), offset=[3 * 40.0, 8 * 4.0, 10 * 4.0], resolution=[40.0, 4.0, 4.0])
    sample = open_card(card, tmp_path)["A-004"]
    assert np.array_equal(np.rint(sample.image[0] * 255), images[7, 8:38, 10:44])
    assert sample.unit == "A-block-00"


def test_images_of_another_shape_without_an_offset_are_refused(tmp_path):
    card, *_ = cremi(tmp_path, (9, 20, 34))
    with pytest.raises(DataError, match=r"has the shape \(9, 20, 34\), .* \(9, 30, 34\) and begins at \[0, 0, 0\]"):
        open_card(card, tmp_path)
    card, *_ = cremi(tmp_path, ids_shape=(8, 30, 34))
    with pytest.raises(DataError, match=r"'volumes/labels/neuron_ids', has 8 sections; the card wants 9"):
        open_card(card, tmp_path)


def test_a_volume_that_is_lacking_is_named_and_the_others_do(tmp_path):
    card, *_ = cremi(tmp_path)
    layout = {**card.layout, "volumes": [*card.layout["volumes"], {"name": "B", "file": "b.hdf", "sections": 9}]}
    card = card.model_copy(update={"count": 18, "layout": layout})
    with pytest.raises(DataError, match=r"'cremi' lacks b\.hdf in .*give --partial"):
        open_card(card, tmp_path)
    assert len(open_card(card, tmp_path, partial=True)) == 9


def test_a_section_is_all_that_is_held(tmp_path):
    """40 sections of 1 MiB: reading them all takes no more than the cache of chunks and a few sections."""
    with h5py.File(tmp_path / "v.hdf", "w") as file:
        file.create_dataset("ids", data=np.zeros((40, 512, 256), np.uint64), chunks=(8, 64, 64), compression="gzip")
    tifffile.imwrite(tmp_path / "v.tif", np.zeros((40, 1024, 1024), np.uint8), compression="zlib")
    for sections in (Hdf5Sections(tmp_path / "v.hdf", "ids"), TiffSections(tmp_path / "v.tif")):
        tracemalloc.start()
        for index in range(40):
            assert not sections[index].any()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 6 * 2**20
