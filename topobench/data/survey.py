"""A survey of folders of images and masks: which belong together, and what is in them."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product, takewhile
from pathlib import Path

import numpy as np

from topobench.data.folders import image_files
from topobench.data.readers import check_name, read_image, stem_of, suffix_of, to_unit
from topobench.errors import ArgumentError, DataError

__all__ = ["Survey", "survey"]

SEPARATORS = "[-_. ]"
LOSSY = (".jpg", ".jpeg")


@dataclass(frozen=True)
class Survey:
    """What was found in folders of images and masks.

    Attributes
    ----------
    folder : the folder that holds all of them
    patterns : of images, masks and, if there are, validity masks, below that folder
    count : pairs of image and mask
    shapes : (height, width) of the images
    channels : of the images, 1 or 3
    values : pixels of each label value, over all masks
    first : the name of the first mask in which a value stands
    lossy : whether the masks are JPEG
    valid_values : pixels of each value of the validity masks
    """

    folder: Path
    patterns: tuple[str, ...]
    count: int
    shapes: tuple[tuple[int, int], ...]
    channels: int
    values: Counter[int]
    first: dict[int, str]
    lossy: bool
    valid_values: Counter[int]


def survey(images: Path, masks: Path, valid: Path | None = None) -> Survey:
    """Return what folders of images and masks hold; all of it is read, one image at a time.

    An image and its mask have one name, but for what all images, or all masks, have in common (``a.png`` and
    ``a_mask.png``). DataError where there are no pairs, where something lacks its partner (the first ten), or where the
    images have different numbers of channels.
    """
    folders = [images, masks, *([valid] if valid else [])]
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise ArgumentError(
            f"images and masks lie in one folder, {images.resolve()}; put them apart, or write a card whose patterns "
            "tell them apart, as that of chase-db1 does."
        )
    for folder in folders:
        check_name(folder.resolve())
    files = [image_files(folder) for folder in folders]
    affixes = _affixes([list(found) for found in files])
    by_id = [_by_id(found, affix) for found, affix in zip(files, affixes, strict=True)]
    _check_pairs(by_id, folders)
    shapes: Counter[tuple[int, int]] = Counter()
    channels, values, valid_values, first = set(), Counter[int](), Counter[int](), dict[int, str]()
    for name in sorted(by_id[0]):
        image = read_image(by_id[0][name], colour=True)
        to_unit(image, by_id[0][name])  # as it will be read
        shapes[(image.shape[0], image.shape[1])] += 1
        channels.add(1 if image.ndim == 2 else image.shape[2])
        for found, counted in zip(by_id[1:], (values, valid_values), strict=False):
            _count_values(found[name], image.shape[:2], by_id[0][name], counted)
        first |= {value: by_id[1][name].name for value in values if value not in first}
    if len(channels) > 1:
        raise DataError(f"the images in {images} have {sorted(channels)} channels; all must have the same number.")
    top = Path(os.path.commonpath([folder.resolve() for folder in folders]))
    return Survey(
        top, tuple(_pattern(top, *one) for one in zip(folders, affixes, by_id, strict=True)), len(by_id[0]),
        tuple(sorted(shapes)), channels.pop(), values, first,
        any(suffix_of(path) in LOSSY for path in by_id[1].values()), valid_values,
    )  # fmt: skip


def _affixes(names: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    """Return for each folder what stands before and behind the ids of all its files.

    Of what all names of a folder begin and end with, as much is taken for no part of the ids as pairs the most files;
    where several ways pair as many, the least.
    """
    options = [_ways(found) for found in names]

    def score(ways: tuple[tuple[str, str], ...]) -> tuple[int, int]:
        ids = [{_id_of(name, way) for name in found} for found, way in zip(names, ways, strict=True)]
        return -len(set.intersection(*ids)), sum(len(before) + len(after) for before, after in ways)

    return min(product(*options), key=score)


def _ways(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return what may be taken from the names of a folder, before and behind: nothing, or what all have in common."""
    before, after = _common(names), _common([name[::-1] for name in names])[::-1]
    ways = dict.fromkeys(product(("", before), ("", after)))
    return [way for way in ways if all(len(name) > len(way[0]) + len(way[1]) for name in names)]


def _id_of(name: str, affix: tuple[str, str]) -> str:
    before, after = affix
    return name.removeprefix(before).removesuffix(after)


def _common(names: Sequence[str]) -> str:
    """Return what all names begin with, up to a separator: of ``scan_10`` and ``scan_11`` it is ``scan_``."""
    columns = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False)) if len(names) > 1 else ()
    found = re.match(f".*{SEPARATORS}", "".join(letters[0] for letters in columns))
    return found[0] if found else ""


def _by_id(files: dict[str, Path], affix: tuple[str, str]) -> dict[str, Path]:
    return {_id_of(name, affix): path for name, path in files.items()}


def _check_pairs(by_id: Sequence[dict[str, Path]], folders: Sequence[Path]) -> None:
    """Raise DataError where images lack a partner, or the other way round; it lists the first ten."""
    lonely = [
        f"{mine[name]} has no partner in {folder}"
        for mine, other, folder in _pairings(by_id, folders) for name in sorted(mine.keys() - other.keys())
    ]  # fmt: skip
    if lonely:
        more = f"; and {len(lonely) - 10} more" if len(lonely) > 10 else ""
        raise DataError(
            f"{'; '.join(lonely[:10])}{more}. Give an image and its mask one name, or write a card "
            "whose patterns pair them (docs/datasets.md)."
        )


def _pairings(
    by_id: Sequence[dict[str, Path]], folders: Sequence[Path]
) -> Iterator[tuple[dict[str, Path], dict[str, Path], Path]]:
    for other, folder in zip(by_id[1:], folders[1:], strict=True):
        yield by_id[0], other, folder
        yield other, by_id[0], folders[0]


def _count_values(path: Path, shape: tuple[int, ...], image: Path, counted: Counter[int]) -> None:
    """Add the values of a mask to those counted; DataError where it is no mask of that shape."""
    mask = read_image(path)
    if mask.shape != shape:
        raise DataError(f"{path} has the shape {mask.shape}, {image} {tuple(shape)}; they must agree.")
    if mask.dtype.kind not in "bui" or mask.min() < 0:
        raise DataError(
            f"{path} holds {mask.dtype} from {mask.min()} on; a mask holds whole numbers from 0 on: threshold it first."
        )
    values, pixels = np.unique(mask, return_counts=True)
    counted.update(dict(zip(map(int, values), map(int, pixels), strict=True)))


def _pattern(top: Path, folder: Path, affix: tuple[str, str], files: dict[str, Path]) -> str:
    """Return the pattern of a folder's files below the folder of all."""
    suffixes = {path.name.removeprefix(stem_of(path)) for path in files.values()}
    below = folder.resolve().relative_to(top)
    return (below / f"{affix[0]}{{id}}{affix[1]}{suffixes.pop() if len(suffixes) == 1 else '.*'}").as_posix()
