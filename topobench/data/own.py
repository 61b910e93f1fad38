"""The card of images and masks of one's own: by a rule that suits masks, or by a guess that is to be checked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

from topobench.cards import Card, Folds, Labels, Validity
from topobench.data.survey import Survey
from topobench.errors import ArgumentError, DataError

__all__ = ["binary_labels", "card_of", "card_text", "guessed_labels", "slug"]

MANY = 16  # different label values from which on they are taken for ids of regions
SPACE = "\n# "


def binary_labels(found: Survey) -> Labels:
    """Return the rule of masks in which all but 0 is structure; DataError where they have not two values."""
    _check_two(found)
    highest = max(found.values)
    if set(found.values) - {0, highest} or highest not in (0, 1, 255, 65535):
        some = sorted(found.values)[:5]
        strange = min(found.values, key=lambda value: (value in (0, 255), found.values[value]))
        raise DataError(
            f"the masks {found.folder / found.patterns[1]} have {len(found.values)} values, such as {some} "
            f"({found.first[strange]} has {strange}); wanted are two: 0 and 1, 0 and 255, or 0 and 65535. To say which "
            "values mean structure, write a card: topobench data new NAME --images DIR --masks DIR."
        )
    return Labels(rule="values", structure=(highest,), background=(0,))


def guessed_labels(found: Survey) -> Labels:
    """Return the rule that label values suggest: a guess, for somebody to check.

    Of two values the rarer is structure, for structure is thin; JPEG masks get a threshold; many values are ids, and 0
    lies between them; of a few, all but the most frequent are structure.
    """
    _check_two(found)
    if found.lossy and len(found.values) > 2:
        return Labels(rule="threshold", above=127)
    if len(found.values) > MANY:
        return Labels(rule="ids", thickness=2, structure=(0,) if 0 in found.values else ())
    [(most, _), *rest] = found.values.most_common()
    return Labels(rule="values", structure=tuple(sorted(value for value, _ in rest)), background=(most,))


def _check_two(found: Survey) -> None:
    if len(found.values) < 2:
        [value] = found.values
        raise DataError(f"all masks hold the value {value} alone; there is nothing to tell structure by.")


def card_of(
    name: str, found: Survey, labels: Labels, connectivity: Literal[4, 8] = 8,
    phase: Literal["regions", "structure"] = "regions",
) -> Card:  # fmt: skip
    """Return the card of folders that were surveyed; ArgumentError for a single image, which makes no folds."""
    if found.count < 2:
        raise ArgumentError(
            f"{found.folder} holds one image; at least 2 are wanted, to train on one and score another."
        )
    valid = {"valid": found.patterns[2]} if found.valid_values else {}
    part = {"images": found.patterns[0], "labels": found.patterns[1], **valid, "count": found.count}
    return Card(
        schema=1, name=name, version=1, title=f"Images of {found.folder.name}", adapter="paired_folders",
        connectivity=connectivity, phase=phase, count=found.count, shapes=found.shapes, channels=found.channels,
        labels=labels, validity=_validity(found), folds=Folds(rule="contiguous", count=min(3, found.count)),
        layout={"parts": [part]}, licence="", redistributable=False, folder=str(found.folder),
    )  # fmt: skip


def slug(text: str) -> str:
    """Return a text as a card may be named: small letters and digits, single hyphens; ``own`` where nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "own"


def card_text(card: Card, found: Survey) -> str:
    """Return a card as TOML, with what was found and what to check as comments."""
    text = "\n".join(_lines(card, found)) + "\n"
    return re.sub(r"\n{3,}", "\n\n", text)


def _validity(found: Survey) -> Validity | None:
    """Return the rule of validity masks: the highest value is inside, the lowest outside."""
    if not found.valid_values:
        return None
    lowest, highest = min(found.valid_values), max(found.valid_values)
    if len(found.valid_values) != 2:
        some = sorted(found.valid_values)[:5]
        raise DataError(f"the validity masks have {len(found.valid_values)} values, such as {some}; wanted are two.")
    return Validity(rule="mask", inside=(highest,), outside=(lowest,))


def _lines(card: Card, found: Survey) -> Iterator[str]:
    """Yield the lines of a card's TOML, top to bottom."""
    yield from (f"{key} = {_toml(value)}" for key, value in _head(card).items())
    pixels = found.values.total()
    shares = SPACE.join(
        f"{value}: {100 * number / pixels:.2f} % of the pixels, first in {found.first[value]}"
        for value, number in found.values.most_common(MANY)
    )
    more = f"{SPACE}and {len(found.values) - MANY} more" if len(found.values) > MANY else ""
    yield f"\n# CHECK: which label values mean structure? Found, over all masks:{SPACE}{shares}{more}"
    yield from _table("labels", card.labels)
    yield from _table("validity", card.validity)
    yield (
        f"\n# Images that depend on each other (crops of one photo, neighbouring sections) should be one unit:{SPACE}"
        "[units]   with   block = 5   or   pattern = '^([^-]+)'"
    )
    yield from _table("folds", card.folds)
    for part in card.layout["parts"]:
        yield "\n[[layout.parts]]"
        yield from (f"{key} = {_toml(value)}" for key, value in part.items())


def _head(card: Card) -> dict[str, Any]:
    kept = (
        "schema", "name", "version", "title", "adapter", "connectivity", "phase", "count", "shapes", "channels",
        "licence", "redistributable", "folder",
    )  # fmt: skip
    return {key: card.model_dump(by_alias=True)[key] for key in kept}


def _table(name: str, table: Labels | Validity | Folds | None) -> Iterator[str]:
    if table is not None:
        yield f"\n[{name}]"
        yield from (f"{key} = {_toml(value)}" for key, value in table.model_dump(exclude_defaults=True).items())


def _toml(value: Any) -> str:
    """Return a text, number, truth value, or list of them as TOML, which agrees with JSON on these but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
