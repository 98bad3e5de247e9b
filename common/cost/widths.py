"""How many logical bytes a value takes in BigQuery, by its type.

Source: cloud.google.com/bigquery/docs/estimate-costs, "Data size calculation". Of a text only the
mean length can be known; the columns of GA4's export have theirs from Google's public sample
(ga4_obfuscated_sample_ecommerce, 7 and 8 November 2020, 64,446 events).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from common.untyped import Row

FIXED = {
    "INTEGER": 8, "INT64": 8, "FLOAT": 8, "FLOAT64": 8, "BOOLEAN": 1, "BOOL": 1, "DATE": 8,
    "DATETIME": 8, "TIME": 8, "TIMESTAMP": 8, "NUMERIC": 16, "BIGNUMERIC": 32, "INTERVAL": 16,
    "RANGE": 16, "GEOGRAPHY": 40,
}  # fmt: skip
TEXT = 22
"""Bytes of a text of unknown length: 2, and 20 characters."""
REPEATED = 4
"""How often a repeated field of unknown length occurs."""


def widths(schema: Iterable[Row], known: Mapping[str, float] | None = None) -> dict[str, float]:
    """Mean bytes of one row by leaf column, nested ones as geo.country; `known` goes first."""
    return {path: (known or {}).get(path, size) for path, size in _leaves(schema, "", 1)}


@cache
def ga4() -> Mapping[str, float]:
    """Mean bytes of each leaf column that a GA4 event of the sample has."""
    found: dict[str, float] = json.loads(
        Path(__file__).with_name("ga4_widths.json").read_text(encoding="utf-8")
    )
    return found


def _leaves(schema: Iterable[Row], before: str, times: float) -> Iterator[tuple[str, float]]:
    for field in schema:
        # as the statement names a nested column
        path = f"{before}{field['name']}"
        # a list within a list multiplies
        count = times * (REPEATED if field.get("mode") == "REPEATED" else 1)
        if field["type"] in ("RECORD", "STRUCT"):
            yield from _leaves(field["fields"], f"{path}.", count)
        else:
            yield path, count * FIXED.get(field["type"], TEXT)
