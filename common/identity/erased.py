"""Persons who were erased: how an id is recognized, and the condition by which no run brings them
back, whatever names them."""

from __future__ import annotations

from collections.abc import Iterable

from common.bigquery.sql import Sql, identifier, join, template

CONTACTS = ("email", "phone")
"""Columns that come plain from one source and hashed from the next."""


def spared(row: str, columns: Iterable[str], erasures: Sql) -> Sql:
    """The condition that none of these columns of the row is an erased person's.

    `erasures` holds SHA-256 hashes, of e-mail addresses in small letters and of phone numbers as
    bare digits.
    """
    return join("\n    AND ", (_is_spared(row, column, erasures) for column in columns))


def spared_parameters(row: str, rows: Sql, erasures: Sql) -> Sql:
    """The condition that no parameter of the row, whatever its name, is an erased person's.

    `rows` is the table that the row is of; as a set, because BigQuery runs no subquery for each row
    that reads another table.
    """
    # a parameter's key says nothing of its value: it may be an id, an address or a number
    forms = (None, *(f"erased_{contact}" for contact in CONTACTS))
    spared = (template(__file__, form, id="parameter.value", erasures=erasures) for form in forms)
    joined = join("\n    AND ", spared)
    return template(__file__, "erased_parameters", row=row, rows=rows, spared=joined)


def one_writing(column: str, value: Sql) -> Sql:
    """The value of this column in the one writing that stands for all: an address in small letters,
    a phone number as its digits, a hash of either in small letters, anything else as it is."""
    return (
        template(__file__, f"erased_{column}_written", value=value) if column in CONTACTS else value
    )


def _is_spared(row: str, column: str, erasures: Sql) -> Sql:
    # ids have one writing, addresses and telephone numbers many
    form = f"erased_{column}" if column in CONTACTS else None
    return template(__file__, form, id=f"{row}.{identifier(column).text}", erasures=erasures)
