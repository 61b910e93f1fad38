"""The protocols that a command is given: by name, as files of one's own, or all that are shipped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from topobench.cards import Protocol

__all__ = ["chosen_protocols"]


def chosen_protocols(names: Sequence[str], phase: str | None = None, connectivity: str | None = None) -> list[Protocol]:
    """Return the protocols asked for; UsageError where a choice contradicts what one that was named fixes."""
    from topobench import cards

    named = [cards.load_protocol(name) for name in names if name != "all"]
    everything = [cards.load_protocol(name) for name in cards.names("protocols")] if "all" in names else []
    for protocol in named:
        if phase and protocol.phase not in (None, phase):
            raise click.UsageError(f"Protocol {protocol.name} fixes the phase to {protocol.phase}; leave out --phase.")
        if connectivity and protocol.connectivity not in (None, int(connectivity)):
            raise click.UsageError(
                f"Protocol {protocol.name} fixes the connectivity to {protocol.connectivity}; leave out --connectivity."
            )
    chosen: dict[str, Protocol] = {}
    for protocol in (*everything, *named):
        if chosen.setdefault(protocol.name, protocol) != protocol:
            raise click.UsageError(f"Two protocols that differ are named {protocol.name!r}; rename that in the file.")
    return list(chosen.values())
