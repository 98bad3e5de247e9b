"""Paths into loaded tables: columns found without case, fields of records and JSON, lists.

`CreatedDate` is a column. `properties.amount` is a field of a record or of JSON, by what the column
really is. `stages[].value.stageid` gives a row for each element. `primary(emails)` is the primary
element, else the first. `not active_flag` is the flag turned round, `status is won|gained` whether
the text is one of these, `ended valid_to` whether the moment is one that came. A path that ends at
a record or a list is absent, or NULL inside JSON.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from common.bigquery.sql import Sql, bind, fill, identifier, join
from common.untyped import Row

Schema = Sequence[Row]
"""A table's columns in BigQuery's API form."""

_SPELLED = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}
_PRIMARY = re.compile(r"primary\((\w+)\)")
_IS = re.compile(r"(\S+) is (.+)")
_STEP = re.compile(r"[A-Za-z0-9_]+(\[\])?")


@dataclass(frozen=True)
class Value:
    """An expression and the type that it is stored in, spelled as in the API."""

    sql: Sql
    type: str


@dataclass(frozen=True)
class _Place:
    """Where a walk has come to: a column, a record, a list, or inside JSON."""

    sql: Sql
    type: str
    is_list: bool
    fields: Schema
    inside: tuple[str, ...] | None = None
    """Steps inside JSON; None outside of it."""


class Reading:
    """One table being read: its values, and the lists that had to be opened for them."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._opened: dict[str, tuple[Sql, _Place]] = {}

    @property
    def lists(self) -> Sql:
        """The joins that open the lists of all paths asked for so far."""
        return join("", (opened for opened, _ in self._opened.values()))

    def value(self, path: str) -> Value | None:
        """The value at the path; None when there is none."""
        if path.startswith("not "):
            flag = self.value(path.removeprefix("not "))
            return flag and Value(fill("NOT ({{ flag }})", flag=as_bool(flag)), "BOOLEAN")
        if path.startswith("ended "):
            end = self.value(path.removeprefix("ended "))
            return end and Value(fill(_ENDED, end=end.sql), "BOOLEAN")
        if match := _IS.fullmatch(path):
            return self._is(match[1], match[2].split("|"))
        if match := _PRIMARY.fullmatch(path):
            return self._primary(match[1])
        place = self._walk(path)
        return None if place is None else _value(place)

    def _is(self, path: str, texts: Sequence[str]) -> Value | None:
        value = self.value(path)
        if value is None:
            return None
        listed = join(", ", (bind(text.strip()) for text in texts))
        test = fill(
            "LOWER(TRIM(CAST({{ value }} AS STRING))) IN ({{ texts }})",
            value=value.sql,
            texts=listed,
        )
        return Value(test, "BOOLEAN")

    def _primary(self, name: str) -> Value | None:
        """Of a list of {value, primary}; a column that is no list is its only element."""
        place = self._walk(name)
        if place is None:
            return None
        if not (place.is_list or place.type in ("JSON", "STRING")):
            return _value(place)
        if not place.is_list:
            of_list = fill(_PRIMARY_OF_JSON, list=place.sql)
            text = fill(_LIST_OR_TEXT, text=place.sql, list=of_list)
            return Value(text if place.type == "STRING" else of_list, "STRING")
        if not {"value", "primary"} <= {each["name"].lower() for each in place.fields}:
            return None
        return Value(fill(_PRIMARY_OF_RECORDS, list=place.sql), "STRING")

    def _walk(self, path: str) -> _Place | None:
        steps = path.split(".")
        assert all(map(_STEP.fullmatch, steps)), path
        place: _Place | None = _Place(Sql("raw"), "RECORD", False, self._schema)
        for depth, step in enumerate(steps, start=1):
            place = place and _into(place, step.removesuffix("[]"))
            if place and step.endswith("[]"):
                place = self._open(".".join(steps[:depth]).lower(), place)
        return place

    def _open(self, prefix: str, place: _Place) -> _Place | None:
        """An element of the list; paths with the same beginning speak of the same one."""
        if prefix not in self._opened:
            element = Sql(f"item_{len(self._opened) + 1}")
            elements = _elements(place)
            if elements is None:
                return None
            opened = fill(
                # a row without elements stays: it may be the newest version of one that had some
                "\n  LEFT JOIN UNNEST({{ elements }}) AS {{ element }} ON TRUE",
                elements=elements,
                element=element,
            )
            inside = None if place.is_list else ()
            one = _Place(element, place.type, False, place.fields, inside)
            self._opened[prefix] = opened, one
        return self._opened[prefix][1]


