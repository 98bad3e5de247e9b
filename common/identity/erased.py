"""Persons who were erased: how an id is recognized, and the condition by which no run brings them
back, whatever names them."""

from __future__ import annotations

from collections.abc import Iterable

from common.bigquery.sql import Sql, fill, identifier, join, template

PAGE = ("page_location", "page_referrer", "page_title")
"""Columns of an event's page, where addresses and ids stand among other words."""
SHORTEST_WORD = 6
"""Characters of an id that is looked for inside texts; a shorter one stands in too many."""
FEWEST_DIGITS = 7
"""Digits of a telephone number with its country. What has fewer, as 7 in /category-7, is none: it
would be everybody's who has seen that page, where somebody's order is called 7."""
NAMES_A_PERSON = r"(?i)user|customer|client|lead|contact|member|account|person|subscriber|visitor"
"""Keys of parameters whose whole value is an id however short; any other's may be a count."""
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
    word = Sql("word")
    spared = (
        template(__file__, form, id=value, erasures=erasures)
        for form, value in ((None, word), ("erased_email", word), (None, number(word)))
    )
    joined = join("\n    AND ", spared)
    return template(
        __file__,
        "erased_parameters",
        row=row,
        rows=rows,
        erasures=erasures,
        words=words(Sql("told.text")),
        is_named=is_named(Sql("word"), Sql("told.text"), Sql("told.key")),
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
        words=words(joined, SHORTEST_WORD),
        number=number(Sql("word")),
        shortest=str(SHORTEST_WORD),
    )


def words(text: Sql, shortest: int = 1) -> Sql:
    """The ARRAY<STRING> of the words of a text, as an address of a page puts them together, but for
    those of less than `shortest` characters."""
    return template(__file__, "erased_in_text", text=text, length=f"{{{shortest},}}")


def is_named(word: Sql, text: Sql, key: Sql) -> Sql:
    """The condition that a word of a parameter's text is long enough to name somebody alone, or is
    all of it under a key that speaks of a person."""
    return template(
        __file__,
        "erased_is_named",
        word=word,
        text=text,
        key=key,
        shortest=str(SHORTEST_WORD),
        names_a_person=NAMES_A_PERSON,
    )


def number(word: Sql) -> Sql:
    """The word, or text, as the digits of a telephone number; NULL when it has too few."""
    return template(__file__, "erased_number", word=word, fewest=f"{{{FEWEST_DIGITS},}}")


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
