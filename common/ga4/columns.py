"""Columns of a GA4 export as expressions: each is optional, of any type, or JSON in a text.

Columns differ between properties, years, shards and copies. What a shard has not reads as NULL or
as an empty list, whichever column it is.
Source: support.google.com/analytics/answer/7029846 (BigQuery Export schema).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from common.untyped import JsonObject

TEXTS = ("STRING", "JSON")
NUMBERS = ("int_value", "double_value", "float_value")
WRAPPERS = ("list.element", "list.item")
PARAMETERS = "ARRAY<STRUCT<key STRING, text STRING, number FLOAT64>>"


@dataclass(frozen=True)
class Columns:
    """What the columns of one export are called by, over the alias `event`."""

    types: dict[str, str]
    """Path such as geo.city → BigQuery's type."""

    @classmethod
    def of(cls, schema: Sequence[JsonObject]) -> Columns:
        """The columns of a schema in the form of BigQuery's API."""
        return cls(dict(_paths(schema)))

    def value(self, path: str, type_: str) -> str:
        """The column as this GoogleSQL type; NULL where it is absent or cannot be read so."""
        root, _, rest = path.partition(".")
        if path in self.types:
            # stream_id is a number in Google's public sample and a text by the documents, and a
            # column that is always empty has any type in a copy
            return f"SAFE_CAST(event.{path} AS {type_})"
        if rest and self.types.get(root) in TEXTS:
            return f"SAFE_CAST(JSON_VALUE(event.{root}, '$.{rest}') AS {type_})"
        return f"CAST(NULL AS {type_})"

    def text(self, *paths: str) -> str:
        """The first of these columns that is not NULL, as text."""
        known = [text for text in (self.value(path, "STRING") for path in paths) if _is_known(text)]
        if not known:
            return "CAST(NULL AS STRING)"
        return known[0] if len(known) == 1 else f"COALESCE({', '.join(known)})"

    def parameter(self, key: str, spread: str) -> str:
        """The event parameter of this key as `text` or as `number`, whichever type carries it."""
        elements = self._elements("event_params")
        if elements is None:
            return f"CAST(NULL AS {'STRING' if spread == 'text' else 'FLOAT64'})"
        read = self._text if spread == "text" else self._number
        return (
            f"(SELECT {read('event_params')} FROM {elements} AS parameter"
            f" WHERE {self._field('event_params', 'key', 'STRING')} = '{key}' LIMIT 1)"
        )

    def parameters(self, column: str) -> str:
        """The list of parameters, each value as text and as number."""
        elements = self._elements(column)
        if elements is None:
            return f"CAST([] AS {PARAMETERS})"
        return (
            f"ARRAY(SELECT AS STRUCT {self._field(column, 'key', 'STRING')} AS key, "
            f"{self._text(column)} AS text, {self._number(column)} AS number "
            f"FROM {elements} AS parameter)"
        )

    def pairs(self, keys: Iterable[str]) -> str:
        """The event parameters of these keys, in small letters, as texts key=value."""
        elements = self._elements("event_params")
        if elements is None:
            return "CAST([] AS ARRAY<STRING>)"
        key = f"LOWER({self._field('event_params', 'key', 'STRING')})"
        listed = ", ".join(f"'{name}'" for name in keys)
        text = self._field("event_params", "value.string_value", "STRING")
        # GA4 cuts the value of a parameter at 100 characters: what is as long is no whole id
        return (
            f"ARRAY(SELECT CONCAT({key}, '=', {text}) FROM {elements} AS parameter"
            f" WHERE {key} IN ({listed}) AND LENGTH({text}) < 100)"
        )

    def items(self, texts: Iterable[str], numbers: Iterable[str]) -> str:
        """The list of products with these fields."""
        fields = [(name, "STRING") for name in texts] + [(name, "FLOAT64") for name in numbers]
        if (elements := self._elements("items")) is None:
            listed = ", ".join(f"{name} {type_}" for name, type_ in fields)
            return f"CAST([] AS ARRAY<STRUCT<{listed}>>)"
        chosen = ", ".join(
            f"{self._field('items', name, type_, 'item')} AS {name}" for name, type_ in fields
        )
        return f"ARRAY(SELECT AS STRUCT {chosen} FROM {elements} AS item)"

    def _elements(self, column: str) -> str | None:
        kind = self.types.get(column)
        if kind in TEXTS:
            return f"UNNEST(JSON_QUERY_ARRAY(event.{column}))"
        if wrapper := self._wrapper(column):
            return f"UNNEST(event.{column}.{wrapper.partition('.')[0]})"
        return f"UNNEST(event.{column})" if kind in ("RECORD", "STRUCT") else None

    def _wrapper(self, column: str) -> str:
        """list.element where a copy has the list so: BigQuery loads lists of Parquet as records
        unless it is asked for lists; "" where the list is one."""
        return next((it for it in WRAPPERS if f"{column}.{it}" in self.types), "")

    def _field(self, column: str, name: str, type_: str, alias: str = "parameter") -> str:
        if self.types.get(column) in TEXTS:
            return f"SAFE_CAST(JSON_VALUE({alias}, '$.{name}') AS {type_})"
        wrapper = self._wrapper(column)
        if ".".join(filter(None, (column, wrapper, name))) not in self.types:
            return f"CAST(NULL AS {type_})"
        if wrapper:
            alias = f"{alias}.{wrapper.partition('.')[2]}"
        return f"SAFE_CAST({alias}.{name} AS {type_})"

    def _text(self, column: str) -> str:
        parts = [self._field(column, f"value.{it}", "STRING") for it in ("string_value", *NUMBERS)]
        return f"COALESCE({', '.join(filter(_is_known, parts)) or 'CAST(NULL AS STRING)'})"

    def _number(self, column: str) -> str:
        parts = [self._field(column, f"value.{it}", "FLOAT64") for it in (*NUMBERS, "string_value")]
        return f"COALESCE({', '.join(filter(_is_known, parts)) or 'CAST(NULL AS FLOAT64)'})"


def _is_known(expression: str) -> bool:
    return not expression.startswith("CAST(NULL")


def _paths(schema: Sequence[JsonObject], prefix: str = "") -> Iterable[tuple[str, str]]:
    for column in schema:
        path = f"{prefix}{column['name']}"
        yield path, column["type"]
        yield from _paths(column.get("fields", []), f"{path}.")
