"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["INDICES", "LIKELIHOOD", "data_dir", "output"]


class _Indices(click.ParamType[tuple[int, ...]]):
    """A list of indices: ``0``, ``0,2``."""

    name = "LIST"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        parts = str(value).split(",")
        if not all(part.strip().isdecimal() for part in parts):
            self.fail(f"{value!r} is not a list of indices; write for example 0 or 0,2.", param, ctx)
        return tuple(dict.fromkeys(int(part) for part in parts))


class _Likelihood(click.FloatRange):
    """A number in [0, 1]; NaN, which no comparison refuses, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = super().convert(value, param, ctx)
        if number != number:
            self.fail(f"{value} is not in the range 0<=x<=1.", param, ctx)
        return float(number)


INDICES = _Indices()
LIKELIHOOD = _Likelihood(0, 1)

data_dir = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Folder with one sub-folder a data set. Default: $TOPOBENCH_DATA, else the user's cache.",
)

output = click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path("topobench-out"), show_default=True,
    help="Folder for records, checkpoints and the leaderboard.",
)  # fmt: skip
