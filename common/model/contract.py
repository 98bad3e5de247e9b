"""The columns that a user's query returns: required, optional, exactly typed, and explained."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Literal

from common.model.findings import Finding, Position, found
from common.untyped import JsonObject, Row

Kind = Literal["conversion", "leads", "deals"]

_ALIASES = {
    "FLOAT64": "FLOAT",
    "INT64": "INTEGER",
    "BOOL": "BOOLEAN",
    "STRUCT": "RECORD",
    "DECIMAL": "NUMERIC",
    "BIGDECIMAL": "BIGNUMERIC",
}
_SPELLED = {"FLOAT": "FLOAT64", "INTEGER": "INT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
# numbers that BigQuery takes for FLOAT64 by itself; a text may hold anything and is refused
_WIDENED = {"FLOAT": {"INTEGER", "NUMERIC", "BIGNUMERIC"}}
_FEATURE_TYPES = {"STRING", "INTEGER", "FLOAT", "NUMERIC", "BIGNUMERIC", "BOOLEAN"} | {
    "DATE",
    "DATETIME",
    "TIMESTAMP",
}
# BigQuery calls a column without a name f0_, f1_, ...; a parser calls it nothing
_ANONYMOUS = re.compile(r"f\d+_|")
OF_ORIGIN = frozenset({"country", "region", "city", "source", "medium", "campaign"})
"""Columns of a conversion that a model may learn from as well: where somebody comes from is known
when they come."""
PARAMS_EXAMPLE = "[STRUCT('country' AS key, country AS value)] AS params"


@dataclass(frozen=True)
class Column:
    """One column of a contract; `type` is spelled as in the BigQuery API."""

    name: str
    type: str
    mode: str
    required: bool
    group: Literal["core", "identifier"]
    description: str
    example: str
    fields: tuple[Mapping[str, str], ...] = ()

    @property
    def sql_type(self) -> str:
        """The type as an analyst writes it, such as ARRAY<STRUCT<key STRING, value STRING>>."""
        return spelled(
            {"type": self.type, "mode": self.mode, "fields": [dict(f) for f in self.fields]}
        )


@dataclass(frozen=True)
class Contract:
    """The columns of one kind of query; `one_of` lists groups of which one must be present."""

    kind: Kind
    description: str
    columns: tuple[Column, ...]
    one_of: tuple[tuple[str, ...], ...]
    takes_features: bool

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that every row must bring."""
        return tuple(column.name for column in self.columns if column.required)

    def column(self, name: str) -> Column | None:
        """The column of that name in any case, or None."""
        return next((c for c in self.columns if c.name == name.lower()), None)


@dataclass(frozen=True)
class Output:
    """A column as the query writes it: its name, its expression, and where both stand."""

    name: str
    text: str = ""
    is_null: bool = False
    """Whether it is NULL in every part of the query."""
    at: Position | None = None
    is_only: bool = False
    """Whether this is the one place where the column is written: a union has several."""


@cache
def contract(kind: Kind = "conversion") -> Contract:
    """The contract of that kind, as common/schemas/contract.json states it."""
    raw = _document()["contracts"][kind]
    columns = tuple(
        Column(**{**column, "fields": tuple(column.get("fields", ()))}) for column in raw["columns"]
    )
    one_of = tuple(tuple(group) for group in raw["one_of"])
    return Contract(kind, raw["description"], columns, one_of, raw["extra_columns"] == "features")


def spelled(column: Row) -> str:
    """The GoogleSQL type of an API column: ARRAY<STRUCT<key STRING, value STRING>>."""
    kind = normal_type(column)
    text = _SPELLED.get(kind, kind)
    if kind == "RECORD":
        inner = ", ".join(f"{f['name']} {spelled(f)}" for f in column.get("fields") or ())
        text = f"STRUCT<{inner}>"
    return f"ARRAY<{text}>" if column.get("mode") == "REPEATED" else text


def normal_type(column: Row) -> str:
    """The API's spelling of the column's type: FLOAT for FLOAT64, RECORD for STRUCT."""
    # a parameterized type, such as NUMERIC(10, 2) or STRING(20), is read as the plain one
    kind = str(column["type"]).upper().partition("(")[0]
    return _ALIASES.get(kind, kind)


