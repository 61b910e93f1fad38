"""Commands that take several names: what is wrong with one keeps no other from its turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click

__all__ = ["each_of"]


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
        except OSError as error:
            click.echo(f"Error: {error.filename or name}: {error.strerror or error}.", err=True)
            codes.append(1)
    return max(codes)
