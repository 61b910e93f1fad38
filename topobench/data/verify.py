"""What of a data set is there, what is missing, and what is not as its card says: files, sizes, labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from topobench.cards import Card, DataFile, load_card
from topobench.data.contract import Adapter
from topobench.data.dataset import folder_of, open_adapter
from topobench.errors import DataError
from topobench.files import file_sha256

__all__ = ["Check", "misfits", "verify"]

SOME = 3  # files that are named as examples


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
    card: Card | str, data_dir: str | Path | None = None, progress: Callable[[int, int], None] = lambda done, of: None
) -> list[Check]:
    """Compare the files of a data set with its card, or the card of that name: hashes, counts, shapes, label values.

    Every byte is read. `progress` is told how many of how many files and images have been read.
    """
    card = load_card(card) if isinstance(card, str) else card
    folder = folder_of(card, data_dir)
    adapter = open_adapter(card, folder)
    known = [name for name in card.files if (folder / name).is_file()]
    work = len(known) + len(adapter.members)
    checks = [_images(card, folder, adapter), _sizes(card, folder, adapter)]
    if card.files:
        checks.append(_hashes(card, folder, known, lambda done: progress(done, work)))
    contents = _contents(card, folder, adapter, lambda done: progress(len(known) + done, work))
    said = checks[1].sentences  # what a header told already
    return [*checks, replace(contents, sentences=tuple(text for text in contents.sentences if text not in said))]


def misfits(card: Card, data_dir: str | Path | None = None) -> list[str]:
    """Return what of a data set is not as its card says, as far as headers and known sha256 tell: no image is read."""
    folder = folder_of(card, data_dir)
    known = [name for name in card.files if (folder / name).is_file()]
    checks = _sizes(card, folder, open_adapter(card, folder)), _hashes(card, folder, known, lambda _: None)
    return [text for check in checks if check.differs for text in check.sentences]


def _images(card: Card, folder: Path, adapter: Adapter) -> Check:
    there = len(adapter.members)
    missing = tuple(f"missing: {_seen_from(folder, text)}" for text in adapter.missing())
    others = () if there or not missing else (_what_else(folder),)
    return Check("images", str(card.count), there, max(card.count - there, len(missing)), 0, (*missing, *others))


def _what_else(folder: Path) -> str:
    """Return in words what a folder without images holds."""
    if not folder.is_dir():
        return f"{folder} is {'no folder' if folder.exists() else 'not there'}"
    others = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    if not others:
        return f"{folder} is empty"
    more = " ..." if len(others) > SOME else ""
    return f"{folder} holds {len(others)} files, none of which makes an image: {', '.join(others[:SOME])}{more}"


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
            differs += _other_hash(name, card.files, folder / name)
        except OSError as error:
            differs.append(f"{name} cannot be read: {error.strerror}")
        tell(done)
    missing = [name for name in card.files if name not in there] if there else []
    some = f"missing, of the files that are known: {', '.join(missing[:SOME])}{' ...' if len(missing) > SOME else ''}"
    sentences = (*([some] if missing else []), *differs)
    lacking = len(card.files) - len(there)
    return Check("known sha256", f"{len(card.files)} files", len(there), lacking, len(differs), sentences)


def _other_hash(name: str, files: Mapping[str, DataFile], path: Path) -> list[str]:
    """Return in which way a file is not the known one; an empty list where it is."""
    known, found = files[name], file_sha256(path)
    if not known.sha256 or found in known.sha256:
        return []
    size = f"{known.bytes} bytes, " if known.bytes else ""
    other = next((f", which is {other}" for other, file in files.items() if found in file.sha256), "")
    return [
        f"{name} has {path.stat().st_size} bytes, sha256 {found}{other}; known is {size}{' or '.join(known.sha256)}"
    ]


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
