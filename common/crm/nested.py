"""Columns inside a column: HubSpot's `properties`, Pipedrive's `custom_fields`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from common.crm import names
from common.crm.paths import Schema, spelled
from common.untyped import Row

KEYS = "keys"
"""Where a column of JSON says which keys its rows have."""

HOLDERS = frozenset({"properties", "custom_fields"})
"""Columns whose fields are the record's own columns."""


def opened(schema: Schema, labels: Mapping[str, str]) -> list[Row]:
    """The columns, then what lies inside those of HOLDERS, each of these with its `path`.

    What a record holds its fields say, what JSON holds whoever has looked into it (`inside.py`) or
    `labels`. What stands beside it as a column of its own is read there alone.
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
