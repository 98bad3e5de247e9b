"""Query parameters: bound by name, with their declared types.

Seen in 1.4.0: @name inside a string literal is replaced too, BYTES arrive in base64, an empty array
or a NULL field has no type, and a parameter that is not used is refused.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from bqemulator.sql.parameters import _extract_value
from sqlglot import exp

from common.local.emulator_patches.expressions import numbers
from common.untyped import JsonObject

Wire = JsonObject
"""A parameter as in the API: name, parameterType, parameterValue."""


def named(parameters: Sequence[Wire] | None) -> dict[str, Wire]:
    """The parameters by name; positional ones are called p1, p2 and so on."""
    return {it.get("name") or f"p{place}": it for place, it in enumerate(parameters or (), start=1)}


def types(parameters: Sequence[Wire] | None) -> tuple[tuple[str, str], ...]:
    """The declared GoogleSQL type of each, as (name, type)."""
    return tuple((name, _type(it["parameterType"])) for name, it in named(parameters).items())


def declare(tree: exp.Expr, declared: Sequence[tuple[str, str]]) -> exp.Expr:
    """The tree with each parameter cast to its type."""
    kinds = {name.lower(): duckdb_type(kind) for name, kind in declared}
    for parameter in list(tree.find_all(exp.Parameter)):
        if parameter.name.lower() in kinds:
            kind = kinds[parameter.name.lower()].copy()
            value: exp.Expr = parameter.copy()
            if kind.find(exp.ColumnDef):
                value = exp.Cast(this=value, to=exp.DataType.build("JSON"))
            parameter.replace(exp.Cast(this=value, to=kind))
    return tree


def duckdb_type(kind: str) -> exp.DataType:
    """The type of a GoogleSQL spelling, where NUMERIC has nine decimals."""
    built = exp.DataType.build(kind, dialect="bigquery")
    for part in built.find_all(exp.DataType):
        numbers.widen(part)
    return built


def values(parameters: Sequence[Wire] | None, used: set[str]) -> JsonObject:
    """Python values of those that are used."""
    lower = {name.lower(): it for name, it in named(parameters).items()}
    return {name: _bound(lower[name.lower()]) for name in used if name.lower() in lower}


def _bound(parameter: Wire) -> Any:
    """Structs travel as JSON: DuckDB fails to cast a list of them that came from Python."""
    value = _value(parameter)
    return (
        json.dumps(value, default=str) if "STRUCT" in _type(parameter["parameterType"]) else value
    )


def _type(kind: Wire) -> str:
    if kind["type"] == "ARRAY":
        return f"ARRAY<{_type(kind['arrayType'])}>"
    if kind["type"] == "STRUCT":
        fields = (f"`{it['name']}` {_type(it['type'])}" for it in kind["structTypes"])
        return f"STRUCT<{', '.join(fields)}>"
    return str(kind["type"])


def _value(parameter: Wire) -> Any:
    kind, value = parameter["parameterType"], parameter.get("parameterValue") or {}
    if kind["type"] == "ARRAY":
        return [_value(_part(kind["arrayType"], it)) for it in value.get("arrayValues") or ()]
    if kind["type"] == "STRUCT":
        given = value.get("structValues") or {}
        fields = kind["structTypes"]
        return {it["name"]: _value(_part(it["type"], given.get(it["name"]))) for it in fields}
    if kind["type"] == "BYTES" and value.get("value") is not None:
        return base64.b64decode(value["value"])
    if kind["type"] == "JSON" and value.get("value") is not None:
        return json.dumps(json.loads(value["value"]))
    return _extract_value(parameter)


def _part(kind: Wire, value: Wire | None) -> Wire:
    return {"parameterType": kind, "parameterValue": value or {}}
