"""Cards (data sets), recipes (baselines), suites and protocols: what their TOML files hold, and where they are found.

They are read from disk at every call, so that an edited file counts at once. In a wheel they lie inside the
package; in a checkout they lie beside it, in ``datasets/``, ``baselines/`` and ``protocols/``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from topobench.errors import CardError
from topobench.files import read_toml
from topobench.registry import names as registered
from topobench.registry import nearest, unknown_name

__all__ = [
    "Budget",
    "Card",
    "Count",
    "DataFile",
    "Folds",
    "LossTerm",
    "ModelChoice",
    "OpenChoice",
    "Protocol",
    "Published",
    "Recipe",
    "Suite",
    "faults_of",
    "folder",
    "load_card",
    "load_protocol",
    "load_recipe",
    "load_suite",
    "names",
    "read",
]  # fmt: skip

Name = Annotated[str, Field(pattern=r"^[a-z0-9]+([-_.][a-z0-9]+)*$")]
Part = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1)]


class Strict(BaseModel):
    """A table in which every key is known, frozen once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Choice(BaseModel):
    """A name from the registry; every further key is an option of what bears the name."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)
    name: Name

    @property
    def options(self) -> dict[str, Any]:
        """The keys that topobench hands on as they are."""
        return dict(self.model_extra or {})


class DataFile(Strict):
    """A file of a data set; `sha256` lists the known releases of it."""

    name: str
    sha256: tuple[str, ...] = ()


class Folds(Strict):
    """How images are split: fold k scores the k-th contiguous part, in the card's order, and trains on the rest."""

    rule: Literal["contiguous"]
    count: Annotated[int, Field(ge=2)]


class File(Strict):
    """What cards, recipes and suites have in common."""

    schema_: Literal[1] = Field(alias="schema")
    name: Name
    version: Count
    title: str
    description: str = ""


class Card(File):
    """A data set: where it comes from, how its labels are read, how it is split.

    `connectivity` is that of the structure, `phase` says which components Rand and VOI label; `layout` holds the
    options of the adapter; `access` says how one gets the files.
    """

    adapter: str
    connectivity: Literal[4, 8]
    phase: Literal["regions", "structure"]
    count: Count
    shape: tuple[Count, Count]
    folds: Folds
    layout: dict[str, Any] = {}
    files: tuple[DataFile, ...] = ()
    homepage: str = ""
    licence: str
    redistributable: bool
    access: str = ""
    citation: str = ""
    pixel_size_nm: tuple[float, float] | None = None

    def identity(self) -> dict[str, Any]:
        """Return what changes a run when it changes; titles, terms and citations do not."""
        return self.model_dump(mode="json", include={"name", "version", "adapter", "layout", "folds"})


class ModelChoice(Choice):
    """The model of a recipe and its options."""


class LossTerm(Choice):
    """One term of a recipe's loss.

    Its weight is 0 before the part `start` of the run's steps, then rises linearly to `weight` over the part
    `ramp`; further keys are options of the loss.
    """

    weight: Annotated[float, Field(gt=0.0)]
    start: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    ramp: Part = 0.0

    @model_validator(mode="after")
    def _reaches_its_weight(self) -> LossTerm:
        if self.start + self.ramp > 1 + 1e-9:
            raise ValueError(
                f"loss {self.name!r} starts at {self.start:g} of the run and rises over {self.ramp:g} of it, so it "
                "never reaches its weight; start + ramp must be at most 1"
            )
        return self


class Budget(Strict):
    """What every run of a suite may spend: steps of batches of square crops (pixels a side)."""

    steps: Count
    batch: Count
    crop: Count


class Published(Strict):
    """Figures that somebody published for this baseline: a value, or the ends of a range."""

    source: str
    table: str
    row: str
    dataset: str
    figures: dict[str, float | tuple[float, float]]
    note: str = ""


class Recipe(File):
    """A baseline: a model, the terms of its loss, how it is trained (Adam), what was published about it."""

    model: ModelChoice
    loss: Annotated[tuple[LossTerm, ...], Field(min_length=1)]
    learning_rate: Annotated[float, Field(gt=0.0)]
    budget: Budget
    source: str
    published: tuple[Published, ...] = ()

    def identity(self) -> dict[str, Any]:
        """Return what changes a run when it changes; titles, sources and published figures do not."""
        return self.model_dump(mode="json", include={"name", "version", "model", "loss", "learning_rate"})