def problems(
    schema: Sequence[Row],
    kind: Kind = "conversion",
    *,
    outputs: Iterable[Output] = (),
    features: bool = False,
    timezone: str = "UTC",
) -> list[Finding]:
    """Every way in which a dry-run schema breaks the contract, each with the text to write.

    `schema` holds API columns {name, type, mode, fields}; `outputs`, when known, are the same
    columns as the query writes them; with `features`, extra scalar columns feed a model.
    """
    agreed = contract(kind)
    written = _written(schema, list(outputs))
    with_features = features or agreed.takes_features
    known = [column for column in schema if agreed.column(column["name"])]
    extra = [column for column in schema if not agreed.column(column["name"])]
    names = {column["name"].lower() for column in known}
    meant = near_misses(agreed, [c["name"] for c in extra], names)
    return [
        *_duplicates(schema),
        *_missing(agreed, names, meant),
        *(f for c in known for f in _type_problems(agreed, c, written, timezone)),
        *(f for c in extra for f in _extra_problems(agreed, c, meant, written, with_features)),
    ]


def _written(schema: Sequence[Row], outputs: Sequence[Output]) -> dict[str, Output]:
    """Each column of the schema as the query writes it, by the schema's name in lower case."""
    # by place: a column without a name is f0_ to BigQuery, and one that is there twice stands once
    # by name
    if len(schema) == len(outputs):
        return {
            column["name"].lower(): output for column, output in zip(schema, outputs, strict=True)
        }
    return {output.name.lower(): output for output in outputs}


def near_misses(agreed: Contract, extra: Iterable[str], present: set[str]) -> dict[str, str]:
    """Which contract column each unknown one was probably meant to be: {clientId: client_id}."""
    absent = {column.name for column in agreed.columns} - present
    by_letters = {name.replace("_", ""): name for name in absent}
    meant: dict[str, str] = {}
    for name in extra:
        letters = re.sub(r"[^a-z0-9]", "", name.lower())
        close = get_close_matches(letters, by_letters, n=1, cutoff=0.84)
        guess = _COMMON_NAMES.get(letters) or (by_letters[close[0]] if close else None)
        # what is there already is not meant, and two columns cannot both become one
        if guess in absent and guess not in meant.values():
            meant[name] = guess
    return meant


# What connectors and analysts call the same thing.
_COMMON_NAMES = {
    "conversionid": "id",
    "transactionid": "id",
    "gaclientid": "client_id",
    "clientid": "client_id",
    "cid": "client_id",
    "userpseudoid": "client_id",
    "anonymousid": "client_id",
    "createdat": "created",
    "createdate": "created",
    "createddate": "created",
    "createdtime": "created",
    "creationdate": "created",
    "timestamp": "created",
    "conversiontime": "created",
    "eventtimestamp": "created",
    "revenue": "value",
    "amount": "value",
    "conversionvalue": "value",
    "currencycode": "currency",
    "qualified": "is_qualified",
    "parameters": "params",
    "customerid": "user_id",
    "crmid": "user_id",
}


@cache
def _document() -> JsonObject:
    path = Path(__file__).parents[1] / "schemas" / "contract.json"
    document: JsonObject = json.loads(path.read_text(encoding="utf-8"))
    return document


def _duplicates(schema: Sequence[Row]) -> list[Finding]:
    names = [column["name"].lower() for column in schema]
    return [duplicate(name) for name in dict.fromkeys(names) if names.count(name) > 1]


def duplicate(name: str, at: Position | None = None) -> Finding:
    """The finding for a column name that the query returns more than once."""
    return found(
        "duplicate_column",
        f"Two columns are called {name}. BigQuery refuses a result in which a name appears twice.",
        f"Leave one of them out or give it another name: ... AS {name}_2",
        at=at,
        field=name,
    )


def _missing(agreed: Contract, names: set[str], meant: Mapping[str, str]) -> list[Finding]:
    groups = [(name,) for name in agreed.required] + list(agreed.one_of)
    absent = [group for group in groups if not names.intersection(group)]
    guessed = set(meant.values())
    # a column that is only misspelt is reported once, under its own name
    return [_missing_finding(agreed, group) for group in absent if not guessed.intersection(group)]


