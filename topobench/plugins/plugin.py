"""A plugin, before it is loaded: what is offered under which name, and whose it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["GROUP", "KINDS", "Plugin"]

GROUP = "topobench."  # of entry points, and behind it the kind

KINDS = ("models", "losses", "adapters", "metrics", "cards", "recipes", "nulls", "backends")


@dataclass(frozen=True)
class Plugin:
    """Something that somebody offers under a name.

    Attributes
    ----------
    kind : one of `KINDS`, or what somebody took for one
    name : what recipes, cards and commands call it
    value : ``module:object``; of a file the object alone; of cards and recipes where the TOML file lies
    owner, version : of the distribution; of a file its path, and no version
    makers : where the makers are found, an address or a name; may be empty
    file : the Python file, or None
    """

    kind: str
    name: str
    value: str
    owner: str
    version: str = ""
    makers: str = ""
    file: Path | None = None

    @property
    def origin(self) -> str:
        """From whom it comes, in words: ``my-package 1.2``, or the path of a file."""
        return f"{self.owner} {self.version}".strip()

    @property
    def advice(self) -> str:
        """What to do where it cannot be used, as a sentence."""
        if self.file:
            return "Mend it, or leave it out."
        return f"Mend or uninstall {self.owner}" + (f", or tell its makers: {self.makers}." if self.makers else ".")

    def __str__(self) -> str:
        return f"the plugin {self.name!r} ({self.value}, from {self.origin})"
