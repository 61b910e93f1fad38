"""Protocols: every choice that turns a likelihood and a truth into figures, as their TOML files hold it."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from topobench.cards.schema import Count, File, Part, Strict, VariantName
from topobench.errors import UnknownNameError
from topobench.registry import names as registered
from topobench.registry import nearest

__all__ = ["OpenChoice", "Protocol", "variant_of"]

VARIANT = re.compile(r"(whole|[1-9][0-9]{0,4})(?:-c([48]))?|c([48])")


class OpenChoice(Strict):
    """Something that the source of a protocol leaves open, and what was fixed here."""

    question: str
    fixed: str


class Protocol(File):
    """Every choice that turns (likelihood, truth) into figures; `version` is raised whenever a figure changes.

    `sampling` says where Betti errors without ``_whole`` in their name are counted: in so many seeded random
    `patches` of `patch_size`, in a grid of such tiles, or on the whole image. `phase` and `connectivity` may be
    left out: then the argument counts, else the card. `columns` are the figures that tables show, `ranked_by` the
    one that orders them.
    """

    name: VariantName
    source: str
    measures: str
    open: tuple[OpenChoice, ...] = ()
    threshold: Part
    sampling: Literal["random", "grid", "whole"]
    patch_size: Count | None = None
    patches: Count | None = None
    frame: bool
    dimensions: Annotated[tuple[Literal[0, 1], ...], Field(min_length=1)]
    phase: Literal["regions", "structure"] | None = None
    connectivity: Literal[4, 8] | None = None
    figures: Annotated[tuple[str, ...], Field(min_length=1)]
    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    ranked_by: str

    @model_validator(mode="after")
    def _fits_together(self) -> Protocol:
        wanted = {"random": (True, True), "grid": (True, False), "whole": (False, False)}[self.sampling]
        if (self.patch_size is not None, self.patches is not None) != wanted:
            raise ValueError(
                f"sampling {self.sampling!r} takes {'a' if wanted[0] else 'no'} patch_size and "
                f"{'a' if wanted[1] else 'no'} number of patches"
            )
        for key in ("dimensions", "figures", "columns"):
            if len(set(getattr(self, key))) < len(getattr(self, key)):
                raise ValueError(f"{key!r} names something twice")
        known = registered("metrics")
        for figure in self.figures:
            if figure not in known:
                raise ValueError(f"no metric is named {figure!r}{nearest(figure, known)}")
        for figure in self.columns:
            if figure not in self.figures:
                raise ValueError(f"{figure!r} is among the columns, but not among the figures")
        if self.ranked_by not in self.columns:
            raise ValueError(f"{self.ranked_by!r} ranks, but is not among the columns")
        return self

    def changed(self, **choices: Any) -> Protocol:
        """Return the protocol with other choices, checked like a file; give it a name of its own where figures differ.

        ValueError for choices that are wrong or do not fit together.
        """
        return Protocol.model_validate({**self.model_dump(by_alias=True), **choices})


def variant_of(base: Protocol, variant: str) -> Protocol:
    """Return the protocol ``base:variant``: all as in `base`, but for where it counts, its connectivity, or both.

    Parameters
    ----------
    base : Protocol
        Not a variant itself.
    variant : str
        ``129``: in patches, or tiles, of 129 pixels a side. ``whole``: on the whole image. ``c4``, ``c8``: structure is
        4- or 8-connected. Both in this order: ``129-c4``, ``whole-c8``.

    Returns
    -------
    Protocol
        Of that name, with the version of `base`.

    Raises
    ------
    UnknownNameError
        For any other text, and for a choice that is the base's own: no two names mean the same.
    """
    if not (found := VARIANT.fullmatch(variant)):
        raise _no_variant(base, variant)
    where, connectivity = found[1], found[2] or found[3]
    asked: dict[str, Any] = {"connectivity": int(connectivity)} if connectivity else {}
    if where:
        asked = ({"sampling": "whole"} if where == "whole" else {"patch_size": int(where)}) | asked
    if "patch_size" in asked and base.sampling == "whole":
        raise _no_variant(base, variant, ", for it counts on whole images, in no patches")
    for key, choice in asked.items():
        if getattr(base, key) == choice:
            raise _no_variant(base, variant, f", for its {key} is {choice!r} anyway")
    without = {"patch_size": None, "patches": None} if "sampling" in asked else {}
    title = f"{base.name} with {', '.join(f'{key} = {json.dumps(choice)}' for key, choice in asked.items())}"
    return base.changed(name=f"{base.name}:{variant}", title=title, **asked, **without)


def _no_variant(base: Protocol, variant: str, why: str = "") -> UnknownNameError:
    """Return the error for a variant that a protocol does not have; it says which there are."""
    first, *other = [f"c{connectivity}" for connectivity in (4, 8) if connectivity != base.connectivity]
    known = " or ".join([first, *other])
    if base.sampling != "whole":
        known = (
            f"a patch size in pixels (other than {base.patch_size}, of five digits at most) or whole; {known}; or both "
            f"in this order: {base.name}:{2 * (base.patch_size or 1) - 1}-{first}"
        )
    return UnknownNameError(f"protocol {base.name!r} has no variant {variant!r}{why}. It has {known}.")