def _missing_finding(agreed: Contract, group: tuple[str, ...]) -> Finding:
    columns = [column for column in agreed.columns if column.name in group]
    first = columns[0]
    names = " or ".join(column.name for column in columns)
    return found(
        "missing_column",
        f"The query returns no column {names}, which every {agreed.kind} query needs. "
        f"{first.name}: {first.description}",
        f"Add to the SELECT list: ... AS {first.name}, {first.sql_type} such as {first.example}",
        field=first.name,
    )


def _type_problems(
    agreed: Contract, column: Row, written: Mapping[str, Output], timezone: str
) -> list[Finding]:
    wanted = agreed.column(column["name"])
    assert wanted is not None
    output = written.get(wanted.name, Output(wanted.name))
    if output.is_null:
        # what nobody can know may be said so: such conversions are reported as (not attributed)
        is_said = any(wanted.name in group for group in agreed.one_of)
        return [] if is_said else [_null_column(wanted, output)]
    if spelled(column) == wanted.sql_type or _is_same_shape(column, wanted):
        return []
    if column.get("mode") != "REPEATED" and normal_type(column) in _WIDENED.get(wanted.type, ()):
        return [_widened(wanted, column, output)]
    code = "params_shape" if wanted.name == "params" else "wrong_type"
    return [
        found(
            code,
            f"{wanted.name} is {spelled(column)}; it must be {wanted.sql_type}.",
            cast(wanted, column, output.text or wanted.name, timezone),
            at=output.at,
            field=wanted.name,
        )
    ]


def _is_same_shape(column: Row, wanted: Column) -> bool:
    """Field names of a struct match in any case."""
    return bool(wanted.fields) and spelled(column).lower() == wanted.sql_type.lower()


def _null_column(wanted: Column, output: Output) -> Finding:
    if wanted.required:
        return found(
            "null_column",
            f"{wanted.name} is always NULL, but every row needs it. {wanted.description}",
            f"Write the column that holds it: {wanted.example} AS {wanted.name}",
            at=output.at,
            field=wanted.name,
        )
    return found(
        "null_column",
        f"{wanted.name} is always NULL. A column of which nothing is known is left out.",
        f"Remove `{output.text or 'NULL'} AS {wanted.name}` from the SELECT list.",
        at=output.at,
        field=wanted.name,
    )


def _widened(wanted: Column, column: Row, output: Output) -> Finding:
    return found(
        "implicit_cast",
        f"{wanted.name} is {spelled(column)} and is read as {wanted.sql_type}.",
        f"To say so yourself, write CAST({output.text or wanted.name} AS {wanted.sql_type}) "
        f"AS {wanted.name}",
        at=output.at,
        field=wanted.name,
    )


def _extra_problems(
    agreed: Contract,
    column: Row,
    meant: Mapping[str, str],
    written: Mapping[str, Output],
    with_features: bool,
) -> list[Finding]:
    name = column["name"]
    output = written.get(name.lower(), Output(name))
    if _ANONYMOUS.fullmatch(name):
        return [anonymous(output.text, output.at)]
    guess = meant.get(name)
    # with features a name that only resembles one of the contract's may be meant as it is
    if guess and (not with_features or _is_needed(agreed, guess)):
        return [_misspelled(agreed, name, guess, output)]
    if with_features:
        return _feature_problems(column, output)
    return [_unknown(name, output)]


def _is_needed(agreed: Contract, name: str) -> bool:
    return name in agreed.required or any(name in group for group in agreed.one_of)


def anonymous(text: str, at: Position | None = None) -> Finding:
    """The finding for a column without a name."""
    shown = text or "..."
    return found(
        "anonymous_column",
        f"The column {shown} has no name." if text else "A column has no name.",
        f"Name it: {shown} AS value",
        at=at,
    )


def _misspelled(agreed: Contract, name: str, guess: str, output: Output) -> Finding:
    column = agreed.column(guess)
    assert column is not None
    return found(
        "misspelled_column",
        f"There is no column {name} in the contract. Did you mean {guess}? {column.description}",
        f"{output.text or name} AS {guess}",
        at=output.at,
        field=name,
    )


def _unknown(name: str, output: Output) -> Finding:
    return found(
        "unknown_column",
        f"The contract has no column {name}, so it would be lost.",
        f"Remove it, or pass it along as a parameter: "
        f"[STRUCT('{name}' AS key, CAST({output.text or name} AS STRING) AS value)] AS params. "
        "With predicted value switched on, extra columns become features of the model.",
        at=output.at,
        field=name,
    )


