"""Adapter `paired_folders`: an image, a label file and perhaps a validity mask for each id, in folders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from numpy.typing import NDArray

from topobench.cards import Card, Count, Strict
from topobench.data.readers import check_name, read_image, size_of, stem_of, suffix_of
from topobench.data.samples import Pixels, by_member, make_sample, member_of, shape_fault
from topobench.errors import CardError, DataError
from topobench.files import digest, file_sha256
from topobench.types import Sample

__all__ = ["PairedFolders", "Part", "files_of"]


class Part(Strict):
    """One part of the images, such as ``train``: patterns of its files below the data set's folder, and their number.

    A pattern is a path with ``{id}`` in its last name; ``.*`` at the end stands for any suffix of an image. `first` and
    `last` narrow the ids down, in the order of their characters.
    """

    name: str = ""
    images: str
    labels: str
    valid: str = ""
    count: Count
    first: str = ""
    last: str = ""

    def takes(self, name: str) -> bool:
        """Whether an id is of this part."""
        return self.first <= name and (not self.last or name <= self.last)


class PairedFolders:
    """Images with labels of the same id, in one part or several; with several an id is ``part-id``.

    Parameters
    ----------
    parts : the official parts, in the card's order; an id is read where both image and label (and mask) are there
    """

    def __init__(self, card: Card, folder: Path, parts: tuple[Part, ...]) -> None:
        if sum(part.count for part in parts) != card.count:
            raise CardError(f"card {card.name!r}: count is {card.count}, but its parts' counts are not as many.")
        self.card, self.folder, self.parts = card, folder, parts
        if len({part.name for part in parts}) < len(parts):
            raise CardError(f"card {card.name!r} has parts of one name; each must have its own.")
        self._files = {part: self._listed(part) for part in parts}
        self._paths = by_member(card, (
            (member_of(card, name, part.name if len(parts) > 1 else ""), paths)
            for part in parts for name, paths in self._complete(part)
        ))  # fmt: skip
        self.members = tuple(self._paths)

    def missing(self) -> list[str]:
        """Return for each part that is not complete how many of its images are there, and what belongs to each."""
        found = {part: len(list(self._complete(part))) for part in self.parts}
        return [
            f"{f'{part.count - there} of the' if there else 'all'} {part.count} images {self.folder / part.images}, "
            f"each with {' and '.join(filter(None, (part.labels, part.valid)))}"
            for part, there in found.items() if there < part.count
        ]  # fmt: skip

    def faults(self) -> list[str]:
        """Return files without partner, images too many, and pairs whose sizes differ or are not the card's."""
        return [fault for part in self.parts for fault in (*self._lonely(part), *self._unequal(part))]

    def read(self, image_id: str) -> Sample:
        """Return a sample: the image as float32 (1 or 3, H, W) in [0, 1], truth and validity as bool (H, W)."""
        member = next(member for member in self.members if member.image_id == image_id)
        image, labels, *mask = self._paths[member]
        return make_sample(
            self.card, member, Pixels(read_image(image, colour=True), image), Pixels(self.read_labels(labels), labels),
            Pixels(read_image(mask[0]), mask[0]) if mask else None,
        )  # fmt: skip

    def data_hash(self) -> str:
        """Return the hash of ids and bytes of all files."""
        return digest({member.image_id: [file_sha256(path) for path in paths] for member, paths in self._paths.items()})

    def read_labels(self, path: Path) -> NDArray[Any]:
        """Return the pixels of a label file (H, W), as stored."""
        return read_image(path)

    def label_size(self, path: Path) -> tuple[int, int]:
        """Return (height, width) of a label file."""
        return size_of(path)

    def _listed(self, part: Part) -> list[dict[str, Path]]:
        """Return the files of a part's patterns, by id: images, labels and, if it has such a pattern, masks."""
        patterns = [part.images, part.labels, *([part.valid] if part.valid else [])]
        found = [files_of(self.folder, pattern, self.card.name) for pattern in patterns]
        return [{name: path for name, path in files.items() if part.takes(name)} for files in found]

    def _complete(self, part: Part) -> Iterator[tuple[str, tuple[Path, ...]]]:
        """Yield the ids of a part that have all their files, with these."""
        images, *others = self._files[part]
        for name in sorted(images):
            if all(name in files for files in others):
                yield name, (images[name], *(files[name] for files in others))

    def _lonely(self, part: Part) -> Iterator[str]:
        """Yield files that lack their partner, and a sentence where there are more images than the card says."""
        images, *others = self._files[part]
        for files, what in zip(others, ("label", "validity mask"), strict=False):
            yield from (f"{path} has no {what}" for name, path in sorted(images.items()) if name not in files)
            yield from (f"{path} has no image" for name, path in sorted(files.items()) if name not in images)
        if (there := len(list(self._complete(part)))) > part.count:
            yield f"{self.folder / part.images} is there {there} times; the card wants {part.count} images"

    def _unequal(self, part: Part) -> Iterator[str]:
        """Yield pairs whose sizes differ, and images whose size the card does not allow; reads headers."""
        for _, paths in self._complete(part):
            try:
                yield from self._unequal_sizes(*paths)
            except DataError as error:  # a header that cannot be read
                yield str(error).rstrip(".")

    def _unequal_sizes(self, image: Path, labels: Path, *masks: Path) -> Iterator[str]:
        shape = size_of(image)
        for other, size in ((labels, self.label_size), *((mask, size_of) for mask in masks)):
            if (found := size(other)) != shape:
                yield f"{other} has the shape {found}, {image} {shape}"
        if fault := shape_fault(self.card, shape, str(image)):
            yield fault


def files_of(folder: Path, pattern: str, card: str) -> dict[str, Path]:
    """Return the files below a folder that a pattern means, by id; DataError where two have one id.

    CardError, with the name of the `card`, for a pattern that leaves the folder or lacks its ``{id}``.
    """
    path = PurePosixPath(pattern)
    if path.is_absolute() or ".." in path.parts or path.name.count("{id}") != 1 or "{id}" in str(path.parent):
        raise CardError(
            f"card {card!r}: the pattern {pattern!r} must be a path within the folder, with one {{id}} in its name."
        )
    any_suffix = path.name.endswith(".*")
    before, after = path.name.removesuffix(".*").split("{id}")
    wanted = re.compile(f"{re.escape(before)}(.+){re.escape(after)}")
    found: dict[str, Path] = {}
    for file in sorted((folder / path.parent).iterdir()) if (folder / path.parent).is_dir() else ():
        if file.name.startswith(".") or (any_suffix and not suffix_of(file)) or not file.is_file():
            continue
        check_name(file)
        match = wanted.fullmatch(stem_of(file) if any_suffix else file.name)
        if match and found.setdefault(match[1], file) != file:
            raise DataError(f"{found[match[1]]} and {file} share the id {match[1]!r}; remove one of them.")
    return found
