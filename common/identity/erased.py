"""Persons who were erased: the condition by which no run brings them back, whatever names them."""

from __future__ import annotations

from collections.abc import Iterable

from common.bigquery.sql import Sql, identifier, join, template


def spared(row: str, columns: Iterable[str], erasures: Sql) -> Sql:
    """The condition that none of these columns of the row is an erased person's.

    `erasures` holds SHA-256 hashes, of e-mail addresses in small letters.
    """
    return join("\n    AND ", (_is_spared(row, column, erasures) for column in columns))


def _is_spared(row: str, column: str, erasures: Sql) -> Sql:
    # an e-mail comes plain from one source and hashed from the next
    form = "erased_email" if column == "email" else None
    return template(__file__, form, id=f"{row}.{identifier(column).text}", erasures=erasures)
