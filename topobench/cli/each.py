"""Commands that take several names: what is wrong with one keeps no other from its turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from topobench.cards import Card

__all__ = ["each_of", "known_card"]


def each_of(names: Iterable[str], work: Callable[[str], int]) -> int:
    """Do the work for each name, and return the highest exit code; an error is a line on standard error."""
    from topobench.errors import TopobenchError

    codes = [0]
    for name in names:
        try:
            codes.append(work(name))
        except TopobenchError as error:
            click.echo(f"Error: {error}", err=True)
            codes.append(error.exit_code)
        except BrokenPipeError:  # nobody listens any more
            raise
        except OSError as error:
            click.echo(f"Error: {error.filename or name}: {error.strerror or error}.", err=True)
            codes.append(1)
    return max(codes)


def known_card(name: str) -> Card:
    """Return the card of a name; the error for a name that is none knows of weights, too, which stand beside data."""
    from topobench.cards import load_card, names
    from topobench.data.fetch import WEIGHTS
    from topobench.errors import UnknownNameError
    from topobench.registry import unknown_name

    try:
        return load_card(name)
    except UnknownNameError:
        raise unknown_name("datasets", name, [*names("datasets"), *WEIGHTS]) from None
