"""Rows for a table as one INSERT: what loads are too few a day for.

Few rows are parameters of their own, many are one array of JSON.

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

FEW = 4
"""Rows that are written out: each value is a parameter, of which BigQuery takes 10,000."""

_TYPES = {
    "STRING": "STRING",
    "INTEGER": "INT64",
    "FLOAT": "FLOAT64",
    "BOOLEAN": "BOOL",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP",
}
"""Types of the tables' JSON that travel as text, and their names in GoogleSQL."""

_STATEMENT = "INSERT INTO {{ table }} ({{ columns }})\n{{ rows }}"
_OF_JSON = "SELECT {{ values }}\nFROM UNNEST(@entries) AS entry"


def insertion(path: str, columns: Sequence[JsonObject], rows: Sequence[Row]) -> Sql | None:
    """The statement that adds the rows to project.dataset.table.

    None where a load has to: too many rows, a column of a nested type or of bytes, or a value that
    belongs to no column, which the load refuses by name.
    """
    known = {column["name"] for column in columns}
    # JSON_VALUE gives nothing of a nested value, and would lose an unknown one without a word
    if not all(map(_is_plain, columns)) or any(row.keys() - known for row in rows):
        return None
    entries = [json.dumps({name: _text(value) for name, value in row.items()}) for row in rows]
    # letters are bytes here, as json.dumps writes ASCII
    if sum(map(len, entries)) > LARGEST:
        return None
    # a column that no row fills is NULL, or empty, without being named
    filled = {name for row in rows for name, value in row.items() if value is not None}
    named = [column for column in columns if column["name"] in filled]
    return fill(
        _STATEMENT,
        table=quoted(path),
        columns=join(", ", [identifier(column["name"]) for column in named]),
        rows=_written_out(named, rows) if len(rows) <= FEW else _of_json(named, entries),
    )


def _written_out(columns: Sequence[JsonObject], rows: Sequence[Row]) -> Sql:
    """The rows as parameters: short to plan, where JSON of each column is long."""
    written = [_values(columns, row, place) for place, row in enumerate(rows)]
    return fill("VALUES {{ rows }}", rows=join(", ", written))


def _values(columns: Sequence[JsonObject], row: Row, place: int) -> Sql:
    bound = {f"{column['name']}_{place}": _parameter(column, row) for column in columns}
    return Sql(f"({', '.join(f'@{name}' for name in bound)})", bound)


def _parameter(column: JsonObject, row: Row) -> Parameter:
    kind, value = _TYPES[column["type"]], row.get(column["name"])
    if column["mode"] == "REPEATED":
        return Parameter(f"ARRAY<{kind}>", list(value or ()))
    return Parameter(kind, value)


def _of_json(columns: Sequence[JsonObject], entries: list[str]) -> Sql:
    statement = fill(_OF_JSON, values=", ".join(map(_value, columns)))
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
