"""What of a data set is there, what is missing, and what is not as its card says: files, sizes, labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from topobench.cards import Card, DataFile
from topobench.data.adapter import Adapter
from topobench.data.dataset import folder_of, open_adapter
from topobench.errors import DataError
from topobench.files import file_sha256

__all__ = ["Check", "verify"]


@dataclass(frozen=True)
class Check:
    """One thing that was compared: what the card wants, how many are there, are missing and differ, and how.

    `missing` is None where the check is only of what is there.
    """

    what: str
    wanted: str
    there: int
    missing: int | None
    differs: int
    sentences: tuple[str, ...]


def verify(
    card: Card, data_dir: str | Path | None = None, progress: Callable[[int, int], None] = lambda done, of: None
) -> list[Check]:
    """Compare the files of a data set with its card: hashes, counts, shapes, label values. Every byte is read.

    `progress` is told how many of how many files and images have been read.
    """
    folder = folder_of(card, data_dir)
    adapter = open_adapter(card, folder)
    known = [name for name in card.files if (folder / name).is_file()]
    work = len(known) + len(adapter.members)
    checks = [_images(card, folder, adapter), _sizes(card, folder, adapter)]
    if card.files:
        checks.append(_hashes(card, folder, known, lambda done: progress(done, work)))
    contents = _contents(card, folder, adapter, lambda done: progress(len(known) + done, work))
    return [*checks, contents]


def _images(card: Card, folder: Path, adapter: Adapter) -> Check:
    there = len(adapter.members)
    missing = tuple(f"missing: {_seen_from(folder, text)}" for text in adapter.missing())
    return Check("images", str(card.count), there, max(card.count - there, len(missing)), 0, missing)


def _sizes(card: Card, folder: Path, adapter: Adapter) -> Check:
    """Return whether images, labels and masks are in pairs, and of the sizes that the card allows."""
    wanted = " or ".join(f"{height} x {width}" for height, width in card.shapes) or "any"
    try:
        found = adapter.faults()
    except (DataError, OSError) as error:  # a header that cannot be read; what else there is, the contents say
        found = [str(error)]
    faults = tuple(_seen_from(folder, text) for text in found)
    return Check("pairs and sizes", wanted, len(adapter.members), None, len(faults), faults)


def _hashes(card: Card, folder: Path, there: Sequence[str], tell: Callable[[int], None]) -> Check:
    """Return which of the files that are known byte for byte are others."""
    differs = []
    for done, name in enumerate(there, 1):
        try:
            differs += _other_hash(name, card.files[name], folder / name)
        except OSError as error:
            differs.append(f"{name} cannot be read: {error.strerror}")
        tell(done)
    missing = len(card.files) - len(there)
    return Check("known sha256", f"{len(card.files)} files", len(there), missing, len(differs), tuple(differs))


def _other_hash(name: str, known: DataFile, path: Path) -> list[str]:
    """Return in which way a file is not the known one; an empty list where it is."""
    found = file_sha256(path)
    if not known.sha256 or found in known.sha256:
        return []
    size = f"{known.bytes} bytes, " if known.bytes else ""
    return [f"{name} has {path.stat().st_size} bytes, sha256 {found}; known is {size}{' or '.join(known.sha256)}"]


def _contents(card: Card, folder: Path, adapter: Adapter, tell: Callable[[int], None]) -> Check:
    """Return which images cannot be read as the card says: damage, channels, label values."""
    differs = []
    for done, member in enumerate(adapter.members, 1):
        try:
            adapter.read(member.image_id)
        except (DataError, OSError) as error:
            differs.append(_seen_from(folder, str(error)))
        tell(done)
    wanted = f"{card.channels} channel{'s' * (card.channels > 1)}, {_values(card)}"
    sentences = tuple(dict.fromkeys(differs))  # all sections of a volume may have the same
    return Check("contents", wanted, len(adapter.members), None, len(differs), sentences)


def _values(card: Card) -> str:
    """Return in words which label values the card allows."""
    labels = card.labels
    if labels is None:
        return "made by code"
    if labels.rule == "values":
        return f"labels {', '.join(map(str, sorted({*labels.structure, *labels.background})))}"
    return "labels of any value" if labels.rule == "threshold" else "ids"


def _seen_from(folder: Path, text: str) -> str:
    """Return a sentence with the paths as they are seen from the data set's folder."""
    return text.replace(f"{folder}/", "").rstrip(".")
