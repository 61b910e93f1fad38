"""Whether pages that lie beside records are what these records give, and show what may be shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from topobench.leaderboard.board import make_board
from topobench.leaderboard.page import render
from topobench.leaderboard.scenes import PICTURES, may_be_shown, read_scenes
from topobench.scores import each_record

__all__ = ["stale_files"]

COMMITTED = ("leaderboard.md", "index.html")


def stale_files(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file of the leaderboard beside records that is not what they give, and why.

    `path` is a folder that holds a folder ``records``, or that one. Without any page there, nothing is asked; of files
    besides `COMMITTED`, only those that are there.
    """
    home = path if (path / "records").is_dir() else path.parent
    if not (home / "records").is_dir() or not any((home / name).exists() for name in COMMITTED):
        return
    skipped: list[str] = []
    files = render(make_board(each_record([home / "records"], skipped.append), skipped), home)
    for dataset in dict.fromkeys(scene.dataset for scene in read_scenes(home)):
        if not may_be_shown(dataset):
            yield (
                home / PICTURES,
                f"it has pictures of {dataset}, whose card does not say that they may be redistributed; remove it, and "
                "make the page anew without --pictures all.",
            )
    for name, content in files.items():
        found = home / name
        remedy = f"make it anew: topobench leaderboard {home / 'records'} -o {home}"
        if not found.exists() and name in COMMITTED:
            yield found, f"it is missing; {remedy}."
        elif found.exists() and found.read_bytes() != content:
            yield found, f"it is not what the records beside it give; {remedy}."
