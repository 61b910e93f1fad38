"""Where cards, recipes, suites and protocols are found, and reading them.

They are read from disk at every call, so that an edited file counts at once. In a wheel they lie inside the
package; in a checkout they lie beside it, in ``datasets/``, ``baselines/`` and ``protocols/``. Cards and recipes are
also those of plugins, and a shipped one comes before them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from os.path import isfile
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from topobench.cards.datasets import Card
from topobench.cards.protocols import Protocol, variant_of
from topobench.cards.recipes import Recipe, Suite
from topobench.cards.schema import NAME, File, faults_of
from topobench.errors import ArgumentError, CardError, UnknownNameError
from topobench.files import read_toml
from topobench.plugins import GROUP, KINDS, Plugin, find, plugins_of, toml_of
from topobench.registry import BUILTINS, OURS, nearest, unknown_name

__all__ = [
    "PLACES", "folder", "load_card", "load_protocol", "load_recipe", "load_suite", "names", "origin_of", "plugin_of",
    "read", "shipped", "shipped_protocol", "text_of", "why_unused",
]  # fmt: skip

Read = TypeVar("Read", bound=File)

# kind -> (folder of the distribution, sub-folder of it)
PLACES = {
    "datasets": ("datasets", ""),
    "recipes": ("baselines", ""),
    "suites": ("baselines", "suites"),
    "protocols": ("protocols", ""),
}
OFFERED = {"datasets": "cards", "recipes": "recipes"}  # of which there are plugins, and what these are called


def folder(kind: str) -> Path:
    """Return the folder of what is shipped of a kind (a key of `PLACES`): in the package, else beside it."""
    top, below = PLACES[kind]
    package = Path(__file__).parents[1]
    if (package / top).is_dir():
        return package / top / below
    if (package.parent / "pyproject.toml").is_file() and (package.parent / top).is_dir():
        return package.parent / top / below
    raise CardError(f"topobench's {top}/ lies neither in {package} nor beside it; install topobench again.")


def shipped(kind: str) -> list[str]:
    """Return the names of all that is shipped of a kind (a key of `PLACES`), sorted; of data sets also the variants."""
    return sorted(name for stem, path in _files(kind).items() for name in (stem, *_variants(kind, path)))


def names(kind: str) -> list[str]:
    """Return the names of all that there is of a kind, shipped or of plugins, sorted; data sets with their variants."""
    offered = {name for plugin in _plugins_of(kind) for name in (plugin.name, *_variants(kind, _lies(plugin)))}
    return sorted({*shipped(kind), *offered})


def plugin_of(kind: str, name: str) -> Plugin | None:
    """Return the plugin that a card or recipe of that name is of; None for what is shipped, and for what there is not.

    ArgumentError where several offer the name.
    """
    stem = name.partition(":")[0]
    return None if kind not in OFFERED or stem in _files(kind) else find(OFFERED[kind], stem)


def origin_of(kind: str, name: str) -> str:
    """Return from which distribution and version a name of a kind comes, or from which file."""
    plugin = plugin_of(kind, name)
    return plugin.origin if plugin else OURS


def why_unused(plugin: Plugin) -> str:
    """Return why nobody gets a plugin by its name, as the end of a sentence; an empty text where one can.

    ArgumentError where several have its name.
    """
    if plugin.kind not in KINDS:
        return (
            f"there is no group {GROUP + plugin.kind!r}{nearest(GROUP + plugin.kind, [GROUP + kind for kind in KINDS])}"
        )
    if not re.fullmatch(NAME, plugin.name):
        return "a name must consist of small letters and digits, with single - _ . between them"
    listed = {plural: kind for kind, plural in OFFERED.items()}.get(plugin.kind)
    if plugin.name in (_files(listed) if listed else BUILTINS[plugin.kind]):
        return "a built-in of this name comes before it; give it another"
    first = find(plugin.kind, plugin.name)
    return f"{first} comes before it" if first and first != plugin else ""


def text_of(kind: str, name: str) -> str:
    """Return the text of the file that a name stands in; CardError where it cannot be read."""
    path = _path(kind, name)
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CardError(f"{path} cannot be read: {error.strerror}.") from error


def load_card(name: str) -> Card:
    """Return the card of that name, or in the file ``*.toml``; UnknownNameError or CardError say what is wrong.

    ``name:variant`` is the card with the keys of that variant; ``file.toml:variant`` likewise.
    """
    file, _, variant = name.rpartition(":") if ".toml:" in name else (name, "", "")
    if not file.endswith(".toml"):
        _, _, variant = name.partition(":")
        path = _path("datasets", name)
        if ":" in name and name not in _variants("datasets", path):
            raise unknown_name("datasets", name, names("datasets"))
    else:
        path = Path(file)
    card = read(path, Card, variant)
    return card.model_copy(update={"folder": str((path.parent / card.folder).resolve())}) if card.folder else card


def load_recipe(name: str) -> Recipe:
    """Return the recipe of that name, or in the file ``*.toml``; UnknownNameError or CardError say what is wrong."""
    return _load("recipes", Recipe, name)


def load_suite(name: str) -> Suite:
    """Return the suite of that name, or in the file ``*.toml``; UnknownNameError or CardError say what is wrong."""
    return _load("suites", Suite, name)


def load_protocol(name: str) -> Protocol:
    """Return the protocol of that name, or in the file ``*.toml``; UnknownNameError or CardError say what is wrong.

    ``name:variant`` is a shipped one but for where it counts, or its connectivity (`variant_of`). Files have none.
    """
    if name.endswith(".toml") or ":" not in name:
        return _load("protocols", Protocol, name)
    if ".toml:" in name:
        raise UnknownNameError(
            f"{name!r} is no protocol: a file has no variants. Write another file, with another name and other choices."
        )
    base, _, variant = name.partition(":")
    return variant_of(_load("protocols", Protocol, base), variant)


def shipped_protocol(name: str) -> Protocol | None:
    """Return the protocol that is shipped under a name, or a variant of one; None where there is none such."""
    if name.partition(":")[0] not in shipped("protocols"):
        return None
    try:
        return load_protocol(name)
    except UnknownNameError:
        return None


def read(path: Path, schema: type[Read], variant: str = "") -> Read:
    """Return what a file holds; CardError names the file, every wrong key, and the nearest known."""
    table = read_toml(path)
    if variant:
        table = _varied(path, table, variant)
    try:
        found = schema.model_validate_json(json.dumps(table, default=str), strict=True)
    except ValidationError as error:
        what = f"the variant {variant!r} of {path}" if variant else str(path)
        raise CardError(f"{what} is not a valid {schema.__name__.lower()}: {faults_of(error, schema)}.") from error
    if not variant and ":" in found.name:
        raise CardError(f"{path} names itself {found.name!r}; names with a colon are those of variants, not of files.")
    name = found.name.removesuffix(f":{variant}") if variant else found.name
    if name != path.stem:
        raise CardError(f"{path} names itself {name!r}; the name and the file must agree: {name}.toml.")
    return found


def _load(kind: str, schema: type[Read], name: str) -> Read:
    return read(Path(name) if name.endswith(".toml") else _path(kind, name), schema)


def _path(kind: str, name: str) -> Path:
    """Return the file that a name stands in; UnknownNameError says what there is, CardError whose file is missing."""
    if path := _files(kind).get(name.partition(":")[0]):
        return path
    if plugin := plugin_of(kind, name):
        return _sure(plugin)
    unknown = unknown_name(kind, name, names(kind))
    if isfile(f"{name}.toml"):  # noqa: PTH113 - of Path it raises where a name is too long for a file
        raise UnknownNameError(f"{unknown} The file {name}.toml lies here; name it with its ending.")
    raise unknown


def _files(kind: str) -> dict[str, Path]:
    """Return the files of what is shipped of a kind, by their names."""
    return {path.stem: path for path in folder(kind).glob("*.toml")}


def _sure(plugin: Plugin) -> Path:
    """Return the file of a plugin's card or recipe; CardError where it is not there."""
    try:
        path = toml_of(plugin)
    except ArgumentError as error:
        raise CardError(str(error)) from error
    if path.stem != plugin.name or not path.is_file():
        raise CardError(f"{plugin} must lie in {path.with_name(plugin.name)}.toml, and does not. {plugin.advice}")
    return path


