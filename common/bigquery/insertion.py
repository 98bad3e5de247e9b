"""Rows for a table as one INSERT with one parameter: what loads are too few a day for.

BigQuery takes 1,500 loads a table and day, failed ones included, and five in ten seconds where the
table has no partitions; INSERT statements are not counted among them
(https://cloud.google.com/bigquery/quotas, "Standard tables").
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from common.bigquery.sql import Parameter, Sql, fill, identifier, join
from common.bigquery.sql import table as quoted
from common.untyped import JsonObject, Row

LARGEST = 1_000_000
"""Bytes of rows in one statement; BigQuery takes requests of 10 MB, and loads read more faster."""

_TYPES = {
    "STRING": "STRING",
    "INTEGER": "INT64",
    "FLOAT": "FLOAT64",
    "BOOLEAN": "BOOL",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP",
}
"""Types of the tables' JSON that travel as text, and their names in GoogleSQL."""

_STATEMENT = """INSERT INTO {{ table }} ({{ columns }})
SELECT {{ values }}
FROM UNNEST(@entries) AS entry"""


def insertion(path: str, columns: Sequence[JsonObject], rows: Sequence[Row]) -> Sql | None:
    """The statement that adds the rows to project.dataset.table.

    None where a load has to: too many rows, a column of a nested type or of bytes, or a value that
    belongs to no column, which the load refuses by name.
    """
    names = {column["name"] for column in columns}
    # JSON_VALUE gives nothing of a nested value, and would lose an unknown one without a word
    if not all(map(_is_plain, columns)) or any(row.keys() - names for row in rows):
        return None
    entries = [json.dumps({name: _text(value) for name, value in row.items()}) for row in rows]
    # letters are bytes here, as json.dumps writes ASCII
    if sum(map(len, entries)) > LARGEST:
        return None
    # a column that no row fills is NULL, or empty, without being named
    filled = {name for row in rows for name, value in row.items() if value is not None}
    named = [column for column in columns if column["name"] in filled]
    statement = fill(
        _STATEMENT,
        table=quoted(path),
        columns=join(", ", [identifier(column["name"]) for column in named]),
        values=", ".join(map(_value, named)),
    )
    return Sql(statement.text, {"entries": Parameter("ARRAY<STRING>", entries)})


def _is_plain(column: JsonObject) -> bool:
    return column["type"] in _TYPES and (column["mode"] != "REPEATED" or column["type"] == "STRING")


def _value(column: JsonObject) -> str:
    """The column's value in one entry."""
    place = f"'$.{column['name']}'"
    if column["mode"] == "REPEATED":
        return f"JSON_VALUE_ARRAY(entry, {place})"
    text = f"JSON_VALUE(entry, {place})"
    return text if column["type"] == "STRING" else f"CAST({text} AS {_TYPES[column['type']]})"


def _text(value: Any) -> Any:
    """As GoogleSQL casts it back; numbers as text keep every digit."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return [_text(each) for each in value]
    # before the numbers: str(True) is no BOOL to CAST
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