class Suite(File):
    """Which recipes run on which data sets, folds and seeds, with what budget, scored by which protocols.

    `nulls` are the rules without training that every leaderboard shows beside the models. Without a `budget`
    each recipe's own counts.
    """

    recipes: Annotated[tuple[Name, ...], Field(min_length=1)]
    datasets: Annotated[tuple[Name, ...], Field(min_length=1)]
    folds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    protocols: Annotated[tuple[Name, ...], Field(min_length=1)]
    nulls: tuple[Name, ...] = ()
    budget: Budget | None = None


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


Read = TypeVar("Read", Card, Recipe, Suite, Protocol)

# kind -> (folder of the distribution, sub-folder of it)
PLACES = {
    "datasets": ("datasets", ""),
    "recipes": ("baselines", ""),
    "suites": ("baselines", "suites"),
    "protocols": ("protocols", ""),
}


def folder(kind: str) -> Path:
    """Return the folder of what is shipped of a kind (a key of `PLACES`): in the package, else beside it."""
    top, below = PLACES[kind]
    package = Path(__file__).parent
    if (package / top).is_dir():
        return package / top / below
    if (package.parent / "pyproject.toml").is_file() and (package.parent / top).is_dir():
        return package.parent / top / below
    raise CardError(f"topobench's {top}/ lies neither in {package} nor beside it; install topobench again.")


def names(kind: str) -> list[str]:
    """Return the names of all that is shipped of a kind (a key of `PLACES`), sorted; reads no file."""
    return sorted(path.stem for path in folder(kind).glob("*.toml"))


def load_card(name: str) -> Card:
    """Return the card of that name, or in the file ``*.toml``; UnknownNameError or CardError say what is wrong."""
    return _load("datasets", Card, name)


def load_recipe(name: str) -> Recipe:
    """Return the recipe of that name, or in the file ``*.toml``; UnknownNameError or CardError say what is wrong."""
    return _load("recipes", Recipe, name)


def load_suite(name: str) -> Suite:
    """Return the suite of that name, or in the file ``*.toml``; UnknownNameError or CardError say what is wrong."""
    return _load("suites", Suite, name)


def load_protocol(name: str) -> Protocol:
    """Return the protocol of that name, or in the file ``*.toml``; UnknownNameError or CardError say what is wrong."""
    return _load("protocols", Protocol, name)


def read(path: Path, schema: type[Read]) -> Read:
    """Return what a file holds; CardError names the file, every wrong key, and the nearest known."""
    try:
        found = schema.model_validate_json(json.dumps(read_toml(path), default=str), strict=True)
    except ValidationError as error:
        raise CardError(f"{path} is not a valid {schema.__name__.lower()}: {faults_of(error, schema)}.") from error
    if found.name != path.stem:
        raise CardError(f"{path} names itself {found.name!r}; the name and the file must agree: {found.name}.toml.")
    return found


def _load(kind: str, schema: type[Read], name: str) -> Read:
    if name.endswith(".toml"):
        return read(Path(name), schema)
    known = names(kind)
    if name not in known:
        raise unknown_name(kind, name, known)
    return read(folder(kind) / f"{name}.toml", schema)


def faults_of(error: ValidationError, schema: type[BaseModel]) -> str:
    """Return all that pydantic found wrong, as words: which key, what is wrong with it, the nearest known one."""
    return "; ".join(_sentence(fault, schema) for fault in error.errors())


def _sentence(fault: Any, schema: type[BaseModel]) -> str:
    key = ".".join(str(part) for part in fault["loc"]) or "the file"
    if fault["type"] == "extra_forbidden":
        last = str(fault["loc"][-1])
        return f"unknown key {key!r}{nearest(last, _keys(schema, fault['loc'][:-1]))}"
    if fault["type"] == "missing":
        return f"key {key!r} is missing"
    if fault["type"] == "value_error":  # one of our own, about keys that do not fit together
        return str(fault["ctx"]["error"])
    return f"{key!r} is {fault['input']!r}: {fault['msg'][0].lower()}{fault['msg'][1:]}"


def _keys(schema: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """Return the keys that the table at `path` may have."""
    table = schema
    for part in path:
        if isinstance(part, str):
            table = _table(table.model_fields[part].annotation) or table
    return [field.alias or name for name, field in table.model_fields.items()]


def _table(annotation: Any) -> type[BaseModel] | None:
    """Return the table class inside an annotation such as ``tuple[DataFile, ...]`` or ``Budget | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_table, get_args(annotation))), None)
