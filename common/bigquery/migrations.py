"""Bringing a table up to the version of its schema file: by new columns, and by nothing else.

The version lies in a label of the table. Code that is older than a table leaves it as it is, and
runs on it, because columns are only ever added.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from google.cloud.bigquery import SchemaField

from common.bigquery.sql import Sql, fill, identifier, table
from common.schemas import TableSchema

LABEL = "schema_version"

_STANDARD = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}


def labels(shape: TableSchema) -> dict[str, str]:
    """The label of a table that has all columns of the schema."""
    return {LABEL: str(shape["version"])}


def is_behind(found: Mapping[str, str], shape: TableSchema) -> bool:
    """Whether a table with these labels is older than the schema; one without a label may be."""
    # Terraform makes a table without the label, whichever columns its commit knew
    return int(found.get(LABEL, "0")) < shape["version"]


def missing(present: Collection[str], shape: TableSchema) -> list[SchemaField]:
    """The schema's columns that a table with these columns lacks."""
    fields = [SchemaField.from_api_repr(column) for column in shape["schema"]]
    return [field for field in fields if field.name not in present]


def addition(path: str, field: SchemaField) -> Sql:
    """The statement that adds the column; twice is once."""
    # several functions may start on a new release at once
    text = "ALTER TABLE {{ table }} ADD COLUMN IF NOT EXISTS {{ column }}"
    return fill(text, table=table(path), column=Sql(definition(field)))


def definition(field: SchemaField) -> str:
    """The column as DDL; a new column is never REQUIRED, because old rows lack it."""
    inner = ", ".join(definition(part) for part in field.fields)
    type_ = (
        f"STRUCT<{inner}>" if field.fields else _STANDARD.get(field.field_type, field.field_type)
    )
    return f"{identifier(field.name)} {f'ARRAY<{type_}>' if field.mode == 'REPEATED' else type_}"
