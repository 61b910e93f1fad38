"""What to do where files are missing: the command that gets them, or where they are got by hand."""

from __future__ import annotations

import shlex
from pathlib import Path

from topobench.cards import Card, folder

__all__ = ["access", "command", "how_to_get", "weights_command"]


def how_to_get(card: Card, data_dir: str | Path | None = None, asked: str = "") -> str:
    """Return in words how one gets a data set: by the command that downloads it, or by hand from where."""
    if card.downloads:
        return f"`{command('fetch', card, data_dir, asked)}` downloads what is missing."
    return access(card)


def command(verb: str, card: Card, data_dir: str | Path | None = None, asked: str = "") -> str:
    """Return what to type for ``topobench data`` and a verb, so that it is about this card in this folder.

    `asked` is what the card was asked for by, where that is known; else it is its name, or its file's.
    """
    name, _, variant = card.name.partition(":")
    file = card.name if (folder("datasets") / f"{name}.toml").is_file() else f"{name}.toml{variant and ':'}{variant}"
    return f"topobench data {verb} {shlex.quote(asked or file)}{_where(None if card.folder else data_dir)}"


def access(card: Card) -> str:
    """Return in words how one gets a data set by hand."""
    home = f"Home page: {card.homepage}." if card.homepage else ""
    return " ".join(f"{card.access} {home}".split()) or "Its card does not say where it is got."


def weights_command(verb: str, name: str, data_dir: str | Path | None = None) -> str:
    """Return what to type for ``topobench data`` and a verb, so that it is about these weights in this folder."""
    return f"topobench data {verb} {name}{_where(data_dir)}"


def _where(data_dir: str | Path | None) -> str:
    return "" if data_dir is None else f" --data-dir {shlex.quote(str(data_dir))}"
