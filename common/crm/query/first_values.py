"""What a lead's attributes were on its first day, where the CRM keeps a history of their changes.

A value that sales filled in later follows from how well the lead looked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from common.bigquery.sql import Sql, bind, fill, join
from common.crm import names
from common.crm.canonical import Loaded
from common.crm.paths import Schema, spelled

_CASTS = {
    "STRING": "STRING",
    "INTEGER": "INT64",
    "FLOAT": "FLOAT64",
    "NUMERIC": "NUMERIC",
    "BIGNUMERIC": "BIGNUMERIC",
    "BOOLEAN": "BOOL",
}
"""Types of attributes whose earlier values can be read from text."""

_SEEN_FIRST = """seen_first AS (
  SELECT told.record_id, {{ columns }}
  FROM (
    SELECT
      past.record_id,
      LOWER(REGEXP_REPLACE(
        REGEXP_REPLACE(past.attribute, r'__c$', ''), r'[^A-Za-z0-9]', ''
      )) AS attribute,
      {{ words }} AS words
    FROM {{ history }} AS past
    INNER JOIN {{ records }} AS one ON one.id = past.record_id
    WHERE past.changed_at IS NOT NULL AND one.created IS NOT NULL{{ later }}
    GROUP BY 1, 2
  ) AS told
  GROUP BY told.record_id
)"""

_FIRST_DAY = "TIMESTAMP_ADD(one.created, INTERVAL 1 DAY)"
# what the first later change found there
_BEFORE = """ARRAY_AGG(
        STRUCT(past.before AS words) ORDER BY past.changed_at LIMIT 1
      )[SAFE_OFFSET(0)].words"""
# what the last change of the first day left there; nothing where there was none
_AFTER = f"""ARRAY_AGG(
        STRUCT(IF(past.changed_at <= {_FIRST_DAY}, past.after, NULL) AS words)
        ORDER BY IF(past.changed_at <= {_FIRST_DAY}, past.changed_at, NULL) DESC LIMIT 1
      )[SAFE_OFFSET(0)].words"""

JOINED = "LEFT JOIN seen_first ON seen_first.record_id = {{ record }}.id"


def told(attributes: Mapping[str, str], schema: Schema) -> dict[str, str]:
    """Types of the attributes of which a history may tell, by the names that they are given."""
    types = {str(column["name"]): spelled(str(column["type"])) for column in schema}
    return {
        given: _CASTS[types[column]]
        for given, column in attributes.items()
        if types.get(column) in _CASTS
    }


def seen_first(history: Loaded, records: str, told_of: Mapping[str, str]) -> Sql:
    """The table expression of the first values: a row a record, two columns an attribute."""
    says_before = history.has("before")
    columns = (
        fill(
            "LOGICAL_OR(told.attribute = {{ name }}) AS {{ is }}, "
            "MAX(IF(told.attribute = {{ name }}, told.words, NULL)) AS {{ was }}",
            name=bind(_plain(given)),
            **{"is": Sql(f"is_told_{place}"), "was": Sql(f"was_{place}")},
        )
        for place, given in enumerate(told_of)
    )
    return fill(
        _SEEN_FIRST,
        columns=join(",\n    ", columns),
        words=Sql(_BEFORE if says_before else _AFTER),
        history=history.subquery({}),
        records=Sql(records),
        later=Sql(f" AND past.changed_at > {_FIRST_DAY}" if says_before else ""),
    )


def value(column: Sql, given: str, told_of: Mapping[str, str]) -> Sql:
    """The attribute as it was first, where the history tells of it."""
    if given not in told_of:
        return column
    place = list(told_of).index(given)
    return fill(
        f"IF(seen_first.is_told_{place}, SAFE_CAST(seen_first.was_{place} AS {told_of[given]}), "
        "{{ column }})",
        column=column,
    )


def _plain(given: str) -> str:
    return re.sub("[^a-z0-9]", "", names.bare(given))
