"""Small sound files of every format that topobench reads, for test_malformed.py to damage."""

import gzip
import io
import re

import h5py
import numpy as np
import scipy.io
import scipy.sparse
import tifffile
from PIL import Image

from tests.data.official import SHAPE

IMAGES, LABELS = "volumes/raw", "volumes/labels/neuron_ids"  # as CREMI names them
VARIABLE, FIELD = "groundTruth", "Segmentation"  # as CrackForest names them


def sound_files():
    """Return {file name: content}: what stands before the suffix is the format."""
    random = np.random.default_rng(0)
    mask = np.zeros(SHAPE, bool)
    mask[::7], mask[:, ::9] = True, True
    grey = (np.add.outer(np.arange(SHAPE[0]) * 3, np.arange(SHAPE[1]) * 2) + random.integers(0, 9, SHAPE)).astype("u1")
    colour = np.stack([grey, grey[::-1], mask * np.uint8(255)], axis=-1)
    return {
        **_pictures(mask, grey, colour), **_tiffs(mask, grey, colour), **_arrays(mask, grey, colour),
        **_volumes(grey), **_matlab(mask, grey),
    }  # fmt: skip


def _pictures(mask, grey, colour):
    masks = mask * np.uint8(255)
    found = {
        "png8.png": _saved(masks, "png"), "png1.png": _saved(mask, "png"), "rgb.png": _saved(colour, "png"),
        "png16.png": _saved(grey.astype("u2") * 257, "png"),
        "palette.png": _saved(Image.fromarray(grey).convert("P"), "png"),
        "grey.jpg": _saved(grey, "jpeg"), "colour.jpg": _saved(colour, "jpeg"),
        "progressive.jpeg": _saved(colour, "jpeg", progressive=True),
        "mask.gif": _saved(masks, "gif"), "grey.bmp": _saved(grey, "bmp"), "bits.bmp": _saved(mask, "bmp"),
        "colour.bmp": _saved(colour, "bmp"), "grey.pgm": _saved(grey, "ppm"), "colour.ppm": _saved(colour, "ppm"),
        "deep.pgm": _saved(grey.astype("u2") * 257, "ppm"),
    }  # fmt: skip
    packed = {"gz.pgm.gz": "grey.pgm", "gz.ppm.gz": "colour.ppm", "gz.png.gz": "png8.png"}
    return found | {name: gzip.compress(found[inner], mtime=0) for name, inner in packed.items()}


def _tiffs(mask, grey, colour):
    stack = np.stack([grey, grey[::-1], grey.T.reshape(SHAPE)])
    pages = [Image.fromarray(page) for page in stack]
    plain = {"photometric": "minisblack"}
    return {
        "plain.tif": _tiff(grey, **plain), "deflate.tif": _tiff(grey, compression="zlib", **plain),
        "tiles.tif": _tiff(np.tile(grey, (2, 2)), tile=(32, 32), compression="zlib", predictor=True, **plain),
        "strips.tif": _tiff(grey, rowsperstrip=8, compression="zlib", **plain),
        "packbits.tif": _saved(mask * np.uint8(255), "tiff", compression="packbits"),
        "lzw.tif": _saved(grey, "tiff", compression="tiff_lzw"),
        "jpeg.tif": _saved(grey, "tiff", compression="jpeg"), "fax.tif": _saved(mask, "tiff", compression="group4"),
        "rgb.tif": _tiff(colour, photometric="rgb"), "planes.tif": _tiff(
            np.moveaxis(colour, -1, 0), photometric="rgb", planarconfig="separate"),
        "float.tif": _tiff(grey / np.float32(255), **plain), "big.tif": _tiff(grey, bigtiff=True, **plain),
        "motorola.tif": _tiff(grey.astype("u2"), byteorder=">", **plain),
        "stack.tif": _tiff(stack, **plain), "imagej.tiff": _tiff(stack, imagej=True),
        "pages.tif": _tiff(stack, compression="zlib", metadata=None, **plain),
        "lzwpages.tiff": _saved(pages[0], "tiff", compression="tiff_lzw", save_all=True, append_images=pages[1:]),
        "ome.tif": re.sub(rb"(?<=uuid:)[-0-9a-f]{36}", b"0" * 36, _tiff(stack, ome=True, **plain)),
    }  # fmt: skip


def _arrays(mask, grey, colour):
    made = {
        "grey": grey, "bits": mask, "float": grey / np.float32(255), "colour": colour,
        "stack": np.stack([grey] * 3), "motorola": grey.astype(">u2"), "fortran": np.asfortranarray(grey),
    }  # fmt: skip
    return {f"{name}.npy": _written(np.save, array) for name, array in made.items()}


def _volumes(grey):
    ids = np.stack([grey // 64 + section for section in range(6)]).astype(np.uint64)
    images = np.stack([grey] * 6)
    ways = {
        "contiguous": {}, "gzip": {"chunks": (4, 16, 16), "compression": "gzip", "shuffle": True},
        "lzf": {"chunks": (2, 20, 23), "compression": "lzf"}, "checked": {"chunks": (2, 20, 23), "fletcher32": True},
        "scaled": {"chunks": (2, 20, 23), "scaleoffset": 0},
    }  # fmt: skip
    return {f"{way}.hdf": _hdf5(images, ids, options) for way, options in ways.items()} | {
        "latest.hdf": _hdf5(images, ids, ways["gzip"], "latest")
    }


def _matlab(mask, grey):
    segments = mask.astype(np.uint8) + 1
    struct = {VARIABLE: {FIELD: segments, "Boundaries": np.zeros(SHAPE, np.uint8)}}
    sparse = {VARIABLE: {FIELD: scipy.sparse.csc_matrix(mask)}}
    return {
        "packed.mat": _mat(struct, do_compression=True), "open.mat": _mat(struct), "sparse.mat": _mat(sparse),
        "two.mat": _mat({"other": grey, **struct, "text": "words", "cells": np.array([1, "a"], object)}),
    }  # fmt: skip


def _saved(picture, kind, **options):
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _written(write, *given, **options):
    stream = io.BytesIO()
    write(stream, *given, **options)
    return stream.getvalue()


def _tiff(array, **options):
    return _written(tifffile.imwrite, array, **options)


def _mat(content, **options):
    content_bytes = _written(scipy.io.savemat, content, **options)
    return b"MATLAB 5.0 MAT-file".ljust(116) + content_bytes[116:]  # without the time of day


def _hdf5(images, ids, options, libver="earliest"):
    stream = io.BytesIO()
    with h5py.File(stream, "w", libver=libver) as file:
        for name, array in ((IMAGES, images), (LABELS, ids)):
            data = file.create_dataset(name, data=array, **options)
            data.attrs["resolution"], data.attrs["offset"] = [40.0, 4.0, 4.0], [0.0, 0.0, 0.0]
    return stream.getvalue()
