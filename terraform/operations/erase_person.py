"""Forgets a person: deletes every row that holds one of the ids, and keeps them from coming back.

    .venv/bin/python terraform/operations/erase_person.py PROJECT ENVIRONMENT LOCATION ID...

The ids are what is known of the person: client ids, user ids, e-mail addresses, phone numbers
(+44 20 7946 0958; tel:02079460958 where the country is not known), ids of leads and of conversions.
Rows that hold an address, a number, or the id of a lead or conversion, say which other ids are the
person's, and those are erased as well. It runs under the operator's own credentials, best while
no run is under way, and may be repeated. Rows are found in every table of the product by its own
columns, inside rows kept as JSON text, in words for people that quote an id, and in what runs have
left behind in the staging dataset.

What was sent of the person is marked in the delivery ledger: the next hourly run of export takes it
back where the platform can, and the person out of audiences. Until then ledger and
`audience_members` keep what the platform asks for to do that. It goes by itself three days after
the platform took it, at the latest 30 days after the erasure.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

# started as a file, so that only its own folder is on the path
sys.path.insert(0, str(Path(__file__).parents[2]))

import phonenumbers

from common import schemas
from common.bigquery.sql import Parameter, Sql, fill, identifier, join, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.identity.erased import (
    CONTACTS,
    PAGE,
    SHORTEST_WORD,
    is_named,
    number,
    one_writing,
    words,
)
from common.model import placeholders
from common.settings import Settings
from functions.export.ledger import erased

IDS = ("client_id", "user_id", "lead_id", "id", "purchase_id", "order_id")
"""Columns that name a person, or a conversion, order or lead, and so the person who made it."""
OTHERS = ("client_id", "user_id", "lead_id", "id", *CONTACTS)
"""What a row says of who else the person is."""
LEADING = ("id", "lead_id", *CONTACTS)
"""By which of them a row is the person's alone, so that what else stands in it is theirs too."""
OWN = ("id", "purchase_id", "order_id")
"""What a row is called that goes with the person, whichever of their ids it was found by."""
PARAMETERS = {"params": "value", "event_params": "text", "user_properties": "text"}
"""Columns that hold parameters of any name, and where in each its value is."""
PAGES = (*PAGE, "landing_page")
"""Columns of pages, whose words may name a person."""
PARTS = "parts"
"""The column of what each daily table tells of a visit, pages among it."""
ROWS = ("old_row", "new_row", "row_text")
"""Columns that hold a whole row, as JSON text or as a record."""
RECORD = ("RECORD", "STRUCT")
TEXTS = ("detail", "fix", "note", "object")
"""Columns of words for a person, which may quote an id."""
ROUNDS = 2
"""From what is given to a lead, and from the lead's address to another lead; no further, because a
company's address leads to everybody who works there."""


def main() -> None:
    from google.cloud import bigquery

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for argument in ("project", "environment", "location"):
        parser.add_argument(argument)
    parser.add_argument("ids", nargs="+", metavar="ID")
    asked = parser.parse_args()
    dataset = f"conversions_{asked.environment}"
    settings = Settings(
        project=asked.project,
        dataset=dataset,
        staging_dataset=f"{dataset}_staging",
        location=asked.location,
    )
    client = bigquery.Client(project=asked.project, location=asked.location)
    warehouse = Warehouse(client, settings)
    if "erasures" not in warehouse.tables_in(f"{asked.project}.{dataset}"):
        sys.exit(
            f"Nothing was erased: {asked.project}.{dataset} is no dataset of the product, or is "
            "not there. Look at PROJECT and ENVIRONMENT."
        )
    for table, rows in erase(warehouse, asked.ids, datetime.now(UTC)):
        print(f"{table}: {rows} rows deleted")


def erase(warehouse: Warehouse, ids: Sequence[str], now: datetime) -> Iterator[tuple[str, int]]:
    """Delete the person's rows; one (table, number of rows) for each table, as it is done."""
    settings = warehouse.settings
    tables = sorted(warehouse.tables_in(f"{settings.project}.{settings.dataset}"))
    ids = identified(warehouse, tables, spellings(ids))
    bound = {"ids": Parameter("ARRAY<STRING>", list(ids))}
    # before this erasure's own, so that repeating the command forgets what platforms answered
    yield from erased.forget_all(warehouse, now).rows.items()
    # first of all that is deleted, so that a run that begins meanwhile leaves the person out
    remember = template(__file__, "erase_person_remember", erasures=warehouse.table("erasures"))
    warehouse.execute(with_parameters(remember, **bound, now=now))
    for table in tables:
        if schemas.shape_of(table) == "conversion":
            take_back(warehouse, table, ids, now)
    for table in tables:
        shape = schemas.shape_of(table)
        mentioned = mentions(schemas.columns(shape) if shape else ())
        if mentioned is not None:
            delete = template(__file__, table=warehouse.table(table), mentioned=mentioned)
            yield table, warehouse.execute(with_parameters(delete, **bound)).affected_rows or 0
    forget_staged(warehouse, ids)