# a history without an end has no moment there, or the last one that there is
_ENDED = "NOT STARTS_WITH(CAST({{ end }} AS STRING), '9999')"

_PRIMARY_OF_JSON = """(
    SELECT JSON_VALUE(element, '$.value')
    FROM UNNEST(JSON_QUERY_ARRAY({{ list }})) AS element WITH OFFSET AS place
    ORDER BY IF(LOWER(JSON_VALUE(element, '$.primary')) = 'true', 0, 1), place
    LIMIT 1
  )"""

_LIST_OR_TEXT = "IF(STARTS_WITH(LTRIM({{ text }}), '['), {{ list }}, {{ text }})"

_PRIMARY_OF_RECORDS = """(
    SELECT CAST(element.value AS STRING)
    FROM UNNEST({{ list }}) AS element WITH OFFSET AS place
    ORDER BY IF(LOWER(CAST(element.primary AS STRING)) = 'true', 0, 1), place
    LIMIT 1
  )"""


_YES = r"^(true|t|yes|y|1|1\.0)$|^\d{4}-\d\d-\d\d|^\d{10,16}$"


def as_bool(value: Value) -> Sql:
    """The value as a BOOL, NULL when it is missing."""
    match value.type:
        case "BOOLEAN":
            text = "{{ value }}"
        case "STRING":
            # an empty text says nothing, and a moment written as text that it has come
            text = f"REGEXP_CONTAINS(LOWER(NULLIF(TRIM({{{{ value }}}}), '')), r'{_YES}')"
        case "DATE" | "DATETIME" | "TIMESTAMP":
            # a moment of deletion
            text = "{{ value }} IS NOT NULL"
        case _:
            text = "{{ value }} <> 0"
    return fill(text, value=value.sql)


def spelled(type_: str) -> str:
    """The type as the API spells it."""
    return _SPELLED.get(type_, type_)


def _into(place: _Place, name: str) -> _Place | None:
    if place.inside is not None:
        return _Place(place.sql, place.type, False, (), (*place.inside, name))
    if place.is_list:
        return None
    if place.type in ("JSON", "STRING"):
        return _Place(place.sql, place.type, False, (), (name,))
    found = next((each for each in place.fields if each["name"].lower() == name.lower()), None)
    if found is None:
        return None
    return _Place(
        fill("{{ of }}.{{ name }}", of=place.sql, name=identifier(found["name"])),
        spelled(found["type"]),
        found.get("mode") == "REPEATED",
        found.get("fields", ()),
    )


def _elements(place: _Place) -> Sql | None:
    if place.is_list:
        return place.sql
    if place.type not in ("JSON", "STRING"):
        return None
    inner = ".".join(("$", *(place.inside or ())))
    return fill("JSON_QUERY_ARRAY({{ json }}, '{{ inner }}')", json=place.sql, inner=inner)


def _value(place: _Place) -> Value | None:
    if place.inside is not None:
        inner = ".".join(("$", *place.inside))
        return Value(
            fill("JSON_VALUE({{ json }}, '{{ inner }}')", json=place.sql, inner=inner), "STRING"
        )
    if place.is_list or place.type == "RECORD":
        return None
    if place.type == "JSON":
        # of what may be several types a loader makes JSON; a record or a list has no value
        return Value(fill("JSON_VALUE({{ json }})", json=place.sql), "STRING")
    return Value(place.sql, place.type)
