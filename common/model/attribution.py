"""When a conversion is attributed: one rule for the report, the API and the terminal."""

from __future__ import annotations

from common.bigquery.sql import Sql, identifier, template


def attributed(row: str) -> Sql:
    """A condition on the row of that alias of a conversion's table: whether a visit is known of it.

    A client id alone says nothing: a CRM's may be of a site whose visits nobody exported.
    """
    return template(__file__, row=identifier(row))