def spellings(ids: Iterable[str]) -> list[str]:
    """The ids as tables have them: of an e-mail address in small letters and of a phone number its
    digits, and the SHA-256 of both."""
    found = set()
    for id in (id.strip() for id in ids):
        if "@" in id:
            found |= {id, id.lower(), _sha256(id.lower())}
        elif id.startswith(("+", "tel:")):
            found |= set(_numbers(id))
        else:
            found.add(id)
    return sorted(found - {""})


def _numbers(phone: str) -> Iterator[str]:
    """The writings of a phone number as digits alone, and the hashes that platforms take.

    One that is written without its country is the person's too: better than to leave them in.
    """
    digits = re.sub(r"\D", "", phone).removeprefix("00")
    yield digits
    for plus in ("+", ""):
        yield _sha256(plus + digits)
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return
    if phonenumbers.is_valid_number(number):
        shown = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
        national = re.sub(r"\D", "", shown)
        # as it is dialled inside the country, and as in +44 (0)20 7946 0958
        yield from (national, f"{number.country_code}{national}")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def identified(warehouse: Warehouse, tables: Sequence[str], ids: Sequence[str]) -> list[str]:
    """The ids, and those that stand beside one of them in a conversion's or a lead's row.

    A client id or user id alone leads to no other: a device or an account may be shared.
    """
    found = set(ids)
    for _ in range(ROUNDS):
        found |= set(spellings(_beside(warehouse, tables, sorted(found), LEADING, OTHERS)))
    # last, so that what stands on a shared device leads to nobody else
    every = (*IDS, *CONTACTS, *PARAMETERS, *PAGES)
    return sorted(found | set(_beside(warehouse, tables, sorted(found), every, OWN)))


def _beside(
    warehouse: Warehouse,
    tables: Sequence[str],
    ids: Sequence[str],
    by: Sequence[str],
    wanted: Sequence[str],
) -> Iterator[str]:
    """What the `wanted` columns hold in rows that hold one of the ids in a column of `by`."""
    bound = {
        "ids": Parameter("ARRAY<STRING>", list(ids)),
        "nobody": Parameter("ARRAY<STRING>", placeholders.NOBODY),
    }
    for table in tables:
        columns = schemas.columns(shape) if (shape := schemas.shape_of(table)) else ()
        mentioned = mentions([name for name in columns if name in by])
        others = [_known(name) for name in wanted if name in columns]
        if mentioned is None or not others or "collection" in columns:
            continue
        known = template(
            __file__,
            "erase_person_known",
            table=warehouse.table(table),
            names=fill("[{{ others }}]", others=join(", ", others)),
            mentioned=mentioned,
        )
        yield from (row["known"] for row in warehouse.rows(with_parameters(known, **bound)))


def _known(column: str) -> Sql:
    value = identifier(column)
    # marked, because digits alone could be any id; a hash is known by its form
    form = "IF(LENGTH({{ it }}) = 64, {{ it }}, CONCAT('tel:', NULLIF({{ it }}, '')))"
    return fill(form, it=one_writing(column, value)) if column == "phone" else value


def forget_staged(warehouse: Warehouse, ids: Sequence[str]) -> None:
    """Delete the person's rows from tables that runs have left behind, whatever their columns."""
    bound = {"ids": Parameter("ARRAY<STRING>", list(ids))}
    settings = warehouse.settings
    for table in warehouse.tables_in(f"{settings.project}.{settings.staging_dataset}"):
        columns = warehouse.schema_of(warehouse.staging_path(table)) or []
        names = [column["name"] for column in columns]
        records = {column["name"] for column in columns if column["type"] in RECORD}
        delete = template(
            __file__,
            "erase_person_staged",
            table=warehouse.staging(table),
            mentioned=mentions(names, records) or Sql("FALSE"),
            shortest=str(SHORTEST_WORD),
        )
        warehouse.execute(with_parameters(delete, **bound))


