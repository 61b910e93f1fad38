"""Agreement with peers on every real image, label and likelihood of the real data: whole images by value, with gudhi's
fast path, and a corner of each pixel by pixel, with Cubical Ripser, which takes its time. One connectivity and frame an
image, in turn: small random images have all of them (test_backends)."""

import gzip
import io
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.oracles import gudhi_fast_values, pairs_table, sorted_rows
from topobench.topology import persistence_pairs

FOLDERS = [
    "crack500", "crackforest", "cremi", "deepcrack", "gala-flyem", "isbi2012", "isbi2013", "massachusetts-roads",
    "stare", "topomortar", "vnc-sstem",
]  # fmt: skip
PICTURES = {".png", ".jpg", ".tif", ".tiff"}
CORNER = 160  # pixels of a side
TURNS = [(8, False), (8, True), (4, True), (4, False)]  # so that images and labels, if they alternate, get each of 8, 4
SECTIONS = 3  # of each volume of ids, gray values or probabilities


def sections(path):
    """The 2-D arrays of a file."""
    if path.suffix in {".h5", ".hdf"}:
        with h5py.File(path) as file:
            found = []
            file.visititems(lambda _, item: found.append(item) if isinstance(item, h5py.Dataset) else None)
            return [item[k] for item in found if item.ndim >= 3 for k in range(min(SECTIONS, item.shape[0]))]
    if path.suffix == ".gz":
        pixels = np.asarray(Image.open(io.BytesIO(gzip.decompress(path.read_bytes()))))
    elif path.suffix in {".tif", ".tiff"}:
        pixels = tifffile.imread(path)
    else:
        pixels = np.asarray(Image.open(path))
    stack = pixels.ndim == 3 and pixels.shape[-1] not in (3, 4)
    return list(pixels) if stack else [pixels]


def gray(section):
    """One value a pixel: colours and the channels of a likelihood are averaged, which leaves many distinct values."""
    return section.mean(axis=-1) if section.ndim == 3 else section


def cases(folder):
    wanted = [path for path in sorted(Path(folder).rglob("*")) if path.suffix in {*PICTURES, ".gz", ".h5", ".hdf"}]
    for path in wanted:
        for number, section in enumerate(sections(path)):
            yield f"{path.relative_to(folder)}[{number}]", gray(section)


def check(image, connectivity, frame):
    ours = persistence_pairs(image, connectivity)
    assert np.array_equal(sorted_rows(ours.dimension, ours.birth, ours.death), gudhi_fast_values(image, connectivity))
    corner = image[:CORNER, :CORNER]
    theirs = persistence_pairs(corner, connectivity, frame, backend="cripser")
    assert np.array_equal(pairs_table(persistence_pairs(corner, connectivity, frame)), pairs_table(theirs))


@pytest.mark.parametrize("name", FOLDERS)
def test_agreement(real_data, name):
    seen = 0
    for number, (where, image) in enumerate(cases(real_data / name)):
        connectivity, frame = TURNS[number % len(TURNS)]
        try:
            check(image, connectivity, frame)
        except AssertionError as error:
            raise AssertionError(f"{where}, connectivity {connectivity}, frame {frame}") from error
        seen += 1
    assert seen >= len(TURNS), f"{seen} images were found in {name}"


def test_gudhi_agrees_on_a_section_with_its_pixels(real_data):
    image = tifffile.imread(real_data / "isbi2012" / "train-volume.tif")[0]
    for connectivity in (4, 8):
        theirs = persistence_pairs(image, connectivity, True, backend="gudhi")
        assert np.array_equal(pairs_table(persistence_pairs(image, connectivity, True)), pairs_table(theirs))
