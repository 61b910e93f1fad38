"""The rules for what is shipped: a recipe, card or protocol of a version is what the shipped file of it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar

from topobench.cards import Card, Recipe, load_card, load_recipe, shipped_protocol
from topobench.errors import CardError, UnknownNameError
from topobench.leaderboard.audit.findings import Finding, Found, some
from topobench.scores import protocol_settings

__all__ = ["VERSIONS", "Shipped"]

Loaded = TypeVar("Loaded")


class Shipped:
    """What this topobench ships, by name: each file is read once an audit. None for what it does not ship."""

    def __init__(self) -> None:
        self.recipe = cache(_recipe)
        self.card = cache(_card)
        self.protocol = cache(shipped_protocol)
        self.settings = cache(self._settings)

    def _settings(self, name: str, phase: str, connectivity: int) -> dict[str, Any]:
        """Return what a record keeps of a shipped protocol."""
        [settings] = protocol_settings([name], phase, connectivity).values()
        return settings


def _recipe(name: str) -> Recipe | None:
    """Return a recipe; ``NAME-xFACTOR`` is that of a suite with factors."""
    if recipe := _shipped(load_recipe, name):
        return recipe
    scaled = re.fullmatch(r"(.+)-x([0-9.]+(?:e[+-]?[0-9]+)?)", name)
    base = _shipped(load_recipe, scaled[1]) if scaled else None
    try:
        return base.scaled(float(scaled[2])) if base and scaled else None
    except (CardError, ValueError):  # of one term alone, or not a number
        return None


def _card(name: str) -> Card | None:
    return _shipped(load_card, name)


def _shipped(load: Callable[[str], Loaded], name: str) -> Loaded | None:
    """Return what is shipped of that name; a record must not lead to a file of somebody's own."""
    try:
        return None if ".toml" in name else load(name)
    except UnknownNameError:
        return None


def recipe_as_shipped(found: Found, shipped: Shipped) -> Iterator[Finding]:
    """A trained record's recipe is the one of its name and version."""
    kept = found.record.recipe
    if found.record.kind == "trained":
        recipe = shipped.recipe(kept["name"])
        yield from _compared(found, "recipe", kept, recipe.identity() if recipe else None)


def card_as_shipped(found: Found, shipped: Shipped) -> Iterator[Finding]:
    """A record's card is the one of its name and version, or a part of it that says how large it is."""
    kept, card = found.record.card, shipped.card(found.record.card["name"])
    part = {key: kept[key] for key in ("images",) if key in kept}
    yield from _compared(found, "card", kept, {**card.identity(), **part} if card else None)
    if card and part and not _is_part(part["images"], card.count):
        yield found.fault(f"its card says images {part['images']!r}; it must be how many of {card.count}.")


def _is_part(text: object, count: int) -> bool:
    part = re.fullmatch(rf"(\d{{1,9}}) of {count}", str(text))
    return part is not None and 0 < int(part[1]) != count


def _compared(found: Found, what: str, kept: dict[str, Any], now: dict[str, Any] | None) -> Iterator[Finding]:
    """Yield what is to be said of a recipe or card beside what is shipped."""
    named = f"its {what} {kept['name']!r}"
    if now is None:
        yield found.notice(f"{named} is not shipped with topobench; whoever wants to repeat it needs the file.")
    elif kept["version"] > now["version"]:
        yield found.fault(_newer(named, kept["version"], now["version"]))
    elif kept["version"] < now["version"]:
        yield found.notice(f"{named} is outdated: version {kept['version']}, and now it is {now['version']}.")
    elif kept != now:
        yield found.fault(_changed(named, kept, now))


def protocols_as_shipped(found: Found, shipped: Shipped) -> Iterator[Finding]:
    """Figures are by the shipped version of a protocol, with its choices completed by the card's."""
    if not found.record.finished:
        return
    for name, kept in found.record.protocols.items():
        named, protocol = f"its protocol {name!r}", shipped.protocol(name)
        if protocol is None:
            yield found.notice(f"{named} is not shipped with topobench; whoever wants to repeat it needs the file.")
        elif kept["version"] > protocol.version:
            yield found.fault(_newer(named, kept["version"], protocol.version))
        elif kept["version"] < protocol.version:
            yield found.fault(
                f"{named} is of version {kept['version']}, and now it is {protocol.version}; rescore (topobench "
                "rescore, or topobench score for predictions)."
            )
        elif kept != (now := shipped.settings(name, *_of_the_card(found, kept, shipped))):
            yield found.fault(_changed(named, kept, now))


def _of_the_card(found: Found, kept: dict[str, Any], shipped: Shipped) -> tuple[str, int]:
    """Return phase and connectivity of the data, which count where a protocol leaves them open.

    A record does not keep the phase of a card that is not shipped: what its figures were computed with is taken.
    """
    card, own = shipped.card(found.record.card["name"]), found.record.card
    phase = card.phase if card else own.get("phase", kept.get("phase"))
    connectivity = own.get("connectivity", kept.get("connectivity"))
    return phase if phase == "structure" else "regions", 4 if connectivity == 4 else 8


def _newer(named: str, version: int, known: int) -> str:
    return (
        f"{named} is of version {version}, and this topobench ships {known}; audit it with the topobench that made it."
    )


def _changed(named: str, kept: dict[str, Any], now: dict[str, Any]) -> str:
    """Return the fault of something that differs from the shipped one of the same version."""
    differing = [key for key in {**kept, **now} if kept.get(key) != now.get(key)]
    return (
        f"{named} is not what is shipped of version {kept['version']}: {some(differing)}. It was changed without "
        "raising the version; give it another name, or raise the version of the shipped file."
    )


VERSIONS: tuple[Callable[[Found, Shipped], Iterator[Finding]], ...] = (
    recipe_as_shipped, card_as_shipped, protocols_as_shipped,
)  # fmt: skip