def take_back(warehouse: Warehouse, table: str, ids: Sequence[str], now: datetime) -> None:
    """Mark in the delivery ledger what was sent of the person's conversions in this table.

    What was noted to be sent, and never was, goes at once.
    """
    named = {
        "ids": Parameter("ARRAY<STRING>", list(ids)),
        "conversion": table.removeprefix("conversion_"),
    }
    attempts = warehouse.table("export_attempts")
    of_person = template(
        __file__,
        "erase_person_conversions",
        conversions=warehouse.table(table),
        changes=warehouse.table("conversion_changes"),
        in_table=mentions(schemas.columns("conversion")) or Sql("FALSE"),
        in_changes=mentions(schemas.columns("conversion_changes")) or Sql("FALSE"),
    )
    ask = template(__file__, "erase_person_take_back", attempts=attempts, of_person=of_person)
    warehouse.execute(with_parameters(ask, **named, now=now))
    unsent = template(
        __file__,
        "erase_person_unsent",
        members=warehouse.table("audience_members"),
        attempts=attempts,
        of_person=of_person,
    )
    warehouse.execute(with_parameters(unsent, **named))


def mentions(columns: Sequence[str], records: Container[str] = ()) -> Sql | None:
    """The condition that a row with these columns holds one of @ids; None when none could."""
    if "collection" in columns:
        return None  # ids of definitions name nobody
    values = [identifier(column) for column in columns if column in IDS]
    values += [one_writing(name, identifier(name)) for name in CONTACTS if name in columns]
    rows = [_text(column, records) for column in columns if column in ROWS]
    pages = [identifier(column) for column in columns if column in PAGES]
    pages += [_text(PARTS, (PARTS,)) for column in columns if column == PARTS]
    values += [_inside(row, id) for row in rows for id in (*IDS, *CONTACTS)]
    if "person_id" in columns:
        values.append(Sql("REGEXP_REPLACE(`person_id`, r'^(client|user):', '')"))
    held = [fill("{{ value }} IN UNNEST(@ids)", value=value) for value in values]
    held += [_among(column) for column in columns if column in PARAMETERS]
    held += [_named_in(text) for text in (*rows, *pages)]
    held += [_quotes(column) for column in columns if column in TEXTS]
    return join(" OR ", held) if held else None


def _text(column: str, records: Container[str]) -> Sql:
    """The column's row as JSON text."""
    form = "TO_JSON_STRING({{ row }})" if column in records else "{{ row }}"
    return fill(form, row=identifier(column))


def _inside(row: Sql, id: str) -> Sql:
    value = fill("JSON_VALUE({{ row }}, '$.{{ id }}')", row=row, id=id)
    return one_writing(id, value)


def _among(column: str) -> Sql:
    """Whether a parameter, whatever its name, is one of the ids or has one among its words."""
    value = fill("parameter.{{ value }}", value=PARAMETERS[column])
    return fill(
        "EXISTS (SELECT 1 FROM UNNEST({{ column }}) AS parameter"
        " CROSS JOIN UNNEST({{ words }}) AS word"
        " WHERE {{ is_named }} AND ({{ is_id }}))",
        column=identifier(column),
        words=fill("ARRAY_CONCAT([{{ it }}], {{ words }})", it=value, words=words(value)),
        is_named=is_named(Sql("word"), value, Sql("parameter.key")),
        is_id=_is_id(),
    )


def _named_in(text: Sql) -> Sql:
    """Whether a word of the text is one of the ids, as in an address of a page."""
    return fill(
        "EXISTS (SELECT 1 FROM UNNEST({{ words }}) AS word"
        " WHERE LENGTH(word) >= {{ shortest }} AND ({{ is_id }}))",
        words=words(text),
        shortest=str(SHORTEST_WORD),
        is_id=_is_id(),
    )


def _is_id() -> Sql:
    """Whether `word`, in any writing, is one of the ids."""
    word = Sql("word")
    writings = [word, one_writing("email", word), number(word)]
    return join(" OR ", [fill("{{ it }} IN UNNEST(@ids)", it=it) for it in writings])


def _quotes(column: str) -> Sql:
    return fill(
        "EXISTS (SELECT 1 FROM UNNEST(@ids) AS id WHERE LENGTH(id) >= {{ shortest }}"
        " AND STRPOS({{ column }}, id) > 0)",
        shortest=str(SHORTEST_WORD),
        column=identifier(column),
    )


if __name__ == "__main__":
    main()
