"""Folders of image files, matched by name: predictions beside a truth, whoever made them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from topobench.data.readers import IMAGE_SUFFIXES, check_name, read_image, stem_of, suffix_of, to_unit
from topobench.data.volumes import Sections, open_sections
from topobench.errors import DataError
from topobench.files import digest, file_sha256
from topobench.types import BoolArray, Sample

__all__ = ["FolderOfMasks", "FolderOfPredictions", "file_stem", "image_files"]

LONGEST = 150  # letters of a file's name without its suffix: systems take 255, and a file on its way has more


def image_files(folder: Path) -> dict[str, Path]:
    """Return the image files in a folder by their name without suffix, sorted; DataError where two share one."""
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; name the folder that holds the images.")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if not suffix_of(path) or path.name.startswith(".") or not path.is_file():
            continue
        check_name(path)
        if found.setdefault(stem_of(path), path) != path:
            raise DataError(f"{found[stem_of(path)]} and {path} share a name; remove one of them.")
    if not found:
        below = sum(path.is_dir() for path in folder.iterdir())
        searched = f"; it holds {below} folders, which are not searched" if below else ""
        raise DataError(f"{folder} holds no image ({', '.join(IMAGE_SUFFIXES)}){searched}.")
    return found


def file_stem(image_id: str) -> str:
    """Return what the file of an image is named where topobench writes it: any two ids have different names.

    An id as most are is its own name. What no file name may hold is percent-encoded, so is a leading dot, which would
    hide the file; a name that would be too long ends in ``!`` and a hash.
    """
    name = quote(image_id, safe=" ()+,@=~")
    name = f"%2E{name[1:]}" if name.startswith(".") else name
    return name if 0 < len(name) <= LONGEST else f"{name[: LONGEST - 40]}!{digest(image_id)[:32]}"


class FolderOfMasks:
    """Truth masks, one file an image: bool, or 0 and 1, 255 or 65535; what is not 0 is structure."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = image_files(folder)
        self.image_ids = tuple(self.files)

    def read(self, image_id: str) -> Sample:
        """Return a sample without an image: the truth as bool (H, W)."""
        path = self.files[image_id]
        truth = _binary(read_image(path), path)
        return Sample(image_id, np.zeros((1, *truth.shape), np.float32), truth, None, image_id)

    def data_hash(self) -> str:
        """Return the hash of names and bytes of all masks."""
        return digest({name: file_sha256(path) for name, path in self.files.items()})


class FolderOfPredictions:
    """Predicted likelihoods of given images, in their order.

    A file an image, named by its id (``section-07.png``) or as `file_stem` names it; or one stack (TIFF, .npy) with a
    page for each.
    8 and 16 bit are divided by 255 and 65535; float must lie in [0, 1]; bool is a mask. Files of `others`, images of
    the same data set that are not asked for (those of another fold), are passed over.
    """

    def __init__(self, folder: Path, image_ids: Sequence[str], others: Collection[str] = ()) -> None:
        self.folder, self.image_ids = folder, list(image_ids)
        files = image_files(folder)
        if not set(image_ids) <= set(files):
            written = {file_stem(image_id): image_id for image_id in (*image_ids, *others)}
            files = {written.get(name, name): path for name, path in files.items()}
        self.files = {name: path for name, path in files.items() if name in image_ids or name not in others}
        if not self.files:
            raise DataError(
                f"{folder} holds images of the data set, yet none of those asked for: {_some(self.image_ids)}. "
                "Name the fold whose images they are."
            )
        self._stack = None if set(self.image_ids) & set(self.files) else self._only_stack()
        if self._stack is None:
            self._check_complete()

    def __call__(self, sample: Sample) -> NDArray[Any]:
        """Return the likelihood (H, W) of a sample."""
        if self._stack is not None:
            path, pixels = next(iter(self.files.values())), self._stack[self.image_ids.index(sample.image_id)]
        else:
            path = self.files[sample.image_id]
            pixels = read_image(path)
        if pixels.shape != sample.truth.shape:
            raise DataError(
                f"{path} has the shape {pixels.shape}, the truth of {sample.image_id} {sample.truth.shape}; "
                "they must agree."
            )
        if pixels.dtype in (np.uint8, np.uint16) and pixels.max() == 1:
            raise DataError(
                f"{path} is {pixels.dtype} with no value above 1: a mask of 0 and 1, or a likelihood of next to "
                "nothing? Save masks as 0 and 255, likelihoods as 0..255, 0..65535, or float in a .npy or TIFF."
            )
        likelihood = to_unit(pixels, path)
        return pixels if pixels.dtype.kind == "f" else likelihood  # in float32 a value below 0.5 might become 0.5

    def data_hash(self) -> str:
        """Return the hash of names and bytes of all predictions."""
        return digest({name: file_sha256(path) for name, path in self.files.items()})

    def _only_stack(self) -> Sections | None:
        """Return the stack, if the folder holds one file, with as many pages as there are images."""
        path = next(iter(self.files.values()))
        if len(self.files) > 1:
            return None
        stack = open_sections(path)
        return stack if stack.shape[0] == len(self.image_ids) else None

    def _check_complete(self) -> None:
        missing = [name for name in self.image_ids if name not in self.files]
        strange = [name for name in self.files if name not in self.image_ids]
        if missing or strange:
            faults = [f"{_some(missing)} lacking"] if missing else []
            faults += [f"{_some(strange)} not asked for"] if strange else []
            raise DataError(
                f"{self.folder} does not fit the truth: {'; '.join(faults)}. Name each file by its image, or give one "
                f"stack of {len(self.image_ids)} pages."
            )


def _binary(pixels: NDArray[Any], path: Path) -> BoolArray:
    if pixels.ndim != 2:
        raise DataError(f"{path} has the shape {pixels.shape}; truth masks are one file an image, (H, W), not a stack.")
    found = set(np.unique(pixels).tolist())
    if not any(found <= {0, highest} for highest in (1, 255, 65535)):
        some = sorted(found)[:5]
        raise DataError(
            f"{path} has {len(found)} values, such as {some}; a truth mask has two: 0 and 1, 0 and 255, or 0 and 65535."
        )
    return np.asarray(pixels != 0)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
