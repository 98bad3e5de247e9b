"""Reads a CRM whichever connector loaded it: tables and columns that are there, typed alike."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from common.bigquery.sql import Sql, bind, fill, identifier, join, table
from common.errors import NotFoundError

SCALARS = frozenset(
    {"STRING", "INTEGER", "FLOAT", "NUMERIC", "BIGNUMERIC", "BOOLEAN", "DATE"}
    | {"DATETIME", "TIMESTAMP"}
)
_SPELLED = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN"}

LOADER_COLUMNS = re.compile(r"_(fivetran|airbyte|sdc|dlt)_?.*|(is_)?deleted|archived|is_archived")
"""What loaders add to every table; nothing a lead has by itself."""

Columns = Mapping[str, str]
"""Column name to BigQuery type, spelled as in the API."""


@dataclass(frozen=True)
class Column:
    """A column that a CRM's queries read; the first of `names` that exists is taken.

    Of flags all that exist count: loaders mark a deleted record under one of several names.
    """

    name: str
    type: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table that a CRM's queries read; the first of `names` that exists is taken."""

    name: str
    names: tuple[str, ...]
    optional: bool
    columns: tuple[Column, ...]
    not_attributes: re.Pattern[str] | None
    """Of the table whose other columns are the lead's attributes: names that are none."""
    labelled: bool
    """Whether whole numbers among the attributes are codes that a step `labels` names."""


def tables(crm: str) -> tuple[Table, ...]:
    """The tables that the CRM's queries read."""
    return tuple(_table(name, told) for name, told in _document(crm).items())


def leads(crm: str, dataset: str, found: Mapping[str, Columns]) -> Sql:
    """The query of the CRM's leads over the tables `found` in the dataset (project.dataset).

    Raises NotFoundError when a table that it cannot do without is missing.
    """
    text = _text(crm, "leads")
    return fill(text, attributes=_attributes(crm, found), **_slots(text, crm, dataset, found))


def deals(crm: str, dataset: str, found: Mapping[str, Columns]) -> Sql:
    """The query of the CRM's deals, as `leads`."""
    text = _text(crm, "deals")
    return fill(text, **_slots(text, crm, dataset, found))


def attributes(crm: str, found: Mapping[str, Columns]) -> list[str]:
    """Names of the columns that are attributes of a lead."""
    return [
        name
        for listed in tables(crm)
        if listed.not_attributes is not None
        for name, _ in _attribute_columns(listed, found)
    ]


def _slots(text: str, crm: str, dataset: str, found: Mapping[str, Columns]) -> dict[str, Sql]:
    """The tables that the text names, each as a subquery."""
    return {
        listed.name: _reading(listed, dataset, found)
        for listed in tables(crm)
        if f"{{{{ {listed.name} }}}}" in text
    }


def _reading(listed: Table, dataset: str, found: Mapping[str, Columns]) -> Sql:
    """The table as a subquery of exactly the columns that queries read, and attributes."""
    present = next((name for name in listed.names if name in found), None)
    if present is None:
        if listed.optional:
            return fill("(SELECT {{ nothing }} LIMIT 0)", nothing=_nothing(listed))
        raise NotFoundError(
            f"{dataset} has no table {listed.names[0]}.",
            code="crm_table_missing",
            fix="Let the connector load it, or name the dataset that it loads into.",
        )
    columns = found[present]
    own = [_cast(column, columns) for column in listed.columns]
    extra = [identifier(name) for name, _ in _attribute_columns(listed, found)]
    return fill(
        "(SELECT {{ columns }} FROM {{ table }})",
        columns=join(", ", [*own, *extra]),
        table=table(f"{dataset}.{present}"),
    )


def _nothing(listed: Table) -> Sql:
    parts = (
        fill(f"CAST(NULL AS {column.type}) AS {{{{ name }}}}", name=identifier(column.name))
        for column in listed.columns
    )
    return join(", ", parts)


def _cast(column: Column, columns: Columns) -> Sql:
    """The column in its type, whatever type the loader gave it; NULL when it is absent."""
    present = [name for name in column.names if name in columns]
    casts = [
        fill(_CASTS[column.type](_spelled(columns[name])), column=identifier(name))
        for name in (present if column.type == "BOOL" else present[:1])
    ]
    value = join(" OR ", casts) if casts else Sql(f"CAST(NULL AS {column.type})")
    return fill("{{ value }} AS {{ name }}", value=value, name=identifier(column.name))


