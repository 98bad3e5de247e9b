"""Which columns hold client and click ids: as a person said, by their names, by their contents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from common.bigquery.sql import Sql, fill, identifier, join, table
from common.bigquery.warehouse import Warehouse
from common.crm import names

PATTERNS: Mapping[str, str] = {
    "client_id": r"^(GA\d\.\d\.)?\d{6,10}\.\d{10}$",
    "gclid": r"^(Cj|EAIaIQ)[A-Za-z0-9_-]{20,200}$",
    "fbclid": r"^(Iw|PA)[A-Za-z0-9_-]{20,500}$",
}
"""What the identifiers look like.

Client ids look like nothing else: a random number and the seconds of the first visit, with or
without the cookie's prefix. Google's click ids begin with Cj or EAIaIQ, Meta's with Iw or PA. The
others look like any hash or GUID and are known by their names alone.
"""

LEAST_VALUES, NEARLY_ALL, HARDLY_ANY = 20, 0.9, 0.1
"""A column of so many values holds what nine tenths look like, and nothing of what a tenth or less
does, whatever its name says."""


By = Literal["definition", "name", "content"]


@dataclass(frozen=True)
class Content:
    """What a column holds: its values that are not empty, and how many look like which."""

    filled: int
    looking: Mapping[str, int]
    """Values by the identifier that they look like."""

    def share(self, id: str) -> float | None:
        """Share of the values that look so; None where they are too few to tell."""
        return self.looking[id] / self.filled if self.filled >= LEAST_VALUES else None


@dataclass(frozen=True)
class Found:
    """A column that is read under one of the product's names, and how it was found."""

    name: str
    """client_id, gclid, ..., value, currency, won, lost."""
    table: str
    column: str
    by: By
    content: Content | None = None
    """None where nobody looked."""


Contents = Mapping[str, Content]
"""By the name of the column."""


def content(warehouse: Warehouse, path: str, columns: Mapping[str, Sql]) -> dict[str, Content]:
    """What the columns hold; counts alone leave the warehouse. One scan of these columns."""
    if not columns:
        return {}
    listed = list(columns)
    query = fill(
        "SELECT {{ counts }} FROM {{ table }} AS raw",
        counts=join(", ", (_counts(place, columns[name]) for place, name in enumerate(listed))),
        table=table(path),
    )
    row = next(warehouse.rows(query))
    return {
        name: Content(
            int(row[f"filled_{place}"]), {id: int(row[f"{id}_{place}"]) for id in PATTERNS}
        )
        for place, name in enumerate(listed)
    }


def _counts(place: int, value: Sql) -> Sql:
    text = fill("TRIM(CAST({{ value }} AS STRING))", value=value)
    parts = [
        fill(
            "COUNT(NULLIF({{ text }}, '')) AS {{ name }}",
            text=text,
            name=identifier(f"filled_{place}"),
        )
    ]
    parts += [
        fill(
            f"COUNTIF(REGEXP_CONTAINS({{{{ text }}}}, r'{pattern}')) AS {{{{ name }}}}",
            text=text,
            name=identifier(f"{id}_{place}"),
        )
        for id, pattern in PATTERNS.items()
    ]
    return join(", ", parts)


def chosen(id: str, called: Mapping[str, str], seen: Contents) -> dict[str, By]:
    """The columns that hold the identifier, and how they were found.

    `called` has what people call a column, or its own name, by the column's name. A name counts
    unless the column holds another thing; contents count where no column with the name has any.
    """
    named = [
        column
        for column, words in called.items()
        if names.identifier_of(words) == id and not _denied(id, seen.get(column))
    ]
    if id not in PATTERNS or any(column not in seen or seen[column].filled for column in named):
        return dict.fromkeys(named, "name")
    return dict.fromkeys(_by_content(id, seen), "content") or dict.fromkeys(named, "name")


def _by_content(id: str, seen: Contents) -> Iterator[str]:
    for column, held in seen.items():
        share = held.share(id)
        if share is not None and share >= NEARLY_ALL:
            yield column


def _denied(id: str, held: Content | None) -> bool:
    share = None if held is None else held.share(id)
    # client ids look like nothing else; a click id may have a form that PATTERNS does not know
    return id == "client_id" and share is not None and share <= HARDLY_ANY
