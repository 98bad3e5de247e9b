"""Forgets a person: deletes every row that holds one of the ids, and keeps them from coming back.

    .venv/bin/python terraform/operations/erase_person.py PROJECT ENVIRONMENT LOCATION ID...

The ids are what is known of the person: client ids, user ids, e-mail addresses, ids of leads and of
conversions. Rows that hold an address, or the id of a lead or conversion, say which other ids are
the person's, and those are erased as well. It runs under the operator's own credentials, best while
no run is under way, and may be repeated. Rows are found in every table of the product by its own
columns, inside rows kept as JSON text, in words for people that quote an id, and in what runs have
left behind in the staging dataset.

What was sent of the person is marked in the delivery ledger: the next hourly run of export takes it
back where the platform can, and the person out of audiences. Until then ledger and
`audience_members` keep what the platform asks for to do that; repeated after three days, this
deletes it too.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

# started as a file, so that only its own folder is on the path
sys.path.insert(0, str(Path(__file__).parents[2]))

from common import schemas
from common.bigquery.sql import Parameter, Sql, fill, identifier, join, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.model import placeholders
from common.settings import Settings

IDS = ("client_id", "user_id", "lead_id", "id")
"""Columns that name a person, or a conversion or lead, and so the person who made it."""
OTHERS = ("client_id", "user_id", "lead_id", "id")
"""What a row says of who else the person is."""
EMAIL = "email"
"""Plain in one table, SHA-256 in the next."""
ROWS = ("old_row", "new_row", "row_text")
"""Columns that hold a whole row as JSON text."""
TEXTS = ("detail", "fix", "note")
"""Columns of words for a person, which may quote an id."""
SHORTEST_QUOTED = 6
"""Characters of an id that is looked for inside words; a shorter one stands in too many."""


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
    for table, rows in erase(Warehouse(client, settings), asked.ids, datetime.now(UTC)):
        print(f"{table}: {rows} rows deleted")


def erase(warehouse: Warehouse, ids: Sequence[str], now: datetime) -> Iterator[tuple[str, int]]:
    """Delete the person's rows; one (table, number of rows) for each table, as it is done."""
    settings = warehouse.settings
    tables = sorted(warehouse.tables_in(f"{settings.project}.{settings.dataset}"))
    ids = identified(warehouse, tables, spellings(ids))
    bound = {"ids": Parameter("ARRAY<STRING>", list(ids))}
    # first, so that a run that begins meanwhile already leaves the person out
    remember = template(__file__, "erase_person_remember", erasures=warehouse.table("erasures"))
    warehouse.execute(with_parameters(remember, **bound))
    yield from forgotten_deliveries(warehouse, now)
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


def spellings(ids: Sequence[str]) -> list[str]:
    """The ids as tables have them: of an e-mail address in small letters, and its SHA-256."""
    found = {id.strip() for id in ids}
    for address in [id.lower() for id in found if "@" in id]:
        found |= {address, hashlib.sha256(address.encode()).hexdigest()}
    return sorted(found)


def identified(warehouse: Warehouse, tables: Sequence[str], ids: Sequence[str]) -> list[str]:
    """The ids, and those that stand beside one of them in a conversion's or a lead's row.

    A client id or user id alone leads to no other: a device or an account may be shared.
    """
    found = set(ids)
    for table in tables:
        columns = schemas.columns(shape) if (shape := schemas.shape_of(table)) else ()
        mentioned = mentions([name for name in columns if name in ("id", "lead_id", EMAIL)])
        others = [identifier(name) for name in OTHERS if name in columns]
        if mentioned is None or not others or "collection" in columns:
            continue
        known = template(
            __file__,
            "erase_person_known",
            table=warehouse.table(table),
            names=fill("[{{ others }}]", others=join(", ", others)),
            mentioned=mentioned,
        )
        bound = {
            "ids": Parameter("ARRAY<STRING>", list(ids)),
            "nobody": Parameter("ARRAY<STRING>", placeholders.NOBODY),
        }
        found |= {row["known"] for row in warehouse.rows(with_parameters(known, **bound))}
    return sorted(found)


def forget_staged(warehouse: Warehouse, ids: Sequence[str]) -> None:
    """Delete the person's rows from tables that runs have left behind, which expire in a week."""
    bound = {"ids": Parameter("ARRAY<STRING>", list(ids))}
    settings = warehouse.settings
    for table in warehouse.tables_in(f"{settings.project}.{settings.staging_dataset}"):
        columns = warehouse.schema_of(warehouse.staging_path(table)) or []
        mentioned = mentions([column["name"] for column in columns])
        if mentioned is not None:
            delete = template(__file__, table=warehouse.staging(table), mentioned=mentioned)
            warehouse.execute(with_parameters(delete, **bound))


def take_back(warehouse: Warehouse, table: str, ids: Sequence[str], now: datetime) -> None:
    """Mark in the delivery ledger what was sent of the person's conversions in this table."""
    conversion = table.removeprefix("conversion_")
    ask = template(
        __file__,
        "erase_person_take_back",
        attempts=warehouse.table("export_attempts"),
        conversions=warehouse.table(table),
        changes=warehouse.table("conversion_changes"),
        in_table=mentions(schemas.columns("conversion")) or Sql("FALSE"),
        in_changes=mentions(schemas.columns("conversion_changes")) or Sql("FALSE"),
    )
    named = Parameter("ARRAY<STRING>", list(ids))
    warehouse.execute(with_parameters(ask, ids=named, conversion=conversion, now=now))


def forgotten_deliveries(warehouse: Warehouse, now: datetime) -> Iterator[tuple[str, int]]:
    """Delete what platforms have done with of anybody who was erased before."""
    attempts = warehouse.table("export_attempts")
    # what names the settled ones goes last
    for table in ("audience_members", "export_attempts"):
        delete = template(
            __file__, "erase_person_settled", table=warehouse.table(table), attempts=attempts
        )
        yield table, warehouse.execute(with_parameters(delete, now=now)).affected_rows or 0


def mentions(columns: Sequence[str]) -> Sql | None:
    """The condition that a row with these columns holds one of @ids; None when none could."""
    if "collection" in columns:
        return None  # ids of definitions name nobody
    named = [identifier(column) for column in columns if column in IDS]
    named += [_small(identifier(column)) for column in columns if column == EMAIL]
    inside = [
        fill("JSON_VALUE({{ row }}, '$.{{ id }}')", row=identifier(column), id=id)
        for column in columns
        if column in ROWS
        for id in (*IDS, EMAIL)
    ]
    inside = [_small(path) if EMAIL in path.text else path for path in inside]
    held = [fill("{{ value }} IN UNNEST(@ids)", value=value) for value in (*named, *inside)]
    held += [_quotes(column) for column in columns if column in TEXTS]
    return join(" OR ", held) if held else None


def _small(value: Sql) -> Sql:
    return fill("LOWER(TRIM({{ value }}))", value=value)


def _quotes(column: str) -> Sql:
    return fill(
        "EXISTS (SELECT 1 FROM UNNEST(@ids) AS id WHERE LENGTH(id) >= {{ shortest }}"
        " AND STRPOS({{ column }}, id) > 0)",
        shortest=str(SHORTEST_QUOTED),
        column=identifier(column),
    )


if __name__ == "__main__":
    main()