def _plugins_of(kind: str) -> list[Plugin]:
    return plugins_of(OFFERED[kind]) if kind in OFFERED else []


def _lies(plugin: Plugin) -> Path:
    """Return the file of a plugin's card or recipe, or an empty path where it is not there."""
    try:
        return _sure(plugin)
    except CardError:
        return Path()


def _variants(kind: str, path: Path) -> Iterator[str]:
    """Yield the names of a card's variants; none of a file that cannot be read, which its own name will say."""
    if kind != "datasets":
        return
    try:
        found = read_toml(path).get("variants")
    except CardError:
        return
    yield from (f"{path.stem}:{variant}" for variant in (found if isinstance(found, dict) else ()))


def _varied(path: Path, table: dict[str, Any], variant: str) -> dict[str, Any]:
    """Return a card's table with the keys of a variant in place of its own; tables within are replaced, not merged.

    Only the layout is merged, key by key: a variant says which of its options differ.
    """
    variants = table.get("variants")
    known = (
        {name: keys for name, keys in variants.items() if isinstance(keys, dict)} if isinstance(variants, dict) else {}
    )
    if variant not in known:
        raise CardError(f"{path} has no variant {variant!r}; it has: {', '.join(known) or 'none'}.")
    changes = {"layout": {}, **known[variant]}
    own = table.get("layout", {})
    both = isinstance(own, dict) and isinstance(changes["layout"], dict)
    layout = {**own, **changes["layout"]} if both else changes["layout"]  # what is no table is named when it is checked
    rest = {key: value for key, value in table.items() if key != "variants"}
    return {**rest, **changes, "layout": layout, "name": f"{table.get('name', path.stem)}:{variant}"}
