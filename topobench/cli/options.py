"""Options that several commands share."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = [
    "INDICES",
    "LIKELIHOOD",
    "OPTION",
    "data_dir",
    "options_of",
    "output",
    "partial",
    "pictures",
    "plugin",
]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


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


class _Option(click.ParamType[tuple[str, Any]]):
    """``KEY=VALUE``, the value as in a recipe (TOML): ``patch_size=33``, ``dimensions=[0,1]``; a bare word is text.

    But True, False and None are what they are in Python, where options are shown so.
    """

    name = "KEY=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        if isinstance(value, tuple):
            return value
        key, _, text = (part.strip() for part in str(value).partition("="))
        if not re.fullmatch(r"[^\W\d]\w*", key) or not text:
            self.fail(f"{value!r} is no option; write KEY=VALUE, for example patch_size=33.", param, ctx)
        if text in ("True", "False", "None"):
            return key, {"True": True, "False": False, "None": None}[text]
        try:
            return key, _toml_value(text)
        except ValueError:
            if re.fullmatch(r"[^\W\d][\w.-]*", text):
                return key, text
            self.fail(
                f"{text!r} is no value; write a number, true, false, a word, a text in double quotes, or a list such "
                "as [0,1].", param, ctx,
            )  # fmt: skip


def _toml_value(text: str) -> Any:
    """Return what a text means as the value of a key in TOML; ValueError where it means nothing, or more than that."""
    table = tomllib.loads(f"value = {text}")
    if list(table) != ["value"]:
        raise ValueError(text)
    return table["value"]


INDICES = _Indices()
LIKELIHOOD = _Likelihood(0, 1)
OPTION = _Option()


def _as_dict(_: click.Context, parameter: click.Parameter, pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return options as a dict; BadParameter where one is given twice."""
    keys = [key for key, _ in pairs]
    if twice := [key for key in keys if keys.count(key) > 1]:
        raise click.BadParameter(f"{twice[0]!r} is given twice.", param=parameter)
    return dict(pairs)


def options_of(kind: str) -> Callable[[Decorated], Decorated]:
    """Return the command-line option by which the options of a model, a loss ... are given."""
    return click.option(
        "--option", "options", type=OPTION, multiple=True, callback=_as_dict, metavar="KEY=VALUE",
        help=f"Option of the {kind}, as in a recipe, e.g. dimensions=[0,1]. May be repeated.",
    )  # fmt: skip


data_dir = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Folder with one sub-folder a data set. Default: $TOPOBENCH_DATA, else the user's cache.",
)

partial = click.option(
    "--partial", is_flag=True, help="Go on with those images of a data set that are there; records say how many."
)


def _name_plugins(context: click.Context, parameter: click.Parameter, files: Sequence[Path]) -> None:
    """Name files of plugins in the environment, where processes that are begun find them; ArgumentError for no such."""
    from topobench.cards import why_unused
    from topobench.errors import ArgumentError
    from topobench.plugins import FILES, located, read_plugins

    if not files:
        return
    before = os.environ.get(FILES)
    paths = [str(located(file)) for file in files]
    if strange := [path for path in paths if os.pathsep in path]:
        raise click.BadParameter(f"{strange[0]} has a {os.pathsep!r} in its path; rename it.", param=parameter)
    os.environ[FILES] = os.pathsep.join([*paths, *([before] if before else [])])
    root = context.find_root()  # which is closed also where a later argument is wrong
    root.call_on_close(lambda: os.environ.update({FILES: before}) if before else os.environ.pop(FILES, None))
    for plugin in (plugin for path in paths for plugin in read_plugins(Path(path))):
        if useless := why_unused(plugin):
            raise ArgumentError(f"{plugin} cannot be used: {useless}.")


plugin = click.option(
    "--plugin", multiple=True, type=click.Path(path_type=Path), metavar="FILE.py", expose_value=False, is_eager=True,
    callback=_name_plugins,
    help="A Python file with models, losses ... of your own, which says so in a table PLUGINS; may be repeated. Others "
    "are found where they are installed, or named by $TOPOBENCH_PLUGINS.",
)  # fmt: skip

pictures = click.option(
    "--pictures", type=click.Choice(["free", "all", "none"]), default="free", show_default=True,
    envvar="TOPOBENCH_PICTURES",
    help="Of which data sets the leaderboard shows pictures: of those that may be redistributed, all, or none.",
)  # fmt: skip

output = click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), default=Path("topobench-out"),
    show_default=True, help="Folder for records, checkpoints and the leaderboard.",
)  # fmt: skip
