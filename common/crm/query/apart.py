"""What a loader keeps of a table's rows in tables of their own, put back to the rows."""

from __future__ import annotations

from collections.abc import Mapping

from common.bigquery.sql import Sql, fill
from common.crm.canonical import Loaded
from common.crm.connector import Canonical

COMPLETES: Mapping[Canonical, Canonical] = {
    "deal_archive": "deal",
    "person_email": "person",
    "person_phone": "person",
}
"""The table that each of them completes."""

_LISTED = """(
  SELECT one.* REPLACE (COALESCE(one.{{ name }}, list.words) AS {{ name }})
  FROM {{ rows }} AS one
  LEFT JOIN {{ apart }} AS list ON list.loaded_id = one.loaded_id
)"""

_JOINED: Mapping[Canonical, str] = {
    # nobody tells the table of deals that one was archived; one that was restored is newer there
    "deal_archive": """(
  SELECT one.* REPLACE (
    one.deleted OR COALESCE(gone.updated >= one.updated, gone.id IS NOT NULL) AS deleted
  )
  FROM {{ rows }} AS one
  LEFT JOIN {{ apart }} AS gone ON gone.id = one.id
)""",
    "person_email": _LISTED.replace("{{ name }}", "email"),
    "person_phone": _LISTED.replace("{{ name }}", "phone"),
}


def whole(
    canonical: Canonical, loaded: Mapping[Canonical, Loaded], attributes: Mapping[str, str]
) -> Sql:
    """The table's rows with the attributes, completed by all that was loaded of them apart."""
    rows = loaded[canonical].subquery(attributes)
    if canonical == "label" and "shared_label" in loaded:
        # Dataverse lists the choices of one table and those that several share in two tables
        shared = loaded["shared_label"].subquery({})
        return fill("({{ own }}\nUNION ALL\n{{ shared }})", own=rows, shared=shared)
    for apart, of in COMPLETES.items():
        if of == canonical and apart in loaded:
            rows = fill(_JOINED[apart], rows=rows, apart=loaded[apart].subquery({}))
    return rows
