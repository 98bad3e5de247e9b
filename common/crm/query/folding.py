"""Merges of any length: who is left of records that were merged, merged again, and so on."""

from __future__ import annotations

from collections.abc import Mapping

from common.bigquery.sql import Sql, fill, template
from common.crm.connector import Canonical

# BigQuery gives up a recursion after 500 rounds
MOST_HOPS = 100
"""Merges in one chain; more of them are a circle."""

_NOBODY = """{{ kind }}_folded AS (
  SELECT CAST(NULL AS STRING) AS gone, CAST(NULL AS STRING) AS kept LIMIT 0
)"""

# since January 2025 a merge of two HubSpot contacts makes a third with a new id, so that chains are
# the usual case
EDGES: Mapping[Canonical, str] = {
    "person": """SELECT edge.gone, edge.kept FROM person_merge AS edge
    UNION ALL
    SELECT person.id AS gone, person.merged_into AS kept FROM person
    UNION ALL
    -- an id with the moment of the merge is id:milliseconds
    SELECT NULLIF(TRIM(SPLIT(part, ':')[SAFE_OFFSET(0)]), '') AS gone, person.id AS kept
    FROM person CROSS JOIN UNNEST(SPLIT(person.merged_ids, ';')) AS part""",
    "entry": "SELECT entry.id AS gone, entry.merged_into AS kept FROM entry",
    "deal": """SELECT edge.gone, edge.kept FROM deal_merge AS edge
    UNION ALL
    SELECT deal.id AS gone, deal.merged_into AS kept FROM deal""",
}
"""What was merged into what, by the kind of record."""


def folding(kind: Canonical, can_merge: bool) -> Sql:
    """The common table expressions up to KIND_folded: each id that is gone, and the one kept.

    One of them is recursive, and so evaluated once; it needs WITH RECURSIVE. Where nothing could
    say that records were merged, nobody is gone and nothing is walked.
    """
    if not can_merge:
        return fill(_NOBODY, kind=kind)
    return template(__file__, "folding_edges", kind=kind, edges=EDGES[kind], most=str(MOST_HOPS))
