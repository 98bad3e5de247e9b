"""The forms of the frontend: JSON Schema of every kind of conversion."""

from __future__ import annotations

from pydantic import RootModel, TypeAdapter

from common.errors import NotFoundError
from common.http.model import Model
from common.http.request import Ask, Nothing
from common.kinds import BY_NAME, CONVERSION
from common.untyped import JsonObject
from functions.api.services import Services


class Schema(RootModel[JsonObject]):
    """A JSON Schema (draft 2020-12)."""


class Schemas(Model):
    """All forms: each kind alone, and any of them."""

    conversion: JsonObject
    kinds: dict[str, JsonObject]


def all_schemas(ask: Ask[Nothing, None], services: Services) -> Schemas:
    """Read the JSON Schemas that forms are drawn from."""
    kinds = {kind: TypeAdapter(model).json_schema() for kind, model in BY_NAME.items()}
    return Schemas(conversion=CONVERSION.json_schema(), kinds=kinds)


def one_schema(ask: Ask[Nothing, None], services: Services) -> Schema:
    """Read the JSON Schema of one kind.

    404 names the kinds that there are.
    """
    kind = ask.path["kind"]
    if kind not in BY_NAME:
        raise NotFoundError(
            f"There is no kind of conversion {kind!r}.",
            code="unknown_kind",
            fix=f"There are {', '.join(BY_NAME)}.",
        )
    return Schema(TypeAdapter(BY_NAME[kind]).json_schema())
