"""Columns in two languages: BigQuery's API form and DuckDB's types."""

from __future__ import annotations

from typing import Any

import duckdb

from common.untyped import JsonObject

Field = JsonObject
"""One column as in the API: name, type, mode and, for a RECORD, fields."""

_TYPES = {
    "STRING": "VARCHAR",
    "BYTES": "BLOB",
    "INTEGER": "BIGINT",
    "INT64": "BIGINT",
    "FLOAT": "DOUBLE",
    "FLOAT64": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "BOOL": "BOOLEAN",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "DATETIME": "TIMESTAMP",
    "DATE": "DATE",
    "TIME": "TIME",
    "NUMERIC": "DECIMAL(38,9)",
    "BIGNUMERIC": "DECIMAL(38,18)",
    "JSON": "JSON",
}
_NAMES = {
    "bigint": "INTEGER",
    "hugeint": "INTEGER",
    "uhugeint": "INTEGER",
    "integer": "INTEGER",
    "smallint": "INTEGER",
    "tinyint": "INTEGER",
    "ubigint": "INTEGER",
    "uinteger": "INTEGER",
    "usmallint": "INTEGER",
    "utinyint": "INTEGER",
    "double": "FLOAT",
    "float": "FLOAT",
    "boolean": "BOOLEAN",
    "timestamp with time zone": "TIMESTAMP",
    "timestamp": "DATETIME",
    "timestamp_ms": "DATETIME",
    "timestamp_ns": "DATETIME",
    "timestamp_s": "DATETIME",
    "date": "DATE",
    "time": "TIME",
    "interval": "INTERVAL",
    "blob": "BYTES",
    "decimal": "NUMERIC",
}


def definitions(fields: list[Field]) -> list[tuple[str, str]]:
    """(name, DuckDB type with NOT NULL where REQUIRED) of each column."""
    return [
        (it["name"], duckdb_type(it) + (" NOT NULL" if it.get("mode") == "REQUIRED" else ""))
        for it in fields
    ]


def duckdb_type(field: Field) -> str:
    """The type of a column with all that is in it; raises KeyError for one that is unknown."""
    kind = field["type"].upper()
    if kind in ("RECORD", "STRUCT"):
        parts = (f'"{it["name"]}" {duckdb_type(it)}' for it in field.get("fields") or ())
        kind = f"STRUCT({', '.join(parts)})"
    else:
        kind = _TYPES[kind]
    return f"{kind}[]" if field.get("mode") == "REPEATED" else kind


def api_field(name: str, type_: Any) -> Field:
    """A column in API form, from its DuckDB type; what BigQuery does not know becomes STRING."""
    kind = type_.id
    if kind in ("list", "array"):
        return {**api_field(name, type_.children[0][1]), "mode": "REPEATED"}
    if kind == "struct":
        fields = [api_field(part, inner) for part, inner in type_.children]
        return {"name": name, "type": "RECORD", "mode": "NULLABLE", "fields": fields}
    text = "JSON" if str(type_) == "JSON" else _NAMES.get(kind, "STRING")
    return {"name": name, "type": text, "mode": "NULLABLE"}


def described(
    connection: duckdb.DuckDBPyConnection, query: str, bound: object = None
) -> list[Field]:
    """The columns of a query, which is bound but not run."""
    rows = connection.execute(f"DESCRIBE {query}", bound).fetchall()
    return [api_field(name, duckdb.sqltype(kind)) for name, kind, *_ in rows]
