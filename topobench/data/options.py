"""Options of an adapter: a card's ``[layout]``, read by a schema."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from topobench.cards import Card, faults_of
from topobench.errors import CardError

__all__ = ["read_options"]

Options = TypeVar("Options", bound=BaseModel)


def read_options(card: Card, schema: type[Options], layout: dict[str, Any]) -> Options:
    """Return the options in `layout`; CardError for each that the schema does not know, lacks or finds mistyped."""
    try:
        return schema.model_validate_json(json.dumps(layout), strict=True)
    except ValidationError as error:
        faults = faults_of(error, schema)
        raise CardError(f"card {card.name!r}, [layout] of the adapter {card.adapter!r}: {faults}.") from error
