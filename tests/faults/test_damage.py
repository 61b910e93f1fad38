"""FAULTS rows 17 to 19: damaged files, bombs, HDF5 that leads elsewhere."""

import gzip
import struct
import zlib

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile
from PIL import Image

from tests.faults.bombs.pictures import png
from topobench.data.matlab_masks import read_mat
from topobench.data.readers import read_image
from topobench.data.volumes import Hdf5Sections, TiffSections
from topobench.errors import ArgumentError, DataError

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


def test_18_bombs_are_refused_from_their_headers(tmp_path):
    (tmp_path / "bomb.png").write_bytes(png(200_000, 200_000))
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
