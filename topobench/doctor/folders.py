"""Folders: whether results can be written, which data sets are there, whether weights are the official ones."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from topobench.doctor.finding import Finding
from topobench.errors import TopobenchError
from topobench.files import check_writable, naming

__all__ = ["data_sets", "output_folder", "weights", "write_nothing"]

GIB = 2**30
WANTED_GIB = 1  # a suite's checkpoints, records and maps of predictions


def output_folder(folder: Path) -> Iterator[Finding]:
    """Whether results can be written, and how much room there is; nothing stays behind."""
    try:
        check_writable(folder)
        there = _nearest(folder)
        write_nothing(there)
    except OSError as error:
        yield Finding(
            "output", "fault", f"{folder} cannot be written: {error.strerror}",
            "Name another folder with -o, as of topobench run.",
        )  # fmt: skip
        return
    free = shutil.disk_usage(there).free / GIB
    about = f"{folder.absolute()} can be written, {free:.1f} GiB free"
    if free < WANTED_GIB:
        yield Finding("output", "warning", about, "Make room, or name another folder with -o: a full disk ends a run.")
    else:
        yield Finding("output", "ok", about)


def data_sets(data_dir: str | Path | None) -> Iterator[Finding]:
    """Where data sets are looked for, and which are there, whole or in part; that none is there is no fault."""
    from topobench.data.locate import data_root

    root = data_root(data_dir)
    why = "--data-dir" if data_dir else "$TOPOBENCH_DATA" if os.environ.get("TOPOBENCH_DATA") else "the user's cache"
    where = f"{root.absolute()} ({why})"
    if why != "the user's cache" and not root.is_dir():
        advice = "Name the folder that holds one sub-folder a data set; synthetic data sets need none."
        yield Finding("data", "warning", f"{where} is no folder", advice)
        return
    found, misfits = _states(data_dir)
    for name, about in misfits.items():
        yield Finding("data", "warning", f"{name} {about}", f"topobench data status {name}")
    parts = [f"{word}: {', '.join(found[word])}" for word in ("ready", "a part", "missing") if found[word]]
    yield Finding("data", "ok", f"{where}; {'; '.join(parts)}")


def weights(data_dir: str | Path | None) -> Iterator[Finding]:
    """Whether weights that lie here are the official ones, by their sha256; that none do is no fault."""
    from topobench.data.fetch import WEIGHTS, check_weights
    from topobench.data.hints import weights_command

    for name in WEIGHTS:
        if path := check_weights(name, data_dir):
            yield Finding("weights", "ok", f"{name}: {path}, the official file by its sha256")
        else:
            get = weights_command("fetch", name, data_dir)
            yield Finding("weights", "ok", f"{name}: absent, which only pretrained networks notice ({get})")


def write_nothing(folder: Path) -> None:
    """Raise OSError, with the path, where a folder that is there takes no file: permissions do not say all."""
    with naming(folder), tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(4096))


def _nearest(folder: Path) -> Path:
    """Return the folder, or the nearest above it that is there."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())


def _states(data_dir: str | Path | None) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return data sets by the word for what is there of them, and what is wrong with those that do not fit.

    Variants are of the same files as what they vary.
    """
    from topobench.cards import load_card, names
    from topobench.data.dataset import folder_of, open_adapter, state_of

    found: dict[str, list[str]] = defaultdict(list)
    misfits: dict[str, str] = {}
    for name in names("datasets"):
        if ":" in name:
            continue
        try:
            card = load_card(name)
            adapter = open_adapter(card, folder_of(card, data_dir))
            state = state_of(adapter)
            if state == "does not fit":
                misfits[name] = f"does not fit its card: {adapter.faults()[0]}"
            else:
                found[state].append(f"{name} ({len(adapter.members)} of {card.count})" if state == "a part" else name)
        except TopobenchError as error:  # the others are still shown
            misfits[name] = str(error)
    return found, misfits
