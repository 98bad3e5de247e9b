"""The records of a CRM as canonical tables, merged ones folded: what both queries begin with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import get_args

from common.bigquery.sql import Sql, fill, join, template
from common.crm.canonical import Loaded, nothing
from common.crm.connector import IDENTIFIERS, Canonical, Crm
from common.crm.query import apart
from common.crm.query.folding import EDGES, folding

_ACTIVE: frozenset[Canonical] = frozenset({"activity", "activity_link"})
_WITHIN: frozenset[Canonical] = frozenset({*apart.COMPLETES, "history", "shared_label"})
"""Tables that are read inside of others."""
# the earliest of merged records: the one that is gone often came from the website
_FIRST = """ARRAY_AGG(
      {{ of }}.{{ name }} IGNORE NULLS ORDER BY {{ of }}.created, {{ of }}.id LIMIT 1
    )[SAFE_OFFSET(0)] AS {{ name }}"""


def records_of(
    rules: Crm,
    loaded: Mapping[Canonical, Loaded],
    attributes: Mapping[str, str],
    of_company: Mapping[str, str],
) -> Sql:
    """The table expressions: one for each canonical table, merges, and people and entries whole.

    `attributes` and `of_company` name the columns that the tables carry besides their own.
    """
    parts = []
    wanted = {rules.attributes_of: attributes, "company": of_company}
    for canonical in get_args(Canonical):
        if canonical in _WITHIN or (canonical in _ACTIVE and "activity" not in loaded):
            continue
        extra = rules.entry_attributes if canonical == "entry" else ()
        rows = (
            apart.whole(canonical, loaded, wanted.get(canonical, {}))
            if canonical in loaded
            else nothing(canonical, extra)
        )
        parts.append(fill("{{ name }} AS {{ rows }}", name=canonical, rows=rows))
    folded = join(",\n", (folding(kind, _merges(kind, loaded)) for kind in EDGES))
    return template(
        __file__,
        tables=join(",\n", parts),
        folding=folded,
        first_of_person=each_of(_FIRST, (*IDENTIFIERS, "user_id"), "person"),
        first_of_entry=each_of(_FIRST, (*IDENTIFIERS, "user_id", "person_id"), "entry"),
    )


def each_of(text: str, names_: Iterable[str], of: str, separator: str = ",\n    ") -> Sql:
    """The text for each of the columns; `of` is the alias of the rows."""
    return join(separator, (fill(text, of=of, name=name) for name in names_))


def _merges(kind: Canonical, loaded: Mapping[Canonical, Loaded]) -> bool:
    """Whether the tables can say at all that such records were merged."""
    audit: dict[Canonical, Canonical] = {"person": "person_merge", "deal": "deal_merge"}
    own = loaded.get(kind)
    columns = own is not None and (own.has("merged_into") or own.has("merged_ids"))
    return columns or audit.get(kind) in loaded
