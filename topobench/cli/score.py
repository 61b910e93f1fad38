"""`topobench score`: anybody's predictions, scored like a trained run."""

from __future__ import annotations

import click

__all__ = ["score"]


@click.command()
def score() -> None:
    """Score a folder of predictions."""
