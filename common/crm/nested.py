"""Columns inside a column: HubSpot's `properties`, Pipedrive's `custom_fields`, any JSON.

A schema says nothing of what lies in JSON: somebody has to look into it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from common.bigquery.sql import Sql, fill, identifier, join, table
from common.bigquery.warehouse import Warehouse
from common.crm import names
from common.crm.paths import Schema, spelled
from common.untyped import Row

KEYS = "keys"
"""Where a column of JSON says which keys its rows have."""

HOLDS_ONE = "holds_one"
"""Where a column of JSON says that some row has a text, a number or a flag in it."""

MOST_KEYS = 1000
_KEY = re.compile(r"[A-Za-z0-9_]{1,250}")

HOLDERS = frozenset({"properties", "custom_fields"})
"""Columns whose fields are the record's own columns."""


def opened(schema: Schema, labels: Mapping[str, str]) -> list[Row]:
    """The columns, then what lies inside those of HOLDERS, each of these with its `path`.

    What a record holds its fields say, what JSON holds whoever has looked into it, as `looked_into`
    does, or `labels`. What stands beside it as a column of its own is read there alone.
    """
    beside = {names.bare(str(column["name"])) for column in schema}
    inside = (field for column in schema for field in _inside(column, labels))
    return [*schema, *(field for field in inside if names.bare(field["name"]) not in beside)]


def path_of(column: Row) -> str:
    """Where the column lies, or the field `value` of one that is a record of it."""
    path = str(column.get("path", column["name"]))
    fields = {
        str(each["name"]).lower()
        for each in column.get("fields") or ()
        if spelled(each["type"]) not in ("RECORD", "JSON") and each.get("mode") != "REPEATED"
    }
    return f"{path}.value" if spelled(column["type"]) == "RECORD" and "value" in fields else path


def _inside(column: Row, labels: Mapping[str, str]) -> Iterator[Row]:
    holder = str(column["name"])
    if holder.lower() not in HOLDERS or column.get("mode") == "REPEATED":
        return
    if spelled(column["type"]) == "RECORD":
        for field in column.get("fields") or ():
            yield {**field, "name": _plain(field["name"]), "path": f"{holder}.{field['name']}"}
    elif spelled(column["type"]) in ("JSON", "STRING"):
        named = (key for key in labels if not key.startswith(("_", holder.lower())))
        for key in dict.fromkeys((*column.get(KEYS, ()), *named)):
            name, path = _plain(key), f"{holder}.{key}"
            yield {"name": name, "path": path, "type": "STRING", "mode": "NULLABLE"}


def _plain(name: str) -> str:
    return f"_{name}" if name[:1].isdigit() else name


def looked_into(warehouse: Warehouse, path: str, schema: Schema) -> list[Row]:
    """The columns, those of JSON with KEYS or HOLDS_ONE; one scan of each of these.

    A record whose fields stand beside it as columns of their own is not opened.
    """
    ones = _single(warehouse, path, [c for c in schema if _is_json(c) and not _is_holder(c)])
    return [
        {**column, KEYS: list(_keys(warehouse, path, column))}
        if _is_holder(column) and not _is_flat_as_well(column, schema)
        else {**column, HOLDS_ONE: column["name"] in ones}
        for column in schema
    ]


def _is_json(column: Row) -> bool:
    return spelled(str(column["type"])) == "JSON" and column.get("mode") != "REPEATED"


def _is_holder(column: Row) -> bool:
    is_text = spelled(str(column["type"])) == "STRING"
    return str(column["name"]).lower() in HOLDERS and (_is_json(column) or is_text)


def _is_flat_as_well(column: Row, schema: Schema) -> bool:
    prefix = f"{column['name']}_".lower()
    return any(str(each["name"]).lower().startswith(prefix) for each in schema)


def _keys(warehouse: Warehouse, path: str, column: Row) -> Iterable[str]:
    value = fill("raw.{{ name }}", name=identifier(str(column["name"])))
    if not _is_json(column):
        value = fill("SAFE.PARSE_JSON({{ text }})", text=value)
    query = fill(
        "SELECT key, COUNT(*) AS size FROM {{ table }} AS raw"
        " CROSS JOIN UNNEST(JSON_KEYS({{ value }}, 1)) AS key"
        " GROUP BY key ORDER BY size DESC, key LIMIT {{ most }}",
        table=table(path),
        value=value,
        most=Sql(str(MOST_KEYS)),
    )
    # whoever asks for a key with other characters has to quote it
    return (row["key"] for row in warehouse.rows(query) if _KEY.fullmatch(row["key"]))


def _single(warehouse: Warehouse, path: str, columns: list[Row]) -> set[str]:
    """Those of the columns that hold single values in some row."""
    if not columns:
        return set()
    counts = (
        fill(
            "COUNT(JSON_VALUE(raw.{{ column }})) AS {{ name }}",
            column=identifier(str(column["name"])),
            name=identifier(f"filled_{place}"),
        )
        for place, column in enumerate(columns)
    )
    query = fill(
        "SELECT {{ counts }} FROM {{ table }} AS raw", counts=join(", ", counts), table=table(path)
    )
    row = next(warehouse.rows(query))
    return {str(c["name"]) for place, c in enumerate(columns) if row[f"filled_{place}"]}
