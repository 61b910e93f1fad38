"""What all TOML files share: tables in which every key is known, and words for what is wrong with one."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from topobench.registry import nearest

__all__ = ["NAME", "Choice", "Count", "File", "Index", "Name", "Part", "Strict", "VariantName", "faults_of"]

NAME = r"[a-z0-9]+([-_.][a-z0-9]+)*"
Name = Annotated[str, Field(pattern=f"^{NAME}$")]
# A name, or that of a variant: drive, drive:official; hu2019, hu2019:129-c4.
VariantName = Annotated[str, Field(pattern=f"^{NAME}(:{NAME})?$")]
Part = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1)]
Index = Annotated[int, Field(ge=0)]


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


class File(Strict):
    """What cards, recipes, suites and protocols have in common."""

    schema_: Literal[1] = Field(alias="schema")
    name: Name
    version: Count
    title: str
    description: str = ""


def faults_of(error: ValidationError, schema: type[BaseModel]) -> str:
    """Return all that pydantic found wrong, as words: which key, what is wrong with it, the nearest known one."""
    faults = error.errors()
    roots = {fault["loc"][:length] for fault in faults for length in range(len(fault["loc"]))}
    told = [fault for fault in faults if fault["type"] != "too_short" or fault["loc"] not in roots]
    return "; ".join(_sentence(fault, schema) for fault in told)  # a list that lost its faulty items is not too short


def _sentence(fault: Any, schema: type[BaseModel]) -> str:
    key = ".".join(str(part) for part in fault["loc"]) or "the file"
    if fault["type"] == "extra_forbidden":
        last = str(fault["loc"][-1])
        return f"unknown key {key!r}{nearest(last, _keys(schema, fault['loc'][:-1]))}"
    if fault["type"] == "missing":
        others = set(fault["input"]) - set(_keys(schema, fault["loc"][:-1])) if isinstance(fault["input"], dict) else ()
        meant = difflib.get_close_matches(str(fault["loc"][-1]), others, n=1)
        return f"key {key!r} is missing" + (f" (is {meant[0]!r}, which is there, meant for it?)" if meant else "")
    if fault["type"] == "value_error":  # one of our own, about keys that do not fit together
        return str(fault["ctx"]["error"])
    return f"{key!r} is {fault['input']!r}: {fault['msg'][0].lower()}{fault['msg'][1:]}"


def _keys(schema: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """Return the keys that the table at `path` may have."""
    table = schema
    for part in path:
        if isinstance(part, str) and part in table.model_fields:  # else it is a key of somebody's own
            table = _table(table.model_fields[part].annotation) or table
    return [field.alias or name for name, field in table.model_fields.items()]


def _table(annotation: Any) -> type[BaseModel] | None:
    """Return the table class inside an annotation such as ``tuple[DataFile, ...]`` or ``Budget | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_table, get_args(annotation))), None)