def _as_string(stored: str) -> str:
    plain = "{{ column }}" if stored == "STRING" else "CAST({{ column }} AS STRING)"
    # Salesforce writes a missing id as fifteen zeros and three letters
    return f"NULLIF(NULLIF(TRIM({plain}), ''), '000000000000000AAA')"


def _as_timestamp(stored: str) -> str:
    match stored:
        case "TIMESTAMP":
            return "{{ column }}"
        case "DATE" | "DATETIME":
            return "TIMESTAMP({{ column }})"
        case "STRING":
            return _WRITTEN_TIMESTAMP
    return "TIMESTAMP_MILLIS(CAST({{ column }} AS INT64))"


_WRITTEN_TIMESTAMP = (
    # +0000 is no offset to BigQuery, +00:00 is; digits alone are milliseconds since 1970
    r"COALESCE("
    r"SAFE_CAST(REGEXP_REPLACE({{ column }}, r'([+-]\d{2})(\d{2})$', r'\1:\2') AS TIMESTAMP),"
    r" TIMESTAMP_MILLIS(SAFE_CAST(REGEXP_EXTRACT({{ column }}, r'^\d{11,14}$') AS INT64)))"
)


def _as_bool(stored: str) -> str:
    match stored:
        case "BOOLEAN":
            return "COALESCE({{ column }}, FALSE)"
        case "STRING":
            return "COALESCE(LOWER(TRIM({{ column }})) IN ('true', '1', 'yes'), FALSE)"
    return "COALESCE({{ column }} <> 0, FALSE)"


def _as_float(stored: str) -> str:
    return "{{ column }}" if stored == "FLOAT" else "SAFE_CAST({{ column }} AS FLOAT64)"


_CASTS = {
    "STRING": _as_string,
    "TIMESTAMP": _as_timestamp,
    "BOOL": _as_bool,
    "FLOAT64": _as_float,
}


def _attributes(crm: str, found: Mapping[str, Columns]) -> Sql:
    parts = [
        fill(
            ",\n  {{ value }} AS {{ name }}",
            value=_attribute(listed, name, type_),
            name=identifier(name),
        )
        for listed in tables(crm)
        for name, type_ in _attribute_columns(listed, found)
    ]
    return join("", parts)


def _attribute(listed: Table, name: str, type_: str) -> Sql:
    column = fill("lead.{{ name }}", name=identifier(name))
    if not (listed.labelled and type_ == "INTEGER"):
        return column
    return fill(
        "COALESCE((SELECT MAX(label.value) FROM labels AS label"
        " WHERE label.attributename = {{ name }}"
        " AND label.attributevalue = CAST({{ column }} AS STRING)), CAST({{ column }} AS STRING))",
        name=bind(name),
        column=column,
    )


def _attribute_columns(listed: Table, found: Mapping[str, Columns]) -> Iterator[tuple[str, str]]:
    """Names and types of the columns that are attributes."""
    columns = next((found[name] for name in listed.names if name in found), {})
    if listed.not_attributes is None:
        return
    read = {name for column in listed.columns for name in (column.name, *column.names)}
    for name, type_ in columns.items():
        scalar = _spelled(type_) in SCALARS
        named = LOADER_COLUMNS.fullmatch(name) or listed.not_attributes.fullmatch(name)
        # names such as property_a-b need quoting that not every engine knows
        plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
        if scalar and plain and not named and name not in read:
            yield name, _spelled(type_)


def _spelled(type_: str) -> str:
    return _SPELLED.get(type_, type_)


@cache
def _text(crm: str, query: str) -> str:
    return (Path(__file__).parent / crm / f"{query}.sql").read_text(encoding="utf-8")


@cache
def _document(crm: str) -> dict[str, Any]:
    path = Path(__file__).parent / crm / "tables.json"
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def _table(name: str, told: Mapping[str, Any]) -> Table:
    excluded: Sequence[str] | None = told.get("not_attributes")
    return Table(
        name=name,
        names=tuple(told.get("names", [name])),
        optional=told.get("optional", False),
        columns=tuple(_column(column, said) for column, said in told["columns"].items()),
        not_attributes=None if excluded is None else re.compile("|".join(excluded)),
        labelled=told.get("labelled", False),
    )


def _column(name: str, said: str | Mapping[str, Any]) -> Column:
    if isinstance(said, str):
        return Column(name, said, (name,))
    return Column(name, said["type"], tuple(said["from"]))
