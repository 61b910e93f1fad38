"""Pretrained weights that the parts of a recipe want: known before any of them is made."""

from __future__ import annotations

from topobench.cards.schema import Choice
from topobench.errors import TopobenchError
from topobench.registry import load

__all__ = ["weights_of"]


def weights_of(kind: str, choice: Choice) -> str:
    """Return the name of the weights that a model or loss wants; empty where none, or where it will fail anyway."""
    try:
        name = getattr(load(kind, choice.name), "pretrained_weights", "")
    except TopobenchError:  # an unknown name, a plugin that does not load: its runs say so, and the others go on
        return ""
    return str(name) if choice.options.get("pretrained", True) else ""
