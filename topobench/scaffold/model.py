"""A distribution with a model, a recipe that trains it, and a test that holds both to topobench's rules."""

from __future__ import annotations

import keyword
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from topobench.cards import NAME, plugin_of, shipped
from topobench.errors import ArgumentError
from topobench.files import write_atomic
from topobench.plugins import API_VERSION
from topobench.registry import BUILTINS

__all__ = ["Names", "model_files", "write_new"]

# path in the distribution -> template
FILES = {
    "pyproject.toml": "pyproject.toml.j2",
    "README.md": "README.md.j2",
    ".gitignore": "gitignore.j2",
    "{module}/__init__.py": "package.py.j2",
    "{module}/model.py": "model.py.j2",
    "{module}/{name}.toml": "recipe.toml.j2",
    "tests/test_{module}.py": "test.py.j2",
}


@dataclass(frozen=True)
class Names:
    """What a new thing is called: by topobench, as a package of Python, as a class."""

    name: str
    module: str
    class_name: str

    @classmethod
    def of(cls, name: str) -> Names:
        """Return the names that follow from that of a new model.

        ArgumentError where it is no name, where topobench has it, and where Python has a module so called.
        """
        if not re.fullmatch(NAME, name) or not name[0].isalpha():
            raise ArgumentError(
                f"NAME is {name!r}; wanted are small letters and digits, a letter first, single - _ . between them."
            )
        if name in BUILTINS["models"] or name in shipped("recipes"):
            raise ArgumentError(f"topobench has a model or recipe {name!r}, which comes before yours; take another.")
        if other := plugin_of("recipes", name):
            raise ArgumentError(f"there is a recipe {name!r} already, from {other.origin}; take another name.")
        words = re.split(r"[-_.]", name)
        module = "_".join(words)
        if keyword.iskeyword(module) or find_spec(module):
            raise ArgumentError(f"Python has a module or word {module!r}, as yours would be called; take another name.")
        return cls(name, module, "".join(word[:1].upper() + word[1:] for word in words))


def model_files(names: Names) -> dict[str, str]:
    """Return the files of a distribution with a model of that name: path -> text."""
    templates = Environment(
        loader=PackageLoader("topobench.scaffold"), undefined=StrictUndefined, keep_trailing_newline=True,
        trim_blocks=True, autoescape=False,
    )  # fmt: skip
    known = {**asdict(names), "api_version": API_VERSION}
    return {path.format(**known): templates.get_template(file).render(known) for path, file in FILES.items()}


def write_new(files: Mapping[str, str], folder: Path) -> None:
    """Write files into a folder that is not there yet: all of them, or none."""
    if folder.exists():
        raise ArgumentError(f"{folder} exists; remove it, or name another folder (-o).")
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    try:
        for path, text in files.items():
            write_atomic(half / path, text.encode())
        half.rename(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)
