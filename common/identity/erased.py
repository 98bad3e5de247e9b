"""Persons who were erased: how an id is recognized, and the condition by which no run brings them
back, whatever names them."""

from __future__ import annotations

from collections.abc import Iterable

from common.bigquery.sql import Sql, fill, identifier, join, template

PAGE = ("page_location", "page_referrer", "page_title")
"""Columns of an event's page, where addresses and ids stand among other words."""
SHORTEST_WORD = 6
"""Characters of an id that is looked for inside texts; a shorter one stands in too many."""
CONTACTS = ("email", "phone")
"""Columns that come plain from one source and hashed from the next."""


def spared(row: str, columns: Iterable[str], erasures: Sql) -> Sql:
    """The condition that none of these columns of the row is an erased person's.

    `erasures` holds SHA-256 hashes, of e-mail addresses in small letters and of phone numbers as
    bare digits.
    """
    return join("\n    AND ", (_is_spared(row, column, erasures) for column in columns))


def spared_parameters(row: str, rows: Sql, erasures: Sql) -> Sql:
    """The condition that no parameter of the row, whatever its name, is an erased person's, nor a
    word of one or of its page's address.

    `rows` is the table that the row is of; as a set, because BigQuery runs no subquery for each row
    that reads another table.
    """
    # a parameter's key says nothing of its value: it may be an id, an address or a number
    forms = (None, *(f"erased_{contact}" for contact in CONTACTS))
    spared = (template(__file__, form, id="word", erasures=erasures) for form in forms)
    joined = join("\n    AND ", spared)
    return template(
        __file__,
        "erased_parameters",
        row=row,
        rows=rows,
        words=fill("ARRAY_CONCAT([text], {{ words }})", words=words(Sql("text"))),
        shortest=str(SHORTEST_WORD),
        spared=joined,
    )


def spared_words(row: str) -> Sql:
    """The condition that an event names no erased person in any of its texts: its page's address,
    title and referrer, its parameters and its user properties.

    `forgotten.hashes` is the array of all hashes of `erasures`, NULL while there are none: a
    subquery for each row may not read another table.
    """
    page = ", ".join(f"{row}.{name}" for name in PAGE)
    texts = template(__file__, "erased_texts", row=row, page=page)
    joined = fill("ARRAY_TO_STRING({{ texts }}, CHR(10))", texts=texts)
    return template(
        __file__,
        "erased_words",
        texts=texts,
        words=words(joined),
        shortest=str(SHORTEST_WORD),
    )


def words(text: Sql) -> Sql:
    """The ARRAY<STRING> of the words of a text, as an address of a page puts them together."""
    return template(__file__, "erased_in_text", text=text)


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