def is_feature(column: Row) -> bool:
    """Whether a model can read the column: one plain value a row."""
    return column.get("mode") != "REPEATED" and normal_type(column) in _FEATURE_TYPES


def _feature_problems(column: Row, output: Output) -> list[Finding]:
    name = column["name"]
    if is_feature(column) and not output.is_null:
        return []
    reason = "is always NULL" if output.is_null else f"is {spelled(column)}"
    return [
        found(
            "feature_type",
            f"{name} {reason}; a model reads single texts, numbers, dates and booleans only.",
            f"Remove {name}, or return one plain value a row: ... AS {name}",
            at=output.at,
            field=name,
        )
    ]


def cast(wanted: Column, column: Row, text: str, timezone: str) -> str:
    """The expression to write so that `text`, of the column's type, becomes the wanted type."""
    if wanted.name == "params":
        return PARAMS_EXAMPLE
    rules = {
        "STRING": _to_string,
        "TIMESTAMP": _to_timestamp,
        "FLOAT": _to_number,
        "BOOLEAN": _to_truth,
    }
    expression = rules[wanted.type](text, spelled(column), timezone)
    return f"{expression or '...'} AS {wanted.name}" + (
        "" if expression else f", {wanted.sql_type} such as {wanted.example}"
    )


_NUMBERS = ("INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC")


def _to_string(text: str, source: str, timezone: str) -> str:
    if source.startswith(("ARRAY", "STRUCT")):
        return ""
    return {
        # 1763550000123456 as FLOAT64 would read 1.763550000123456e+15
        "FLOAT64": f"CAST(CAST({text} AS INT64) AS STRING)",
        "BYTES": f"TO_HEX({text})",
        "JSON": f"JSON_VALUE({text})",
    }.get(source, f"CAST({text} AS STRING)")


def _to_timestamp(text: str, source: str, timezone: str) -> str:
    if source in ("DATE", "DATETIME"):
        # a time without a zone is taken back by the zone that made it, else by the project's
        return f"TIMESTAMP({text}, '{_zone_of(text) or timezone}')"
    if source in ("STRING", "JSON"):
        value = text if source == "STRING" else f"JSON_VALUE({text})"
        # GA4 writes event_date as YYYYMMDD (support.google.com/analytics/answer/7029846)
        style = "%Y%m%d" if re.search(r"\bevent_date$", text) else "%Y-%m-%d %H:%M:%S"
        return f"PARSE_TIMESTAMP('{style}', {value}, '{timezone}')"
    if source in _NUMBERS:
        number = text if source == "INT64" else f"CAST({text} AS INT64)"
        return f"{_epoch_function(text)}({number})"
    return ""


def _zone_of(text: str) -> str:
    """The time zone into which DATETIME(created, 'Europe/London') has brought a time, or ""."""
    named = re.fullmatch(r"(?i)(?:DATE|DATETIME)\s*\(.*,\s*'([A-Z][\w/+-]*)'\s*\)", text)
    return named[1] if named else ""


def _epoch_function(text: str) -> str:
    """Which TIMESTAMP_* reads the number, guessed from its name; CRMs write milliseconds."""
    if re.search(r"micro|event_timestamp|_us\b", text, re.IGNORECASE):
        return "TIMESTAMP_MICROS"
    if re.search(r"(?<!milli)sec|_s\b|unix", text, re.IGNORECASE):
        return "TIMESTAMP_SECONDS"
    return "TIMESTAMP_MILLIS"


def _to_number(text: str, source: str, timezone: str) -> str:
    return {
        # no SAFE_CAST: a number written in another way is to fail, not to vanish
        "STRING": f"CAST({text} AS FLOAT64)",
        "JSON": f"CAST(JSON_VALUE({text}) AS FLOAT64)",
        "BOOL": f"IF({text}, 1.0, 0.0)",
    }.get(source, f"CAST({text} AS FLOAT64)" if source in _NUMBERS else "")


def _to_truth(text: str, source: str, timezone: str) -> str:
    if source in ("STRING", "JSON"):
        value = text if source == "STRING" else f"JSON_VALUE({text})"
        # 'yes', 'Won' or 'SQL': which texts mean it only its author knows
        return f"{value} IN ('the texts that mean qualified')"
    return f"{text} != 0" if source in _NUMBERS else ""
