"""`topobench data`: getting data, what is on disk, what its truth is like, and cards for what is one's own."""

from __future__ import annotations

import click

from topobench.cli.card import new_card
from topobench.cli.fetch import fetch
from topobench.cli.inspection import inspect
from topobench.cli.status import status
from topobench.cli.verify import verify

__all__ = ["data"]


@click.group()
def data() -> None:
    """Data sets on disk."""


for command in (status, fetch, verify, inspect, new_card):
    data.add_command(command)
